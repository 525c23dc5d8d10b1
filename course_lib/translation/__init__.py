"""From PyTorch to Paddle: what a call of ``torch.optim`` or ``torch.optim.lr_scheduler`` is in ``paddle.optimizer``.

Neither library is needed to ask. What is said here is tested against numbers of PyTorch's (``other_libraries``).
"""

from __future__ import annotations

import difflib
import inspect
import numbers
from dataclasses import replace

from ..errors import decay_rate, finite, listed, not_negative, share
from .answer import CHANGED, EQUAL, Translation
from .averages import AVERAGES
from .optimizers import OPTIMIZERS, PARAMETERS
from .schedules import SCHEDULES, SWA, WARM_UPS
from .source import Source, call, groups, read

__all__ = ["Translation", "translate"]

WITHOUT_EFFECT = ("foreach", "fused", "capturable", "differentiable", "verbose")
"""Arguments of PyTorch's that change no number; older versions have the last."""

_MODULES = {
    "torch.optim": OPTIMIZERS,
    "torch.optim.lr_scheduler": SCHEDULES,
    "torch.optim.swa_utils": {**AVERAGES, **SWA},
    "transformers": WARM_UPS,
}
_FUNCTIONS = {name: function for table in _MODULES.values() for name, function in table.items()}

_UNCHECKED = ("Adafactor", "Muon")
"""Classes that Paddle has no call for."""

_OTHER_LIBRARIES = ("paddle", "keras", "tf", "tensorflow", "optax", "transformers", "timm", "apex")
"""Some have classes of the same names with other formulas or defaults."""

_GIVEN_TO_THE_OPTIMIZER = (
    "Give it to the optimizer, as learning_rate=scheduler, and call scheduler.step() where PyTorch's script does, "
    "after each batch or epoch: lengths are counted in these calls."
)

_WITH_OWN_RATE = ("OneCycleLR", "CyclicLR")
"""Schedules that do not ask for the optimizer's learning rate."""

_SYNONYMS = {"learning_rate": "lr", "epsilon": "eps", "beta1": "betas", "beta2": "betas", "use_nesterov": "nesterov"}
"""What Paddle calls PyTorch's arguments."""


def translate(name, *positional, **settings) -> Translation:
    """Say what Paddle's call is for one of PyTorch's, or that there is none and what comes nearest.

    Args:
        name: A class of ``torch.optim``, of its ``lr_scheduler`` or its ``swa_utils``: its name, with or without the
            modules in front, or the class itself. Or the text of a whole call; what is no number in it stays as it is.
            Three functions of the package transformers are known too, as ``get_linear_schedule_with_warmup``.
        *positional: Arguments in PyTorch's order, with or without the parameters (or the optimizer) in front.
        **settings: Arguments by PyTorch's names. A schedule of Paddle holds the learning rate that in PyTorch the
            optimizer holds: give it as ``lr``, too. An optimizer's ``lr`` may be the translation of a schedule.

    Returns:
        A ``Translation`` with Paddle's ``call``, whether it is the ``same``, and ``notes``.

    Raises:
        ValueError: There is no such class, or a value is out of range.
        TypeError: An argument is missing, unknown or of the wrong type.

    Example:
        >>> translate("torch.optim.SGD", lr=0.1, momentum=0.9)
        torch.optim.SGD(lr=0.1, momentum=0.9)
        ✓ Paddle's call does the same:
          paddle.optimizer.Momentum(learning_rate=0.1, momentum=0.9, parameters=model.parameters())
        >>> translate("optim.SGD(net.parameters(), lr=args.lr, momentum=0.9)").call
        'paddle.optimizer.Momentum(learning_rate=args.lr, momentum=0.9, parameters=net.parameters())'
        >>> translate("StepLR(optimizer, step_size=30)", lr=0.1).call
        'paddle.optimizer.lr.StepDecay(learning_rate=0.1, step_size=30, gamma=0.1)'
        >>> translate("torch.optim.RMSprop").same
        'nearest'
    """
    text = isinstance(name, str) and "(" in name
    if text:
        name, in_text, settings_in_text = read(name)
        positional, settings = [*in_text, *positional], {**settings_in_text, **settings}
    module, name = _known(name)
    in_front, positional = _without_first(name, [_plain(value) for value in positional], text)
    in_front = settings.pop(_first_argument(name), in_front)
    settings = {key: _plain(value) for key, value in settings.items() if key not in WITHOUT_EFFECT}
    given = _by_name(f"{module}.{name}", positional, settings)
    if name in OPTIMIZERS:
        answer = _optimizer(name, in_front, given)
    elif name in AVERAGES:
        answer = AVERAGES[name](in_front if isinstance(in_front, Source) else Source("model"), **given)
    else:
        answer = _schedule(name, **given)
        given.pop("lr", None)  # it is not PyTorch's
    return replace(answer, source=call(f"{module}.{name}", given))


def _optimizer(name: str, parameters, given: dict) -> Translation:
    notes, rate = [], given.get("lr")
    arguments = given if name in _UNCHECKED else {key: _checked(key, value) for key, value in given.items()}
    if isinstance(rate, Translation):
        arguments["lr"] = Source(rate.call or "scheduler")
        notes = [*rate.notes, "Keep the schedule in a variable: its step() is called where PyTorch's is."]
        if name == "Rprop":
            notes.append("Paddle's Rprop refuses a schedule; PyTorch's looks at the rate in its first step only.")
    answer = OPTIMIZERS[name](**arguments)
    maximize, same, code = given.get("maximize", False), answer.same, answer.call
    if maximize is not False and code:
        same = CHANGED if same == EQUAL else same
        notes.insert(0, "Paddle has no maximize: call (-loss).backward() in the place of loss.backward().")
    default = inspect.signature(OPTIMIZERS[name]).parameters["lr"].default
    in_groups = groups(parameters, arguments.get("lr", default))
    if in_groups and code:
        code = code.replace(f"parameters={PARAMETERS}", f"parameters={in_groups}")
    return replace(answer, call=code, same=same, notes=(*notes, *answer.notes))


