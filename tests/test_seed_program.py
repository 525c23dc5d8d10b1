"""The program the course grew from runs with either module, changed in nothing but the module's name."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import paddle
import pytest
import seed_program

from course_lib import optimizer

SHARED = sorted(
    set(paddle.optimizer.__all__) & set(optimizer.__all__) - {"Optimizer", "lr", "LBFGS"}
)  # which steps by a closure
NEEDED = {"SGD", "Momentum", "Adagrad", "Adam"}  # the four of the tutorial


def run(module, name, folder, capsys, **settings):
    """Return the printed (epoch, batch, loss) and the saved parameters."""
    folder.mkdir()
    seed_program.train(module, name, folder=folder, **settings)
    lines = capsys.readouterr().out.splitlines()
    found = [re.fullmatch(r"epoch: (\d+), batch: (\d+), loss is: ([\d.]+)", line).groups() for line in lines]
    return [tuple(map(float, line)) for line in found], paddle.load(str(folder / "mnist.pdparams"))


def test_the_optimizers_of_the_tutorial_are_there():
    assert set(SHARED) >= NEEDED


@pytest.mark.parametrize("name", ["SGD", "Momentum"])
def test_the_loss_is_printed_every_200_batches_and_is_the_same(name, tmp_path, capsys):
    settings = {"epochs": 1, "batch_size": 4, "images": 840}
    paddles, reference = run(paddle.optimizer, name, tmp_path / "paddle", capsys, **settings)
    ours, parameters = run(optimizer, name, tmp_path / "course", capsys, **settings)
    assert [line[:2] for line in paddles] == [(0, 0), (0, 200)]
    np.testing.assert_allclose(ours, paddles, atol=1.01e-4)  # four digits are printed
    assert ours[-1][2] < 0.5 * ours[0][2]
    for key, value in reference.items():
        np.testing.assert_allclose(parameters[key].numpy(), value.numpy(), rtol=1e-5, atol=1e-6)


# Adaptive methods at this learning rate are chaotic: Paddle's Adam leaves its own path within 200 steps when its
# first weights are changed by 1e-7. Twenty steps are short enough to compare.
@pytest.mark.parametrize("name", SHARED)
def test_every_shared_optimizer_prints_the_same_losses(name, tmp_path, capsys):
    settings = {"epochs": 2, "batch_size": 32, "images": 320}
    paddles, _ = run(paddle.optimizer, name, tmp_path / "paddle", capsys, **settings)
    ours, _ = run(optimizer, name, tmp_path / "course", capsys, **settings)
    assert [line[:2] for line in ours] == [(0, 0), (1, 0)]
    np.testing.assert_allclose(ours, paddles, atol=0.002)
    assert ours[1][2] < ours[0][2]


def test_it_runs_from_the_command_line(tmp_path):
    program = [sys.executable, seed_program.__file__, "course_lib.optimizer", "SGD", "--epochs", "1", "--images", "128"]
    root = str(Path(seed_program.__file__).parents[1])
    done = subprocess.run(
        [*program, "--folder", str(tmp_path)], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )
    assert re.fullmatch(r"epoch: 0, batch: 0, loss is: \d\.\d{4}\n", done.stdout), done.stderr
    assert (tmp_path / "mnist.pdparams").is_file()
