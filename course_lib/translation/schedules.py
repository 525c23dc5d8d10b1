"""The table of schedules: for each class of ``lr_scheduler`` a function with its arguments that says what
Paddle's are.

The first argument, ``lr``, is the optimizer's learning rate, which a schedule of Paddle is given itself. The others
have PyTorch's names, order and defaults; a test compares them.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import choice, listed
from .answer import EQUAL, NEAREST, NONE, Translation
from .source import Source, bracketed, call, code

SCHEDULES = {}
"""Class of ``lr_scheduler`` → the function that translates a call of it."""

SWA = {}
"""The same for ``swa_utils``, which has a schedule that ends at a constant rate."""

WARM_UPS = {}
"""The same for functions of the package transformers, without which few scripts of language models do."""


def of(name: str, table: dict = SCHEDULES):
    """Enter a function into the table."""

    def enter(function):
        table[name] = function
        return function

    return enter


def _paddles(name: str, **arguments) -> str:
    return call(f"paddle.optimizer.lr.{name}", arguments)


def _resumed(last_epoch):
    return None if last_epoch == -1 else last_epoch


def _by_formula(lr, rate: Callable[[str], str], last_epoch=-1) -> str:
    """A schedule that Paddle has no class for, or no right one, as a function of the step."""
    return _paddles(
        "LambdaDecay", learning_rate=lr, lr_lambda=Source(f"lambda t: {rate('t')}"), last_epoch=_resumed(last_epoch)
    )


def _equal(answer: str, rate: Callable[[str], str] | None = None, *notes: str) -> Translation:
    return Translation(answer, EQUAL, notes, rate=rate)


@of("StepLR")
def _step(lr, step_size, gamma=0.1, last_epoch=-1):
    answer = _paddles("StepDecay", learning_rate=lr, step_size=step_size, gamma=gamma, last_epoch=_resumed(last_epoch))
    return _equal(answer, lambda t: f"{bracketed(gamma)} ** ({t} // {bracketed(step_size)})")


@of("MultiStepLR")
def _multi_step(lr, milestones, gamma=0.1, last_epoch=-1):
    answer = _paddles(
        "MultiStepDecay", learning_rate=lr, milestones=milestones, gamma=gamma, last_epoch=_resumed(last_epoch)
    )
    return _equal(answer, lambda t: f"{bracketed(gamma)} ** sum({t} >= m for m in {code(milestones)})")


@of("ExponentialLR")
def _exponential(lr, gamma, last_epoch=-1):
    answer = _paddles("ExponentialDecay", learning_rate=lr, gamma=gamma, last_epoch=_resumed(last_epoch))
    return _equal(answer, lambda t: f"{bracketed(gamma)} ** {t}")


@of("ConstantLR")
def _constant(lr, factor=1.0 / 3, total_iters=5, last_epoch=-1):
    answer = _paddles(
        "PiecewiseDecay", boundaries=[total_iters], values=[lr * factor, lr], last_epoch=_resumed(last_epoch)
    )
    return _equal(answer, lambda t: f"({code(factor)} if {t} < {code(total_iters)} else 1.0)")


@of("LinearLR")
def _linear(lr, start_factor=1.0 / 3, end_factor=1.0, total_iters=5, last_epoch=-1):
    def rate(t):
        return f"({code(start_factor)} + {bracketed(end_factor - start_factor)} * min({t}, {n}) / {n})"

    n = bracketed(total_iters)
    if last_epoch != -1:
        note = "Paddle's LinearLR(last_epoch=k) starts at a wrong rate; this is the same schedule as a formula."
        return _equal(_by_formula(lr, rate, last_epoch), rate, note)
    if isinstance(end_factor, float) and end_factor > 1:
        return _equal(
            _by_formula(lr, rate), rate, "Paddle's LinearLR takes no end_factor above 1; this is the formula."
        )
    settings = {"total_steps": total_iters, "start_factor": start_factor, "end_factor": end_factor}
    return _equal(_paddles("LinearLR", learning_rate=lr, **settings), rate)


@of("PolynomialLR")
def _polynomial(lr, total_iters=5, power=1.0, last_epoch=-1):
    settings = {"decay_steps": total_iters, "end_lr": 0.0, "power": power, "last_epoch": _resumed(last_epoch)}
    n = bracketed(total_iters)
    return _equal(
        _paddles("PolynomialDecay", learning_rate=lr, **settings),
        lambda t: f"(1 - min({t}, {n}) / {n}) ** {bracketed(power)}",
    )


@of("CosineAnnealingLR")
def _cosine(lr, T_max, eta_min=0.0, last_epoch=-1):
    def rate(t):
        wave = f"(1 + math.cos(math.pi * {t} / {bracketed(T_max)})) / 2"
        if eta_min == 0:
            return wave
        return f"({code(eta_min / lr)} + {bracketed(1 - eta_min / lr)} * {wave})"

    if last_epoch == -1:
        return _equal(_paddles("CosineAnnealingDecay", learning_rate=lr, T_max=T_max, eta_min=eta_min), rate)
    note = "Paddle's CosineAnnealingDecay(last_epoch=k) starts at a wrong rate; this is the same schedule as a formula."
    return _equal(_by_formula(lr, rate, last_epoch), rate, note, _NEEDS_MATH)


_NEEDS_MATH = "The formula needs import math."


@of("CosineAnnealingWarmRestarts")
def _restarts(lr, T_0, T_mult=1, eta_min=0.0, last_epoch=-1):
    settings = {"T_0": T_0, "T_mult": T_mult, "eta_min": eta_min, "last_epoch": _resumed(last_epoch)}
    return _equal(
        _paddles("CosineAnnealingWarmRestarts", learning_rate=lr, **settings),
        (lambda t: _cosine(lr, T_0, eta_min).rate(f"({t} % {bracketed(T_0)})")) if T_mult == 1 else None,
    )


@of("LambdaLR")
def _lambda(lr, lr_lambda, last_epoch=-1):
    function, notes = _one("lr_lambda", lr_lambda)
    return Translation(
        _paddles("LambdaDecay", learning_rate=lr, lr_lambda=function, last_epoch=_resumed(last_epoch)),
        NEAREST if notes else EQUAL,
        notes,
        rate=lambda t: f"{bracketed(function)}({t})",
    )


@of("MultiplicativeLR")
def _multiplicative(lr, lr_lambda, last_epoch=-1):
    function, notes = _one("lr_lambda", lr_lambda)
    return Translation(
        _paddles("MultiplicativeDecay", learning_rate=lr, lr_lambda=function, last_epoch=_resumed(last_epoch)),
        NEAREST if notes else EQUAL,
        (*notes, "At step t Paddle calls the function t times, from the first step on, where PyTorch calls it once."),
    )


def _one(name: str, values) -> tuple:
    """The one value for all groups: Paddle's groups share a schedule. Also what there is to say of it."""
    if not isinstance(values, (list, tuple)):
        return values, ()
    first, *others = listed(name, values)
    if not others:
        return first, ()
    return first, (
        f"Paddle's groups share one schedule; the first {name} is taken. A group's 'learning_rate' multiplies it.",
    )


