"""Chapter 15: the lag of an average, what a run needs to be resumed, and a resumed run that is not the same."""

from __future__ import annotations

import numpy as np

from ..answers import PredictExercise, TypicalNumber
from ..functions import Case, exercise
from ..quiz import Choice, QuizExercise

# ------------------------------------------------------------------------------------- predict

PredictExercise(
    "ema-lag",
    chapter=15,
    title="How far an average lags",
    question="A weight moves by 0.1 in every step, always in the same direction, and has done so for long. How far is "
    "its average with β = 0.9 behind it?",
    value=0.9,
    because="If the lag is d, the next step makes it β (d + 0.1). It stays the same at d = 0.1 β / (1 − β) = 0.9: nine "
    "steps of the weight.",
    mistakes=(
        TypicalNumber(
            "memory-for-lag",
            1.0,
            "1/(1 − β) = 10 steps count, but the newest weight is among them: it is not 10 steps old, but 0.",
        ),
        TypicalNumber("steps-for-distance", 9.0, "These are steps; each of them is 0.1 long."),
        TypicalNumber("one-step", 0.1, "This is one step of the weight. The average holds weights of many steps ago."),
        TypicalNumber("old-share-of-one-step", 0.09, "This is the lag after the first step; it grows from there."),
        TypicalNumber("new-share-of-one-step", 0.01, "So much of one step goes into the average at once."),
        TypicalNumber(
            "half-life",
            0.1 * float(np.log(0.5) / np.log(0.9)),
            "After 6.6 steps a weight counts half. The lag is the *mean* age, to which old weights contribute more.",
        ),
        TypicalNumber("half-the-memory", 0.5, "The shares fall off slowly: the mean age is not half of 1/(1 − β)."),
    ),
    hints=(
        "Let the average be behind by d. The weight makes a step, then the average is updated: how far behind is it?",
        "β (d + 0.1), which must be d again.",
        "d = 0.1 β / (1 − β)",
    ),
)


# ---------------------------------------------------------------------------------- what to save

QuizExercise(
    "what-to-save",
    chapter=15,
    title="What a run needs to go on",
    question="Adam with a cosine schedule trains a network with dropout on shuffled mini-batches. It is stopped in the "
    "middle of an epoch and shall go on bit for bit. What must have been saved?",
    choices=(
        Choice(
            "The weights.",
            "Adam would start with empty moments and the schedule at its first rate: the run jumps.",
        ),
        Choice(
            "The weights, Adam's state and the schedule.",
            "No error and no jump, but other masks of dropout and another order of the examples: another run.",
        ),
        Choice(
            "The weights, Adam's state, the schedule, and the seeds that the generators began with.",
            "A seed tells where a generator began, not where it is: masks and orders of the first epoch come again.",
        ),
        Choice(
            "The weights, Adam's state, the schedule, the states of the generators, and which examples of this epoch "
            "have been seen.",
            "That is everything that the next step depends on.",
            right=True,
        ),
    ),
    hints=(
        "List everything that the next step reads.",
        "Two of these are random: the masks of dropout, and the order of the examples.",
        "A generator has a state; the order of this epoch was drawn before the stop.",
    ),
)


# ---------------------------------------------------------------------------------- find the bug


def _stopped_runs():
    rng = np.random.default_rng(20)
    settings = [(3, 4, (), 0.9), (10, 6, (2,), 0.5), (1, 5, (3,), 0.8), (25, 3, (2, 2), 0.95)]
    return [
        Case(
            {
                "weights": rng.standard_normal(shape),
                "velocity": 1 + rng.standard_normal(shape),
                "steps_done": done,
                "gradients": [rng.standard_normal(shape) for _ in range(more)],
                "lr": 0.5,
                "momentum": momentum,
            },
            f"{done} steps done, {more} to come, momentum = {momentum}",
        )
        for done, more, shape, momentum in settings
    ]


@exercise(
    "resume-find-bug",
    chapter=15,
    title="Find the bugs: a run that is resumed",
    cases=_stopped_runs(),
    hints=(
        "Which of the arguments are never read?",
        "The velocity goes on from what was saved, and so does the number of the step.",
        "The first gradient is that of step steps_done + 1.",
    ),
)
def go_on(weights, velocity, steps_done, gradients, lr, momentum):
    path = []
    for t, g in enumerate(gradients, start=steps_done + 1):
        velocity = momentum * velocity + g
        weights = weights - lr / t * velocity
        path.append(weights)
    return path


@go_on.as_printed
def resume(weights, velocity, steps_done, gradients, lr, momentum):
    """Go on with a run of momentum that was stopped; return the weights of each step.

    weights, velocity  what was saved of the run
    steps_done         the number of steps before it was stopped
    gradients          those of the steps to come, a list
    In step t, counted from 1 at the very start, the learning rate is lr / t.
    Two bugs are hidden here: the run goes on, but not as it would have.
    """
    velocity = np.zeros_like(weights)
    path = []
    for t, g in enumerate(gradients, start=1):
        velocity = momentum * velocity + g
        weights = weights - lr / t * velocity
        path.append(weights)
    return path


def _path(weights, velocity, first, gradients, lr, momentum):
    """The weights after each step, the first of which has the number ``first``."""
    return np.array(go_on.reference(weights, velocity, first - 1, gradients, lr, momentum))


@go_on.mistake("What is the number of the first step after the stop?")
def schedule_from_the_start(weights, velocity, steps_done, gradients, lr, momentum):
    """The velocity goes on, but the schedule starts anew.

    The learning rate jumps back to its first value, the largest of all.
    """
    return _path(weights, velocity, 1, gradients, lr, momentum)


@go_on.mistake("Where does the velocity come from?")
def velocity_from_zero(weights, velocity, steps_done, gradients, lr, momentum):
    """The schedule goes on, but the velocity starts at zero.

    For about 1/(1 − μ) steps the run is too slow. Nothing reports it.
    """
    return _path(weights, np.zeros_like(weights), steps_done + 1, gradients, lr, momentum)


@go_on.mistake("`steps_done` steps are over: the next one has the number steps_done + 1.")
def last_step_counted_twice(weights, velocity, steps_done, gradients, lr, momentum):
    """The last step before the stop is counted again.

    The whole rest of the run is one step behind its schedule.
    """
    return _path(weights, velocity, steps_done, gradients, lr, momentum)


@go_on.mistake("`steps_done` steps are over: the next one has the number steps_done + 1.")
def one_step_skipped(weights, velocity, steps_done, gradients, lr, momentum):
    """A step is skipped in the schedule.

    The whole rest of the run is one step ahead of its schedule.
    """
    return _path(weights, velocity, steps_done + 2, gradients, lr, momentum)


@go_on.mistake("The schedule counts on: the learning rate changes from step to step.")
def schedule_stands_still(weights, velocity, steps_done, gradients, lr, momentum):
    """The learning rate stays at that of the first step after the stop.

    The schedule's place was restored, but nobody moves it on.
    """
    path = []
    for g in gradients:
        velocity = momentum * velocity + g
        weights = weights - lr / (steps_done + 1) * velocity
        path.append(weights)
    return np.array(path)
