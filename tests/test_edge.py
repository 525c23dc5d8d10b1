"""Where Paddle is not installed: what stands in its place behaves as Paddle does, or says that Paddle is needed."""

from __future__ import annotations

import logging
import subprocess
import sys
import warnings

import paddle
import pytest

from course_lib import optimizer
from course_lib.edge import TwinOfScheduler
from course_lib.optimizer.base import NoTensors
from course_lib.optimizer.rule import Rule
from course_lib.optimizer.tensors.interface import OfTensors
from course_lib.optimizer.tensors.paddle_format import Format, format_of

BASES = {"Paddle's": paddle.optimizer.lr.LRScheduler, "twin": TwinOfScheduler}


def of_both(act):
    """What ``act`` gives or raises, and how often it warns, with a schedule of one's own on either base."""
    outcomes = []
    for base in BASES.values():

        class Halving(base):
            def get_lr(self):
                return self.base_lr * 0.5**self.last_epoch

        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                outcomes.append((act(Halving, base), len(told)))
            except Exception as error:
                outcomes.append((type(error), len(told)))
    return outcomes


def stepped(schedule, *epochs):
    for epoch in epochs:
        schedule.step(epoch)
    return schedule(), schedule.state_dict()


def resumed(cls, state, by="set_state_dict"):
    schedule = cls(0.8)
    getattr(schedule, by)(state)
    return stepped(schedule, None)


def with_closed_form(Halving):
    class Closed(Halving):
        def _get_closed_form_lr(self):
            return 0.125

    return Closed


@pytest.mark.parametrize(
    "act",
    [
        lambda cls, base: stepped(cls(0.8), None, None),
        lambda cls, base: stepped(cls(0.8, last_epoch=3), 1),
        lambda cls, base: stepped(with_closed_form(cls)(0.8), None, 2),
        lambda cls, base: resumed(cls, {"last_epoch": 2, "last_lr": 0.2}),
        lambda cls, base: resumed(cls, {"last_epoch": 2, "last_lr": 0.2}, by="set_dict"),
        lambda cls, base: resumed(cls, {"last_epoch": 2}),
        lambda cls, base: resumed(cls, {"last_epoch": 2, "last_lr": 0.2, "more": 1}),
        lambda cls, base: cls(-0.1),
        lambda cls, base: cls("a"),
        lambda cls, base: base(0.1),
    ],
)
def test_the_twin_of_paddles_scheduler_does_the_same(act):
    of_paddle, of_twin = of_both(act)
    assert of_twin == of_paddle


def test_the_twin_tells_of_its_steps_as_paddle_does(capsys):
    told = []
    for base in BASES.values():
        type("Constant", (base,), {"get_lr": lambda self: 0.5})(0.5, verbose=True).step()
        told.append(capsys.readouterr().out)
    assert told[0] == told[1] != ""


class Alone(Rule, NoTensors):
    """An optimizer as it is without Paddle."""

    def __init__(self, parameters=None, grad_clip=None):
        Rule.__init__(self, 0.5)
        NoTensors.__init__(self, parameters, None, grad_clip, None)


def test_every_method_that_needs_tensors_says_so():
    public = {name for name, value in vars(OfTensors).items() if callable(value) and not name.startswith("_")}
    assert set(NoTensors.REFUSED) == public - {"states_in_use"}
    for name in NoTensors.REFUSED:
        with pytest.raises(ModuleNotFoundError, match=rf"Alone\.{name} needs Paddle.*pip install paddlepaddle"):
            getattr(Alone(), name)()
    for given in ({"parameters": []}, {"grad_clip": 1}):
        with pytest.raises(ModuleNotFoundError, match=rf"Alone\({next(iter(given))}=…\) needs Paddle"):
            Alone(**given)
    assert Alone().states_in_use() == [] and Alone().get_lr() == 0.5


def test_only_the_courses_own_classes_have_paddles_format():
    class Adam(optimizer.Optimizer):
        slots = ("m",)

    class Mine(optimizer.Adam):
        pass

    Adam.__module__ = "course_lib.optimizer.of_a_learner"
    assert format_of(Adam) == format_of(optimizer.SGD) == Format()
    assert format_of(Mine) is format_of(optimizer.Adam) is not format_of(optimizer.Adamax)


@pytest.mark.parametrize("level", [logging.NOTSET, logging.DEBUG])
def test_importing_the_library_leaves_a_log_level_that_was_set(level):
    program = (
        f"import logging; logger = logging.getLogger('matplotlib'); logger.setLevel({level}); "
        "import course_lib; print(logger.level)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) == (level or logging.WARNING)


# ---------------------------------------------------------------------- rules of one's own


def test_a_decay_beside_the_gradient_is_said_twice_or_not_at_all():
    for table in ({"decoupled": True}, {"hyperparameters": {"weight_decay": lambda name, value: value}}):
        with pytest.raises(TypeError, match=r"^Mine must have decoupled = True and a check of"):
            type("Mine", (optimizer.Optimizer,), table)


def test_an_unknown_hyperparameter_is_named():
    class Mine(optimizer.Optimizer):
        def __init__(self, learning_rate, rho):
            super().__init__(learning_rate, rho=rho)

    with pytest.raises(TypeError, match=r"^Mine has no hyper-parameter 'rho' in its table; there: none$"):
        Mine(0.1, rho=0.9)


def test_a_regularizer_derived_from_l2_is_one():
    class Decay(paddle.regularizer.L2Decay):
        pass

    parameter = paddle.to_tensor([2.0], stop_gradient=False)
    parameter.grad = paddle.zeros([1])
    optimizer.SGD(0.5, parameters=[parameter], weight_decay=Decay(0.25)).step()
    assert parameter.item() == 2.0 - 0.5 * 0.25 * 2.0
