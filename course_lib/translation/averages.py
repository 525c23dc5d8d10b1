"""What ``torch.optim.swa_utils`` has beside its schedule: a model of averaged weights.

Its arguments have PyTorch's names, order and defaults; a test compares them.
"""

from __future__ import annotations

from ..errors import decay_rate
from .answer import CHANGED, NEAREST, NONE, Translation
from .source import Source, call, read

EXPONENTIAL = ("get_ema_avg_fn", "get_ema_multi_avg_fn")
PLAIN = ("get_swa_avg_fn", "get_swa_multi_avg_fn")
"""Functions of ``swa_utils`` that make the formula of an average; the first two have an argument, ``decay=0.999``."""

WITHOUT_END = 10**9
"""Steps of a window that is never full: then ``ModelAverage`` is the mean of all steps."""


def averaged_model(model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers=False) -> Translation:
    formula = multi_avg_fn or avg_fn
    if formula is None:
        return _mean_of_all(model, use_buffers)
    name, decay = _named(formula)
    if name in PLAIN:
        return _mean_of_all(model, use_buffers)
    if name not in EXPONENTIAL:
        return _UNKNOWN
    return _exponential(model, decay if isinstance(decay, Source) else decay_rate("decay", decay), use_buffers)


AVERAGES = {"AveragedModel": averaged_model}
"""Class of ``swa_utils`` → the function that translates a call of it."""


def _named(formula) -> tuple[str, object]:
    """The function of ``swa_utils`` that made a formula, and the decay that it was given."""
    if not isinstance(formula, (str, Source)) or "(" not in str(formula) or str(formula).startswith("lambda"):
        return "", None
    name, positional, settings = read(str(formula))
    return name.rpartition(".")[2], (*positional, settings.get("decay", 0.999))[0]


def _exponential(model, decay, use_buffers) -> Translation:
    answer = call("course_lib.optimizer.EMA", {"model": model, "decay": decay})
    notes = (
        "Everyday Paddle has no such average; this one is the course's. PyTorch's first update_parameters(model) "
        "copies the weights: make the EMA there, and call ema.update() in the place of each later one.",
        "Evaluate the model inside of: with ema.apply(). There is no second model.",
    )
    if use_buffers is not True:
        notes += ("BatchNorm's statistics are averaged too, as with use_buffers=True: update_bn is not needed.",)
    return Translation(f"{answer[:-1]}, correction=None)", CHANGED, notes)


def _mean_of_all(model, use_buffers) -> Translation:
    settings = {"average_window_rate": 1.0, "parameters": Source(f"{model}.parameters()")}
    window = {"min_average_window": WITHOUT_END, "max_average_window": WITHOUT_END}
    notes = (
        "Call average.step() in the place of update_parameters(model), before clear_grad(): a parameter without a "
        "gradient is not counted. Evaluate the model inside of: with average.apply().",
        "There is no update_bn: inside of it, let the model in train() see the training data once.",
    )
    if use_buffers is True:
        notes = ("Paddle averages no buffers, such as BatchNorm's statistics; the course's EMA does.", notes[0])
    same = CHANGED if use_buffers is not True else NEAREST
    return Translation(call("paddle.incubate.ModelAverage", {**settings, **window}), same, notes)


_UNKNOWN = Translation(
    None,
    NONE,
    (
        "No class takes a formula of one's own. What comes nearest is course_lib.optimizer.EMA for an exponential "
        "average, paddle.incubate.ModelAverage for a plain mean.",
        'Give a function of swa_utils as a call, and it is translated: multi_avg_fn="get_ema_multi_avg_fn(0.999)".',
    ),
)
