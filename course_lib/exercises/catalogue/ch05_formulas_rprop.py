"""Chapter 5: the step of Rprop, which looks at signs alone, and the mistakes made with it."""

from __future__ import annotations

from ... import optimizer
from ...arrays import maximum, minimum, sign, where
from ..steps import StepExercise

rprop = StepExercise(
    "rprop-step",
    chapter=5,
    title="Rprop, one step",
    rule=optimizer.Rprop,
    hyper=("etas", "learning_rate_range"),
    # Within the 14 steps of a probe the default range is never left.
    usual={"learning_rate_range": (0.04, 0.15)},
    other={"etas": (0.7, 1.5), "learning_rate_range": (0.06, 0.3)},
    uses_rate=False,
    entered_by_hand=("learning_rate_range",),
    says="One step of Rprop, as Paddle computes it (etas: the factors that shrink and grow the step sizes; "
    "learning_rate_range: the smallest and the largest of them).",
    hints=(
        "How can you tell from two numbers, without looking at their size, whether their signs are the same?",
        "The product of the gradient with the last one is positive, negative or 0: one case for each. Where it is "
        "negative, the gradient then counts as 0, in the step and in what is kept.",
        "Δ ← clip(Δ · η⁺ or η⁻ or 1, least, largest); g ← 0 where the sign has turned; x ← x − Δ sign(g); keep Δ and g",
    ),
)


def adapted(s, agreement, etas, learning_rate_range):
    """The new step sizes for the products of the gradients."""
    shrink, grow = etas
    least, largest = learning_rate_range
    factor = where(agreement > 0, grow, where(agreement < 0, shrink, 1.0))
    return minimum(maximum(factor * s.step_size, least), largest)


def moved(x, g, s, agreement):
    """The parameter after the step; keeps the gradient, as 0 where the sign has turned."""
    s.last_gradient = where(agreement < 0, 0.0, g)
    return x - s.step_size * sign(s.last_gradient)


@rprop.mistake("Where the sign has turned, assign 0 to `s.last_gradient`.")
def turn_not_forgotten(x, g, s, lr, etas, learning_rate_range):
    """The gradient at a turn is kept.

    The step waits at the turn, but the next one compares with the gradient there: Δ, just cut, grows at once.
    """
    agreement = g * s.last_gradient
    s.step_size = adapted(s, agreement, etas, learning_rate_range)
    s.last_gradient = g
    return x - s.step_size * sign(where(agreement < 0, 0.0, g))


@rprop.mistake("Where the sign has turned, the gradient counts as 0 in the step, too.")
def step_at_the_turn(x, g, s, lr, etas, learning_rate_range):
    """A step is taken where the sign has turned.

    The gradient is kept as 0, so Δ rests once, but the element does not wait: it turns back at once.
    """
    agreement = g * s.last_gradient
    s.step_size = adapted(s, agreement, etas, learning_rate_range)
    s.last_gradient = where(agreement < 0, 0.0, g)
    return x - s.step_size * sign(g)


@rprop.mistake("Where the sign has turned, g becomes 0: before the step, and in what is kept.")
def turn_without_a_rest(x, g, s, lr, etas, learning_rate_range):
    """A turn only shrinks the step size: nothing rests.

    The gradient at a turn is used and kept as any other. It is a variant of Rprop, but not Paddle's.
    """
    s.step_size = adapted(s, g * s.last_gradient, etas, learning_rate_range)
    s.last_gradient = g
    return x - s.step_size * sign(g)


@rprop.mistake("Where the sign has turned x stays where it is.")
def step_taken_back(x, g, s, lr, etas, learning_rate_range):
    """The step that passed the minimum is taken back.

    So the first paper has it; Paddle's rule lets x stay where it is and halves the way from there.
    """
    agreement, last_change = g * s.last_gradient, s.step_size * sign(s.last_gradient)
    s.step_size = adapted(s, agreement, etas, learning_rate_range)
    return moved(x, g, s, agreement) + where(agreement < 0, last_change, 0.0)


@rprop.mistake("The first of `etas` is below 1: it belongs to the turn.")
def factors_swapped(x, g, s, lr, etas, learning_rate_range):
    """The two factors are swapped.

    The step shrinks on a long way down and grows where it leaps back and forth over a minimum.
    """
    agreement = g * s.last_gradient
    s.step_size = adapted(s, agreement, etas[::-1], learning_rate_range)
    return moved(x, g, s, agreement)


@rprop.mistake("Keep `s.step_size` between the two numbers of `learning_rate_range`.")
def step_not_bounded(x, g, s, lr, etas, learning_rate_range):
    """The step size is not bounded.

    Twenty equal signs make it 38 times as long, and nothing stops it; after many turns it is too small to recover.
    """
    agreement = g * s.last_gradient
    s.step_size = adapted(s, agreement, etas, (0.0, 1e9))
    return moved(x, g, s, agreement)


@rprop.mistake("`learning_rate_range` holds two bounds.")
def one_bound_only(x, g, s, lr, etas, learning_rate_range):
    """The step size is not bounded above.

    Twenty equal signs make it 38 times as long, and nothing stops it.
    """
    agreement = g * s.last_gradient
    s.step_size = adapted(s, agreement, etas, (learning_rate_range[0], 1e9))
    return moved(x, g, s, agreement)