_MOMENTUM = (
    "PyTorch also moves the momentum (of Adam: β₁) between {low} and {high}, against the learning rate. Paddle does "
    "not."
)


@of("CyclicLR")
def _cyclic(
    lr,
    base_lr,
    max_lr,
    step_size_up=2000,
    step_size_down=None,
    mode="triangular",
    gamma=1.0,
    scale_fn=None,
    scale_mode="cycle",
    cycle_momentum=True,
    base_momentum=0.8,
    max_momentum=0.9,
    last_epoch=-1,
):
    low, of_low = _one("base_lr", base_lr)
    high, of_high = _one("max_lr", max_lr)
    notes = (*of_low, *of_high)
    if cycle_momentum is not False:
        notes += (_MOMENTUM.format(low=code(base_momentum), high=code(max_momentum)),)
    settings = {
        "step_size_up": step_size_up,
        "step_size_down": step_size_down,
        "mode": mode,
        "exp_gamma": gamma,
        "scale_fn": scale_fn,
        "scale_mode": scale_mode,
        "last_epoch": _resumed(last_epoch),
    }
    answer = _paddles("CyclicLR", base_learning_rate=low, max_learning_rate=high, **settings)
    return Translation(answer, NEAREST if notes else EQUAL, notes)


@of("OneCycleLR")
def _one_cycle(
    lr,
    max_lr,
    total_steps=None,
    epochs=None,
    steps_per_epoch=None,
    pct_start=0.3,
    anneal_strategy="cos",
    cycle_momentum=True,
    base_momentum=0.85,
    max_momentum=0.95,
    div_factor=25.0,
    final_div_factor=1e4,
    three_phase=False,
    last_epoch=-1,
):
    high, notes = _one("max_lr", max_lr)
    if total_steps is None:
        if epochs is None or steps_per_epoch is None:
            raise ValueError("OneCycleLR needs total_steps, or epochs and steps_per_epoch, got neither")
        total_steps = epochs * steps_per_epoch
    settings = {
        "divide_factor": div_factor,
        "end_learning_rate": high / div_factor / final_div_factor,
        "phase_pct": pct_start,
        "anneal_strategy": anneal_strategy,
        "three_phase": three_phase,
        "last_epoch": _resumed(last_epoch),
    }
    if cycle_momentum is not False:
        notes += (
            _MOMENTUM.format(low=code(base_momentum), high=code(max_momentum)),
            "course_lib.optimizer.lr.OneCycleLR takes momentum=(0.95, 0.85) and moves that of the course's optimizers.",
        )
    notes += ("Step it after every batch. After the last step Paddle's rate rises again; PyTorch raises an error.",)
    answer = _paddles("OneCycleLR", max_learning_rate=high, total_steps=total_steps, **settings)
    return Translation(answer, EQUAL if len(notes) == 1 else NEAREST, notes)