def _schedule(name: str, lr=None, **given) -> Translation:
    notes = []
    if lr is None and name not in _WITH_OWN_RATE:
        notes = ["lr stands for the optimizer's learning rate, which Paddle's schedule is given: translate(…, lr=0.1)."]
    counted = {key: _checked(key, value) for key, value in given.items()}
    answer = _FUNCTIONS[name](Source("lr") if lr is None else _checked("lr", lr), **counted)
    if answer.call:
        notes.append(_GIVEN_TO_THE_OPTIMIZER)
    if given.get("last_epoch", -1) != -1:
        notes.append("Better than last_epoch: make the schedule as at first; then scheduler.set_state_dict(saved).")
    return replace(answer, notes=(*answer.notes, *notes))


def _known(name) -> tuple[str, str]:
    """The module of a class of PyTorch's, and its name."""
    if isinstance(name, type):
        name = f"{name.__module__}.{name.__qualname__}"
    if not isinstance(name, str):
        raise TypeError(f"name must be the name of a class of torch.optim, got {name!r} ({type(name).__name__})")
    short = name.rpartition(".")[2]
    module = next((module for module, table in _MODULES.items() if short in table), None)
    library, must_be = name.partition(".")[0], "name must be a class of torch.optim, its lr_scheduler or its swa_utils"
    if library in _OTHER_LIBRARIES and library != module:
        raise ValueError(f"{must_be}, got {name!r}, which is {library}'s")
    if module:
        return module, short
    known = {each.lower(): each for each in _FUNCTIONS}
    close = [known[each] for each in difflib.get_close_matches(short.lower(), known, n=3, cutoff=0.5)]
    nearest = f"; the nearest: {', '.join(close)}" if close else f"; it has {', '.join(known.values())}"
    raise ValueError(f"{must_be}, got {name!r}{nearest}")


def _first_argument(name: str) -> str:
    return "params" if name in OPTIMIZERS else "model" if name in AVERAGES else "optimizer"


def _without_first(name: str, positional, text: bool) -> tuple:
    """The parameters, the optimizer or the model, which a call has in front, and the other positional arguments."""
    if not positional or name == "ChainedScheduler":
        return None, positional
    first, *others = positional
    values = (numbers.Real, Translation) if name in OPTIMIZERS else (numbers.Real, list, tuple, str)
    is_value = not text and (isinstance(first, values) or (name in SCHEDULES and callable(first)))
    return (None, positional) if is_value else (first, others)


def _by_name(whole_name: str, positional, settings: dict) -> dict:
    """The arguments given, by name.

    Raises:
        TypeError: One is unknown, given twice or missing.
    """
    name = whole_name.rpartition(".")[2]
    arguments = inspect.signature(_FUNCTIONS[name]).parameters
    for key in settings:
        if key not in arguments:
            close = difflib.get_close_matches(key, [*arguments, *_SYNONYMS], n=1)
            meant = f": do you mean {_SYNONYMS.get(close[0], close[0])}?" if close else ";"
            raise TypeError(f"{whole_name} has no argument {key}{meant} It has {', '.join(arguments)}")
    given_before = ("model",) if name in AVERAGES else () if name in OPTIMIZERS else ("lr",)  # lr is not PyTorch's
    in_order = [key for key in arguments if key not in given_before]
    given = dict(zip(in_order, positional))
    twice = [key for key in given if key in settings]
    if twice or len(positional) > len(in_order):
        problem = f"{twice[0]} twice" if twice else f"{len(positional)} positional arguments"
        raise TypeError(f"{whole_name} was given {problem}; it has {', '.join(in_order)}")
    given.update(settings)
    missing = [key for key in in_order if arguments[key].default is inspect.Parameter.empty and key not in given]
    if missing:
        raise TypeError(f"{whole_name} needs {', '.join(missing)}; it has {', '.join(in_order)}")
    return given


def _plain(value):
    """A number that comes as a tensor of PyTorch's, or as an array, as a number."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", None) == 0 else value


def _betas(name: str, values) -> tuple:
    both = listed(name, values)
    if len(both) != 2:
        raise ValueError(f"{name} must be two numbers, got {values!r}")
    return tuple(_checked(f"{name}[{k}]", value, decay_rate) for k, value in enumerate(both))


def _count(name: str, value):
    """A number of steps; PyTorch also takes 30.0, Paddle does not."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_CHECKS = {
    **dict.fromkeys(("lr", "eps", "weight_decay", "momentum", "lr_decay", "initial_accumulator_value"), not_negative),
    **dict.fromkeys(("lambd", "alpha", "momentum_decay", "swa_lr"), not_negative),
    **{"rho": share, "dampening": finite, "betas": _betas},
    **dict.fromkeys(
        ("step_size", "total_iters", "T_max", "T_0", "step_size_up", "step_size_down", "total_steps"), _count
    ),
}


def _checked(name: str, value, check=None):
    """A value that is in its range; code, which nobody can look into, stays as it is."""
    check = check or _CHECKS.get(name)
    return value if check is None or isinstance(value, (Source, Translation)) else check(name, _plain(value))