@one_bound_only.also
def bounded_above_only(x, g, s, lr, etas, learning_rate_range):
    """The step size is not bounded below.

    After many turns it is too small to recover.
    """
    agreement = g * s.last_gradient
    s.step_size = adapted(s, agreement, etas, (0.0, learning_rate_range[1]))
    return moved(x, g, s, agreement)


@rprop.mistake("Assign the bounded step size to `s.step_size`.")
def bound_not_kept(x, g, s, lr, etas, learning_rate_range):
    """The step is bounded, but the step size that is kept is not.

    It grows on unseen: after a turn it is still far above the bound, and shrinking has no effect.
    """
    agreement = g * s.last_gradient
    s.step_size = adapted(s, agreement, etas, (0.0, 1e9))
    s.last_gradient = where(agreement < 0, 0.0, g)
    bounded = minimum(maximum(s.step_size, learning_rate_range[0]), learning_rate_range[1])
    return x - bounded * sign(s.last_gradient)


@rprop.mistake("Multiply g by `s.last_gradient` before you assign the new one to it.")
def compared_with_itself(x, g, s, lr, etas, learning_rate_range):
    """The gradient is compared with itself.

    `s.last_gradient` was overwritten too early: the product is a square, no sign ever turns and all steps grow.
    """
    s.step_size = adapted(s, g * g, etas, learning_rate_range)
    return moved(x, g, s, g * g)


@rprop.mistake("Both factors of the product are gradients: this one and the last one.")
def compared_with_the_step(x, g, s, lr, etas, learning_rate_range):
    """The gradient is compared with the step, not with the last gradient.

    The step goes against the gradient, so the sign of the product is the opposite: each agreement counts as a turn.
    """
    agreement = -g * s.last_gradient
    s.step_size = adapted(s, agreement, etas, learning_rate_range)
    return moved(x, g, s, agreement)


@rprop.mistake("x moves by Δ, up or down: take `sign` of the gradient.")
def size_of_the_gradient(x, g, s, lr, etas, learning_rate_range):
    """The step is multiplied by the gradient, not by its sign.

    Steps then depend on the scale of the loss again, which Rprop is made to ignore.
    """
    agreement = g * s.last_gradient
    s.step_size = adapted(s, agreement, etas, learning_rate_range)
    s.last_gradient = where(agreement < 0, 0.0, g)
    return x - s.step_size * s.last_gradient


@rprop.mistake("`s.step_size` is the whole length of the step.")
def learning_rate_as_a_factor(x, g, s, lr, etas, learning_rate_range):
    """The step is multiplied by the learning rate.

    The learning rate is the first value of all step sizes, no factor: each step is too short by that much.
    """
    agreement = g * s.last_gradient
    s.step_size = adapted(s, agreement, etas, learning_rate_range)
    return x + lr * (moved(x, g, s, agreement) - x)


@rprop.mistake("First adapt the step size, then step.")
def adapted_after_the_step(x, g, s, lr, etas, learning_rate_range):
    """The step size is changed after the step.

    Each step is as long as the last comparison wanted it: always one too late.
    """
    agreement = g * s.last_gradient
    new_x = moved(x, g, s, agreement)
    s.step_size = adapted(s, agreement, etas, learning_rate_range)
    return new_x


@rprop.mistake("Assign the new step size to `s.step_size`.")
def step_size_not_kept(x, g, s, lr, etas, learning_rate_range):
    """The new step size is not kept.

    Each step starts from the first value again, and is as long as that, times one factor at most.
    """
    agreement, first = g * s.last_gradient, s.step_size
    s.step_size = adapted(s, agreement, etas, learning_rate_range)
    new_x = moved(x, g, s, agreement)
    s.step_size = first
    return new_x


@rprop.mistake("A product of 0 is a case of its own: the step size stays as it is.")
def zero_shrinks(x, g, s, lr, etas, learning_rate_range):
    """A product of 0 shrinks the step size.

    After a turn, where the last gradient counts as 0, the step is cut a second time.
    """
    agreement = g * s.last_gradient
    s.step_size = adapted(s, where(agreement > 0, 1.0, -1.0), etas, learning_rate_range)
    return moved(x, g, s, agreement)


@rprop.mistake("A product of 0 is a case of its own: the step size stays as it is.")
def zero_grows(x, g, s, lr, etas, learning_rate_range):
    """A product of 0 lets the step size grow.

    The first step and the one after each turn are longer than they should be.
    """
    agreement = g * s.last_gradient
    s.step_size = adapted(s, where(agreement < 0, -1.0, 1.0), etas, learning_rate_range)
    return moved(x, g, s, agreement)


@rprop.mistake("Compare element by element: no `sum`, no dot product.")
def one_sign_for_all(x, g, s, lr, etas, learning_rate_range):
    """All elements share one product.

    Rprop gives each element a step size of its own; here one turn decides for all of them.
    """
    agreement = (g * s.last_gradient).sum() + 0 * g
    s.step_size = adapted(s, agreement, etas, learning_rate_range)
    return moved(x, g, s, agreement)