@of("ReduceLROnPlateau")
def _plateau(
    lr,
    mode="min",
    factor=0.1,
    patience=10,
    threshold=1e-4,
    threshold_mode="rel",
    cooldown=0,
    min_lr=0,
    eps=1e-8,
):
    lowest, notes = _one("min_lr", min_lr)
    if cooldown != 0:
        notes += (
            "During the cooldown PyTorch notes the best metric, Paddle does not: they may fall at different steps.",
        )
    settings = {
        "mode": mode,
        "factor": factor,
        "patience": patience,
        "threshold": threshold,
        "threshold_mode": threshold_mode,
        "cooldown": cooldown,
        "min_lr": lowest,
        "epsilon": eps,
    }
    answer = _paddles("ReduceOnPlateau", learning_rate=lr, **settings)
    return Translation(answer, NEAREST if notes else EQUAL, (*notes, "step() takes the metric, as in PyTorch."))


@of("SequentialLR")
def _sequential(lr, schedulers, milestones, last_epoch=-1):
    parts = _parts(schedulers, lr)
    if parts is None:
        return _not_known("SequentialLR", "first(t) if t < milestone else second(t - milestone)")
    starts = [0, *listed("milestones", milestones)]
    if len(starts) != len(parts):
        raise ValueError(f"milestones must be one fewer than schedulers, got {code(milestones)} for {len(parts)}")
    rates = [part.rate(_since(start)) for part, start in zip(parts, starts)]
    until = [f"{rate} if t < {code(end)} else " for rate, end in zip(rates, starts[1:])]
    text = "".join(until) + rates[-1]
    return _equal(_by_formula(lr, lambda t: text, last_epoch), None, *([_NEEDS_MATH] if "math." in text else []))


def _since(start) -> str:
    return "t" if start == 0 else f"(t - {code(start)})"


