"""What PyTorch, Keras and optax compute, written down for comparisons that need none of them.

    make libraries      install them in an environment of their own, run this there, write the record

Each optimizer takes 100 steps with the gradients of ``course_lib.other_libraries``, in 64 bits; some positions are
kept, and PyTorch's state half-way. Each schedule of PyTorch is walked for 40 steps, each average follows a weight. The
record also holds PyTorch's lists of classes with their arguments: a test compares ``course_lib.translate`` with
them.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import json
import os
import platform
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import keras
import numpy as np
import optax
import torch
from torch.optim import lr_scheduler, swa_utils

from course_lib.files import write_atomically
from course_lib.other_libraries import DROP, KEPT, PATH, START, STEPS, gradient, metric, rosenbrock, rows

jax.config.update("jax_enable_x64", True)

OPTIMIZERS = [
    "SGD(parameters, lr=0.01)",
    "SGD(parameters, lr=0.01, weight_decay=0.1)",
    "SGD(parameters, lr=0.01, weight_decay=0.1, maximize=True)",
    "SGD(parameters, lr=0.01, momentum=0.9)",
    "SGD(parameters, lr=0.01, momentum=0.9, weight_decay=0.1)",
    "SGD(parameters, lr=0.01, momentum=0.9, nesterov=True)",
    "SGD(parameters, lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.1)",
    "SGD(parameters, lr=0.01, momentum=0.9, dampening=0.5)",
    "Adagrad(parameters)",
    "Adagrad(parameters, eps=1e-3, initial_accumulator_value=0.1, weight_decay=0.1)",
    "Adagrad(parameters, lr_decay=0.1)",
    "RMSprop(parameters)",
    "RMSprop(parameters, eps=1e-3)",
    "RMSprop(parameters, alpha=0.9, eps=1e-5, weight_decay=0.1)",
    "RMSprop(parameters, momentum=0.9)",
    "RMSprop(parameters, centered=True)",
    "Adadelta(parameters)",
    "Adadelta(parameters, rho=0.95, eps=1e-3, weight_decay=0.1)",
    "Adam(parameters, lr=0.01)",
    "Adam(parameters, lr=0.01, betas=(0.5, 0.9), eps=1e-3)",
    "Adam(parameters, lr=0.01, weight_decay=0.1)",
    "Adam(parameters, lr=0.01, weight_decay=0.1, decoupled_weight_decay=True)",
    "Adam(parameters, lr=0.01, amsgrad=True)",
    "Adam(parameters, lr=0.01, amsgrad=True, weight_decay=0.1, maximize=True)",
    "AdamW(parameters, lr=0.01)",
    "AdamW(parameters, lr=0.01, weight_decay=0.3, eps=1e-3, betas=(0.9, 0.95))",
    "AdamW(parameters, lr=0.01, amsgrad=True)",
    "AdamW(parameters, lr=0.01, maximize=True)",
    "Adamax(parameters)",
    "Adamax(parameters, eps=1e-3)",
    "Adamax(parameters, betas=(0.5, 0.9), weight_decay=0.1)",
    "NAdam(parameters)",
    "NAdam(parameters, momentum_decay=0.1, eps=1e-3, weight_decay=0.1)",
    "NAdam(parameters, weight_decay=0.1, decoupled_weight_decay=True)",
    "RAdam(parameters)",
    "RAdam(parameters, betas=(0.9, 0.9), eps=1e-3, weight_decay=0.1)",
    "RAdam(parameters, weight_decay=0.1, decoupled_weight_decay=True)",
    "Rprop(parameters)",
    "Rprop(parameters, lr=0.1, etas=(0.4, 1.3), step_sizes=(1e-4, 0.5))",
    "ASGD(parameters)",
    "ASGD(parameters, lr=0.1, lambd=0.01, alpha=0.5, weight_decay=0.1)",
]

CONSTANT_RATE = ("lr_decay", "Rprop", "ASGD")
"""What has a learning rate of its own making: it does not fall half-way."""

SEARCHES = [
    "LBFGS(parameters, max_iter=4)",
    "LBFGS(parameters, lr=0.5, max_iter=6, history_size=3)",
    'LBFGS(parameters, max_iter=4, line_search_fn="strong_wolfe")',
]
"""L-BFGS takes ten steps in Rosenbrock's valley, from (-1, 1); its state is kept half-way."""

ON_ROWS = ["SparseAdam(parameters, lr=0.01)"]
"""Twenty steps on rows of a table of four, with gradients of the size of the step's number."""

