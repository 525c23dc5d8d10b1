"""Chapter 1: the first step, and the mistakes made with it."""

from __future__ import annotations

import numpy as np

from ... import optimizer
from ..steps import StepExercise

sgd = StepExercise(
    "sgd-step",
    chapter=1,
    title="Gradient descent, one step",
    rule=optimizer.SGD,
    says="One step of gradient descent.",
    hints=(
        "The gradient points uphill; where should the parameter go?",
        "The length of the step is the learning rate times the gradient.",
        "x ← x − lr · g",
    ),
)


@sgd.mistake("The gradient's length matters too: multiply by g itself.")
def sign_only(x, g, s, lr):
    """Only the sign of the gradient is used.

    Every step has the length lr, near a minimum as well: the parameter hops around it for ever.
    """
    return x - lr * np.sign(g)


@sgd.mistake("Do not divide by the gradient's norm.")
def normalised_gradient(x, g, s, lr):
    """The gradient is normalised to length 1.

    All steps have the same length: flat regions are crossed faster, but the minimum is never settled into.
    """
    return x - lr * g / (np.linalg.norm(g) + 1e-12)


@normalised_gradient.also
def normalised_without_protection(x, g, s, lr):
    """The gradient is normalised to length 1, and a gradient of length 0 becomes NaN.

    All steps have the same length: flat regions are crossed faster, but the minimum is never settled into.
    """
    return x - lr * g / np.linalg.norm(g)


@sgd.mistake("The gradient is used as it is: neither its square nor its absolute value.")
def squared_gradient(x, g, s, lr):
    """The gradient is squared.

    A square has no sign: every parameter only ever falls, whichever way is downhill.
    """
    return x - lr * g**2


@squared_gradient.also
def absolute_gradient(x, g, s, lr):
    """The absolute value of the gradient is taken.

    It has no sign: every parameter only ever falls, whichever way is downhill.
    """
    return x - lr * abs(g)


@sgd.mistake("Multiply by lr once.")
def lr_applied_twice(x, g, s, lr):
    """The learning rate is applied twice.

    lr² is much smaller than lr: training crawls, and a schedule acts twice.
    """
    return x - lr * lr * g


@sgd.mistake("A small lr means a small step: multiply.")
def divided_by_lr(x, g, s, lr):
    """The gradient is divided by the learning rate.

    A smaller lr makes larger steps, so the usual values diverge at once.
    """
    return x - g / lr


@sgd.mistake("lr multiplies the gradient, not the parameter.")
def parameter_scaled_by_lr(x, g, s, lr):
    """The learning rate multiplies the whole difference.

    lr · (x - g) shrinks the parameter itself at each step: everything ends near zero.
    """
    return lr * (x - g)


@sgd.mistake("Each parameter follows its own gradient; no averages over parameters.")
def mean_gradient(x, g, s, lr):
    """All parameters get the mean gradient.

    The parameters move in lockstep and cannot learn different things.
    """
    return x - lr * g.mean()


@mean_gradient.also
def summed_gradient(x, g, s, lr):
    """All parameters get the sum of the gradients.

    The parameters move in lockstep and cannot learn different things, in steps that grow with their number.
    """
    return x - lr * g.sum()


@sgd.mistake("The step number plays no part in plain gradient descent: schedules change `lr` from outside.")
def decays_by_itself(x, g, s, lr):
    """The step shrinks with the step number.

    A hidden 1/t schedule on top of the given lr: training slows down early, and a schedule acts twice.
    """
    return x - lr / s.t * g


@decays_by_itself.also
def decays_by_a_root(x, g, s, lr):
    """The step shrinks with the root of the step number.

    A hidden 1/√t schedule on top of the given lr: training slows down early, and a schedule acts twice.
    """
    return x - lr / np.sqrt(s.t) * g