@of("ChainedScheduler")
def _chained(lr, schedulers):
    parts = _parts(schedulers, lr)
    if parts is None:
        return _not_known("ChainedScheduler", "first(t) * second(t)")
    text = " * ".join(part.rate("t") for part in parts)
    notes = (_NEEDS_MATH,) if "math." in text else ()
    if any("eta_min" in part.source for part in parts):
        notes += ("PyTorch's cosine with eta_min > 0 depends on the rate of the step before; here it is a factor.",)
        return Translation(_by_formula(lr, lambda t: text), NEAREST, notes)
    return _equal(_by_formula(lr, lambda t: text), None, *notes)


def _parts(schedulers, lr) -> list[Translation] | None:
    """The translations of schedules in a list; None if one is no function of the step that is known by its code."""
    from . import translate

    if isinstance(schedulers, Source):
        return None
    parts = []
    for each in listed("schedulers", schedulers, of="schedules"):
        if isinstance(each, (str, Source)) and "(" in str(each):
            each = translate(str(each), lr=lr)
        if not isinstance(each, Translation) or each.rate is None:
            return None
        parts.append(each)
    return parts


def _not_known(name: str, formula: str) -> Translation:
    return Translation(
        None,
        NONE,
        (
            f"Paddle has no {name}. What comes nearest is one formula of the step: "
            f"paddle.optimizer.lr.LambdaDecay(lr, lambda t: {formula}).",
            "Give the schedules as calls, or as translations, and the formula is written for you: "
            'schedulers=["LinearLR(optimizer, 0.01, total_iters=5)", …].',
        ),
    )


@of("SWALR", SWA)
def _to_constant(lr, swa_lr, anneal_epochs=10, anneal_strategy="cos", last_epoch=-1):
    choice("anneal_strategy", anneal_strategy, ("cos", "linear"))
    if lr == 0:
        raise ValueError("lr must be above 0, got 0: SWALR's way begins at the rate of the schedule before it")
    way = code(swa_lr / lr - 1)

    def rate(t):
        gone = f"min(1, {t} / {bracketed(anneal_epochs)})"
        gone = f"(1 - math.cos(math.pi * {gone})) / 2" if anneal_strategy == "cos" else gone
        return code(swa_lr / lr) if anneal_epochs == 0 else f"1 + ({way}) * {gone}"

    notes = [_NEEDS_MATH] if anneal_strategy == "cos" and anneal_epochs != 0 else []
    notes.append("lr is the rate at which SWALR takes over from another schedule; t counts from there.")
    return _equal(_by_formula(lr, rate, last_epoch), None, *notes)


def _warmed_up(lr, after, num_warmup_steps) -> Translation:
    if num_warmup_steps == 0:
        return _equal(after.text if isinstance(after, Source) else _by_formula(lr, lambda t: "1.0"))
    settings = {"warmup_steps": num_warmup_steps, "start_lr": 0.0, "end_lr": lr}
    return _equal(_paddles("LinearWarmup", learning_rate=after, **settings))


def _left(steps, num_warmup_steps):
    return steps if num_warmup_steps == 0 else steps - num_warmup_steps


@of("get_constant_schedule_with_warmup", WARM_UPS)
def _constant_after(lr, num_warmup_steps):
    return _warmed_up(lr, lr, num_warmup_steps)


@of("get_linear_schedule_with_warmup", WARM_UPS)
def _linear_after(lr, num_warmup_steps, num_training_steps):
    steps = _left(num_training_steps, num_warmup_steps)
    after = _paddles("PolynomialDecay", learning_rate=lr, decay_steps=steps, end_lr=0.0)
    return _warmed_up(lr, Source(after), num_warmup_steps)


@of("get_cosine_schedule_with_warmup", WARM_UPS)
def _cosine_after(lr, num_warmup_steps, num_training_steps):
    steps = _left(num_training_steps, num_warmup_steps)
    return _warmed_up(lr, Source(_paddles("CosineAnnealingDecay", learning_rate=lr, T_max=steps)), num_warmup_steps)