SCHEDULES = [
    "StepLR(optimizer, step_size=7)",
    "StepLR(optimizer, 5, 0.5)",
    "MultiStepLR(optimizer, milestones=[8, 20], gamma=0.3)",
    "ExponentialLR(optimizer, gamma=0.9)",
    "ConstantLR(optimizer)",
    "ConstantLR(optimizer, factor=0.1, total_iters=12)",
    "LinearLR(optimizer)",
    "LinearLR(optimizer, start_factor=0.01, total_iters=10)",
    "LinearLR(optimizer, start_factor=1.0, end_factor=0.0, total_iters=30)",
    "PolynomialLR(optimizer, total_iters=25, power=2.0)",
    "CosineAnnealingLR(optimizer, T_max=30, eta_min=0.001)",
    "CosineAnnealingLR(optimizer, 12)",
    "CosineAnnealingWarmRestarts(optimizer, T_0=5, T_mult=2)",
    "CosineAnnealingWarmRestarts(optimizer, T_0=8, eta_min=0.01)",
    "LambdaLR(optimizer, lr_lambda=lambda t: 0.95**t)",
    "MultiplicativeLR(optimizer, lambda t: 0.9 if t % 5 == 0 else 1.0)",
    "CyclicLR(optimizer, base_lr=0.01, max_lr=0.1, step_size_up=6)",
    'CyclicLR(optimizer, 0.01, 0.1, 6, 3, mode="triangular2", cycle_momentum=False)',
    'CyclicLR(optimizer, 0.01, 0.1, 6, mode="exp_range", gamma=0.95, cycle_momentum=False)',
    "OneCycleLR(optimizer, max_lr=0.1, total_steps=40)",
    "OneCycleLR(optimizer, max_lr=0.1, epochs=5, steps_per_epoch=9, pct_start=0.25, div_factor=10.0, "
    "final_div_factor=100.0, cycle_momentum=False)",
    'OneCycleLR(optimizer, 0.1, 45, three_phase=True, anneal_strategy="linear", cycle_momentum=False)',
    'ReduceLROnPlateau(optimizer, "min", 0.1, 3)',
    'ReduceLROnPlateau(optimizer, factor=0.5, patience=1, threshold=0.01, threshold_mode="abs", min_lr=0.004)',
    "ReduceLROnPlateau(optimizer, factor=0.5, patience=2, cooldown=5)",
    'ReduceLROnPlateau(optimizer, "max", patience=2)',
    "SequentialLR(optimizer, [LinearLR(optimizer, 0.01, total_iters=5), CosineAnnealingLR(optimizer, 30)], [5])",
    "SequentialLR(optimizer, schedulers=[LinearLR(optimizer, start_factor=0.1, total_iters=4), "
    "MultiStepLR(optimizer, [10, 20]), ExponentialLR(optimizer, 0.9)], milestones=[6, 24])",
    "SequentialLR(optimizer, [ConstantLR(optimizer, 0.1, 4), LambdaLR(optimizer, lambda t: 0.9**t)], [4])",
    "ChainedScheduler([ConstantLR(optimizer, factor=0.1, total_iters=4), ExponentialLR(optimizer, gamma=0.9)])",
    "ChainedScheduler([LinearLR(optimizer, total_iters=10), CosineAnnealingLR(optimizer, 30)], optimizer=optimizer)",
    "ChainedScheduler([LinearLR(optimizer, total_iters=10), CosineAnnealingLR(optimizer, 30, eta_min=0.01)])",
    "SWALR(optimizer, swa_lr=0.05)",
    'SWALR(optimizer, 0.02, anneal_epochs=15, anneal_strategy="linear")',
    "SWALR(optimizer, swa_lr=0.2, anneal_epochs=0)",
]
"""All of an optimizer with lr = 0.1, and momentum where a schedule wants to cycle it."""

AVERAGES = [
    "AveragedModel(model)",
    "AveragedModel(model, avg_fn=get_swa_avg_fn())",
    "AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))",
    "AveragedModel(model, avg_fn=get_ema_avg_fn(decay=0.5), use_buffers=True)",
]
"""Of a model whose weight has been moved by each step's gradient."""

WALKED = 40
"""Steps of a schedule."""

FORMS = {
    "SGD": ("SGD(rate)", "sgd(rate)", "SGD(0.01)"),
    "Momentum": ("SGD(rate, momentum=0.9)", "sgd(rate, momentum=0.9)", "Momentum(0.01)"),
    "Nesterov": (
        "SGD(rate, momentum=0.9, nesterov=True)",
        "sgd(rate, momentum=0.9, nesterov=True)",
        "Momentum(0.01, use_nesterov=True)",
    ),
    "Adagrad": (
        "Adagrad(rate, initial_accumulator_value=0.1, epsilon=1e-7)",
        "adagrad(rate, initial_accumulator_value=0.1, eps=1e-7)",
        "Adagrad(0.01, epsilon=1e-7, initial_accumulator_value=0.1)",
    ),
    "RMSProp": (
        "RMSprop(rate, rho=0.9, epsilon=1e-7)",
        "rmsprop(rate, decay=0.9, eps=1e-7)",
        "RMSProp(0.01, rho=0.9, epsilon=1e-7)",
    ),
    "RMSProp, momentum": (
        "RMSprop(rate, rho=0.9, momentum=0.9, epsilon=1e-7)",
        "rmsprop(rate, decay=0.9, momentum=0.9, eps=1e-7)",
        "RMSProp(0.01, rho=0.9, momentum=0.9, epsilon=1e-7)",
    ),
    "Adadelta": (
        "Adadelta(rate, rho=0.95, epsilon=1e-6)",
        "adadelta(rate, rho=0.95, eps=1e-6)",
        "Adadelta(0.01, rho=0.95, epsilon=1e-6)",
    ),
    "Adam": ("Adam(rate, epsilon=1e-8)", "adam(rate)", "Adam(0.01)"),
    "AMSGrad": ("Adam(rate, epsilon=1e-8, amsgrad=True)", "amsgrad(rate)", "Adam(0.01, amsgrad=True)"),
    "AdamW": (
        "AdamW(rate, weight_decay=0.1, epsilon=1e-8)",
        "adamw(rate, weight_decay=0.1)",
        "AdamW(0.01, weight_decay=0.1)",
    ),
    "Adamax": ("Adamax(rate, epsilon=1e-8)", "adamax(rate)", "Adamax(0.01)"),
    "NAdam": ("Nadam(rate, epsilon=1e-8)", "nadam(rate)", "NAdam(0.01)"),
    "RAdam": (None, "radam(rate, threshold=5.0)", "RAdam(0.01)"),
    "Lamb": (
        "Lamb(rate, epsilon=1e-6, weight_decay=0.01)",
        "lamb(rate, weight_decay=0.01)",
        "Lamb(0.01, lamb_weight_decay=0.01, epsilon=1e-6)",
    ),
}
"""Rule → the same settings in Keras, in optax and in Paddle; ``rate`` is 0.01 and falls half-way."""


def shown(values) -> list:
    """Numbers with 14 digits; more would only be the last bits of the machine that computed them."""
    return json.loads(
        json.dumps(np.asarray(values, float).tolist()), parse_float=lambda text: float(f"{float(text):.14g}")
    )


def pytorchs_run(call: str) -> dict:
    """The kept positions of an optimizer, and its state after ``DROP`` steps."""
    parameter = torch.nn.Parameter(torch.tensor(START))
    made = eval(call, vars(torch.optim), {"parameters": [parameter]})
    drops = not any(word in call for word in CONSTANT_RATE)
    positions, state = [], None
    for step in range(1, STEPS + 1):
        parameter.grad = torch.tensor(gradient(step))
        made.step()
        positions.append(parameter.detach().numpy().copy())
        if step == DROP:
            state = {key: shown(value) for key, value in made.state[parameter].items() if value is not None}
            made.param_groups[0]["lr"] *= 0.1 if drops else 1
    return {"drops": drops, "positions": shown([positions[step - 1] for step in KEPT]), "state": state}


def pytorchs_search(call: str) -> dict:
    parameter = torch.nn.Parameter(torch.tensor([-1.0, 1.0], dtype=torch.float64))
    made = eval(call, vars(torch.optim), {"parameters": [parameter]})

    def closure():
        made.zero_grad()
        loss = rosenbrock(*parameter)
        loss.backward()
        return loss

    positions, state = [], {}
    for step in range(1, 11):
        made.step(closure)
        positions.append(parameter.detach().numpy().copy())
        if step == 5:
            state = {key: shown(value) for key, value in made.state[parameter].items() if key != "al"}
    return {"positions": shown(positions), "state": state}


def pytorchs_rows(call: str) -> dict:
    table = torch.nn.Embedding.from_pretrained(torch.zeros(4, 2, dtype=torch.float64), freeze=False, sparse=True)
    made = eval(call, vars(torch.optim), {"parameters": table.parameters()})
    positions = []
    for step in range(1, 21):
        made.zero_grad()
        (step * table(torch.tensor(rows(step)))).sum().backward()
        made.step()
        positions.append(table.weight.detach().numpy().copy())
    return {"positions": shown(positions)}


def pytorchs_rates(call: str) -> dict:
    """The learning rates of a schedule, and the momenta where it changes them."""
    made = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)
    schedule = eval(call, vars(lr_scheduler), {"optimizer": made, "SWALR": swa_utils.SWALR})
    asks = isinstance(schedule, lr_scheduler.ReduceLROnPlateau)
    rates, momenta = [], []
    for step in range(1, WALKED + 1):
        rates.append(made.param_groups[0]["lr"])
        momenta.append(made.param_groups[0]["momentum"])
        made.step()
        schedule.step(*([metric(step)] if asks else []))
    return {"rates": shown(rates), **({"momenta": shown(momenta)} if len(set(momenta)) > 1 else {})}


def pytorchs_averages(call: str) -> dict:
    model, positions = torch.nn.Linear(2, 3, bias=False, dtype=torch.float64), []
    torch.nn.init.constant_(model.weight, 0.0)
    made = eval(call, vars(swa_utils), {"model": model})
    for step in range(1, STEPS + 1):
        with torch.no_grad():
            model.weight += torch.tensor(gradient(step))
        made.update_parameters(model)
        positions.append(made.module.weight.detach().numpy().copy())
    return {"positions": shown([positions[step - 1] for step in KEPT])}


def kerass_run(call: str) -> list:
    variable = keras.Variable(START, dtype="float64")
    made = eval(call, vars(keras.optimizers), {"rate": 0.01})
    positions = []
    for step in range(1, STEPS + 1):
        made.apply([jax.numpy.asarray(gradient(step))], [variable])
        positions.append(np.array(variable.value))
        if step == DROP:
            made.learning_rate.assign(0.001)
    return shown([positions[step - 1] for step in KEPT])


def optaxs_run(call: str) -> list:
    def rate(count):
        return jax.numpy.where(count < DROP, 0.01, 0.001)

    made, parameter, positions = eval(call, vars(optax), {"rate": rate}), jax.numpy.asarray(START), []
    state = made.init(parameter)
    for step in range(1, STEPS + 1):
        updates, state = made.update(jax.numpy.asarray(gradient(step)), state, parameter)
        parameter = optax.apply_updates(parameter, updates)
        positions.append(np.array(parameter))
    return shown([positions[step - 1] for step in KEPT])


def signatures(module, base: type) -> dict:
    """Class → its arguments and their defaults, without the one that every class has in front."""
    names = [name for name in module.__all__ if inspect.isclass(getattr(module, name, None))]
    return {name: arguments(getattr(module, name)) for name in sorted(names) if getattr(module, name) is not base}


def arguments(cls) -> dict:
    given = [p for p in inspect.signature(cls).parameters.values() if p.name not in ("params", "optimizer", "model")]
    return {p.name: "required" if p.default is p.empty else p.default for p in given}


def forms() -> dict:
    runs = {}
    for rule, (kerass, optaxs, paddles) in FORMS.items():
        runs[rule] = {"paddle": paddles}
        if kerass:
            runs[rule]["keras"] = {"call": kerass, "positions": kerass_run(kerass)}
        runs[rule]["optax"] = {"call": optaxs, "positions": optaxs_run(optaxs)}
    return runs


def content() -> dict:
    versions = {name: importlib.metadata.version(name) for name in ("torch", "keras", "optax", "jax", "numpy")}
    return {
        "command": "make libraries",
        "versions": {"python": platform.python_version(), **versions},
        "arguments": {
            "optimizers": signatures(torch.optim, torch.optim.Optimizer),
            "schedules": signatures(lr_scheduler, lr_scheduler.LRScheduler),
            "averages": {name: arguments(getattr(swa_utils, name)) for name in ("AveragedModel", "SWALR")},
        },
        "optimizers": {call: pytorchs_run(call) for call in OPTIMIZERS},
        "searches": {call: pytorchs_search(call) for call in SEARCHES},
        "rows": {call: pytorchs_rows(call) for call in ON_ROWS},
        "schedules": {call: pytorchs_rates(call) for call in SCHEDULES},
        "averages": {call: pytorchs_averages(call) for call in AVERAGES},
        "forms": forms(),
    }


def compact(record: dict) -> str:
    """JSON with a line for each run: whatever shows a change shows which run changed."""
    lines = []
    for key, value in record.items():
        if isinstance(value, dict) and any(isinstance(each, dict) for each in value.values()):
            inner = ",\n".join(
                f"  {json.dumps(name)}: {json.dumps(each, separators=(',', ':'))}" for name, each in value.items()
            )
            lines.append(f" {json.dumps(key)}: {{\n{inner}\n }}")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> int:
    write_atomically(PATH, compact(content()))
    print(f"{PATH.name}: {PATH.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
