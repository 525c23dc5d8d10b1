"""Chapter 15: averages of the weights, Lookahead and the two loops of L-BFGS."""

from __future__ import annotations

import numpy as np

from ...optimizer.two_loop import first_guess, two_loop
from ..functions import Case, exercise

# ------------------------------------------------------------------------------------- averages


def _runs():
    rng = np.random.default_rng(15)
    settings = [(6, (), 0.9), (9, (2,), 0.6), (4, (3,), 0.99), (7, (2, 2), 0.75)]
    return [
        Case(
            {"weights": [rng.standard_normal(shape) - 0.5 for _ in range(steps)], "decay": decay},
            f"weights of shape {shape} after {steps} steps, decay = {decay}",
        )
        for steps, shape, decay in settings
    ]


@exercise(
    "ema-of-weights",
    chapter=15,
    title="An average of the weights",
    cases=_runs(),
    hints=(
        "An average that starts at zero is too small at first. By which factor, after t steps?",
        "All shares together make 1 − βᵗ. Divide by that, but go on with the average that is not divided.",
        "a ← β a + (1 − β) θ; after step t the result is a / (1 − βᵗ)",
    ),
)
def ema_of_weights(weights, decay):
    """Return the average after every step, a list as long as weights.

    weights  the weights after each step: arrays of one shape
    decay    β, the share of the old average that is kept

    The average starts at zero; what is returned is corrected for that.

    Example: the weights 4, 1, 1 and decay = 0.5 give 4, 2, 1.43.
    """
    average, averages = 0.0, []
    for t, newest in enumerate(weights, start=1):
        average = decay * average + (1 - decay) * newest
        averages.append(average / (1 - decay**t))
    return averages


@ema_of_weights.mistake("β, close to 1, belongs to the old average.")
def shares_swapped(weights, decay):
    """The old average and the new weights have exchanged their shares.

    With β = 0.99 the average forgets all but the newest weights: nothing is averaged.
    """
    return np.array(ema_of_weights.reference(weights, 1 - decay))


@ema_of_weights.mistake("Divide by the sum of all shares so far.")
def start_at_zero_not_corrected(weights, decay):
    """The start at zero is not corrected.

    After 10 steps with β = 0.999 the average is a hundredth of the weights: a network that answers nothing.
    """
    right = ema_of_weights.reference(weights, decay)
    return np.array([average * (1 - decay**t) for t, average in enumerate(right, start=1)])


@ema_of_weights.mistake("Start at zero, and divide by 1 − βᵗ.")
def start_at_the_first_weights(weights, decay):
    """The average starts at the first weights.

    It holds on to them with the share βᵗ: after 100 steps with β = 0.999 they still are 90 % of it.
    """
    averages = [1.0 * weights[0]]
    for newest in weights[1:]:
        averages.append(decay * averages[-1] + (1 - decay) * newest)
    return np.array(averages)


@ema_of_weights.mistake("Keep the raw average in one name, and the corrected one in another.")
def corrected_average_kept(weights, decay):
    """The corrected average is averaged further.

    It is corrected again in every step, and so comes out too large.
    """
    average, averages = 0.0, []
    for t, newest in enumerate(weights, start=1):
        average = (decay * average + (1 - decay) * newest) / (1 - decay**t)
        averages.append(average)
    return np.array(averages)


@ema_of_weights.mistake("After the first step the shares make 1 − β: the power is t, which starts at 1.")
def power_one_ahead(weights, decay):
    """The power in the correction is one too large.

    After the first step the average has to be the first weights themselves; it is smaller.
    """
    right = ema_of_weights.reference(weights, decay)
    return np.array([a * (1 - decay**t) / (1 - decay ** (t + 1)) for t, a in enumerate(right, start=1)])


@ema_of_weights.mistake("Newer weights count more: multiply what is there by β in every step.")
def mean_of_all(weights, decay):
    """All weights count alike.

    The poor weights of the beginning never fade.
    """
    return np.array([sum(weights[:t]) / t for t in range(1, len(weights) + 1)])


@ema_of_weights.mistake("Make a new array in each step: `average = …`, not `average += …`.")
def one_array_for_all(weights, decay):
    """Every entry of the list is the same array.

    An array that is changed in place changes wherever it was put: all entries show the last average.
    """
    right = ema_of_weights.reference(weights, decay)
    return np.array([1.0 * right[-1] for _ in right])


# ------------------------------------------------------------------------------------- Lookahead


def _walks():
    rng = np.random.default_rng(16)
    settings = [(9, (), 0.3, 3), (8, (2,), 0.8, 2), (11, (3,), 0.25, 5), (7, (2, 2), 0.6, 4)]
    return [
        Case(
            {
                "start": rng.standard_normal(shape),
                "steps": [rng.standard_normal(shape) - 0.5 for _ in range(count)],
                "alpha": alpha,
                "k": k,
            },
            f"{count} steps of shape {shape}, alpha = {alpha}, k = {k}",
        )
        for count, shape, alpha, k in settings
    ]


@exercise(
    "lookahead-step",
    chapter=15,
    title="Lookahead",
    cases=_walks(),
    hints=(
        "Two copies of the weights are needed. Which of them moves in every step?",
        "After k steps the slow weights go the part α of the way to the fast ones, and the fast ones go there, too.",
        "θ ← θ + step; where t is divisible by k: φ ← φ + α (θ − φ), then θ ← φ",
    ),
)
def look_ahead(start, steps, alpha, k):
    """Return the weights after every step, a list as long as steps.

    start  the weights before the first step: fast and slow ones are the same there
    steps  what the optimizer inside adds to the weights in each step
    alpha  α, the part of the way that the slow weights go
    k      the number of fast steps in a round

    Example: start = 0, steps 1, 1, 1, 1, alpha = 0.5 and k = 2 give 1, 1, 2, 2.
    """
    fast, slow, path = start, start, []
    for t, step in enumerate(steps, start=1):
        fast = fast + step
        if t % k == 0:
            slow = slow + alpha * (fast - slow)
            fast = slow
        path.append(fast)
    return path


def _walk(start, steps, goes_back, meet):
    """The weights after every step; ``meet(slow, fast)`` returns both, where ``goes_back(t)``."""
    fast, slow, path = 1.0 * start, 1.0 * start, []
    for t, step in enumerate(steps, start=1):
        fast = fast + step
        if goes_back(t):
            slow, fast = meet(slow, fast)
        path.append(fast)
    return np.array(path)


def _together(weights):
    return weights, weights


def _a_part(alpha):
    """What is right: both meet at a part of the way."""
    return lambda slow, fast: _together(slow + alpha * (fast - slow))


@look_ahead.mistake("Ask whether t is divisible by k.")
def back_after_every_step(start, steps, alpha, k):
    """The slow weights move after every step.

    That is the optimizer inside with α times its learning rate: there is no look ahead.
    """
    return _walk(start, steps, lambda t: True, _a_part(alpha))


@look_ahead.mistake("The way leads from φ to θ; α says how much of it is gone.")
def parts_swapped(start, steps, alpha, k):
    """The slow weights go the part 1 − α of the way.

    At α = 0.5 nobody notices; a cautious α = 0.2 keeps nearly everything.
    """
    return _walk(start, steps, lambda t: t % k == 0, lambda slow, fast: _together(fast + alpha * (slow - fast)))


@look_ahead.mistake("After φ has moved, θ ← φ. And φ must be a copy: `fast += step` changes every name of one array.")
def never_goes_back(start, steps, alpha, k):
    """The fast weights go on as if there were no slow ones.

    Either θ is never set to φ, or both are one array and φ went along. The optimizer inside runs undisturbed.
    """
    return _walk(start, steps, lambda t: False, None)


@look_ahead.mistake(
    "`fast = slow` gives one array two names; `fast += step` then moves both. Write `fast = fast + step`."
)
def slow_weights_go_along(start, steps, alpha, k):
    """After the first round fast and slow weights are one array.

    From then on φ goes wherever θ goes: only the first round looks ahead.
    """
    return _walk(start, steps, lambda t: t == k, _a_part(alpha))


@look_ahead.mistake("The round ends after k steps: where t, counted from 1, is divisible by k.")
def counted_from_zero(start, steps, alpha, k):
    """The steps of a round are counted from 0.

    The first round has one step only: the weights go back at once, when there is nothing to look at.
    """
    return _walk(start, steps, lambda t: (t - 1) % k == 0, _a_part(alpha))


@look_ahead.mistake("φ begins at `start`, before the first step.")
def slow_weights_one_step_late(start, steps, alpha, k):
    """The slow weights begin after the first step.

    So it is in Paddle: the first round goes back to where its first step had led.
    """
    first = start + steps[0]
    return np.array([first, *_walk(first, steps[1:], lambda t: (t + 1) % k == 0, _a_part(alpha))])


@look_ahead.mistake("The slow weights move, too: φ ← φ + α (θ − φ) is kept for the next round.")
def slow_weights_stay_behind(start, steps, alpha, k):
    """The slow weights stay at the start.

    Every round goes back a part of the way to the first weights of all, and the run gets stuck near them.
    """
    return _walk(start, steps, lambda t: t % k == 0, lambda slow, fast: (slow, slow + alpha * (fast - slow)))


# ------------------------------------------------------------------------------------- L-BFGS


def _pairs():
    rng = np.random.default_rng(18)
    cases = [Case({"s": np.array([1.0, 0.0]), "y": np.array([8.0, 0.0])}, "s = [1, 0], y = [8, 0]")]
    for curvatures in ([2.0, 5.0], [0.1, 1.0, 30.0], [4.0] * 5):
        s = rng.standard_normal(len(curvatures))
        cases.append(Case({"s": s, "y": np.array(curvatures) * s}, f"curvatures {curvatures}"))
    bent_down = Case({"s": np.array([1.0, 2.0]), "y": np.array([-3.0, 1.0])}, "a pair with s · y < 0")
    return [*cases, bent_down]


@exercise(
    "secant-scale",
    chapter=15,
    title="A step length out of one pair",
    cases=_pairs(),
    hints=(
        "On a parabola with the curvature λ, y = λ s. Which number times y gives s?",
        "In several dimensions no number does exactly. Take the γ at which γ y comes closest to s.",
        "‖γ y − s‖² is smallest at γ = s · y / y · y",
    ),
)
def secant_scale(s, y):
    """Return γ, the number for which γ y comes closest to s.

    s  a step: vector
    y  the change of the gradient over that step: vector

    Example: s = [1, 0] and y = [8, 0] give 0.125.
    """
    return np.dot(s, y) / np.dot(y, y)


@secant_scale.mistake("γ turns a change of the gradient into a step.")
def upside_down(s, y):
    """The fraction is upside down.

    That is a curvature. Where the loss is steep, the step becomes long.
    """
    return 1 / secant_scale.reference(s, y)


@secant_scale.mistake("Divide by y · y: γ y is to come close to s, not s/γ to y.")
def longer_fraction(s, y):
    """The fraction is s·s / s·y.

    It makes s/γ come close to y. It is never shorter, and follows the flat directions: the steep ones may explode.
    """
    return np.dot(s, s) / np.dot(s, y)


@secant_scale.mistake("The unit of γ is step per gradient.")
def curvature_along_the_step(s, y):
    """This is the curvature along the step.

    s·y / s·s is about λ; a Newton step divides by it.
    """
    return np.dot(s, y) / np.dot(s, s)


@secant_scale.mistake("Lengths do not know directions: use s · y.")
def ratio_of_lengths(s, y):
    """The lengths of s and y are divided.

    Where s and y point in different directions it comes out too large, and its sign is lost.
    """
    return np.sqrt(np.dot(s, s) / np.dot(y, y))


@secant_scale.mistake("Sum first, divide afterwards.")
def not_divided_by_the_length(s, y):
    """The division by y · y is missing.

    The result has no meaning as a step length: it grows with the square of the units of the loss.
    """
    return np.dot(s, y)


def _histories():
    rng = np.random.default_rng(19)
    bends, bent_down = np.array([0.5, 3.0, 20.0, 1.0]), np.array([1.0, 1.0, -1.0, 1.0])

    def case(words, count, flip=()):
        steps = [0.1 * rng.standard_normal(4) for _ in range(count)]  # short: s · y is far below 1
        changes = [bends * step + 0.02 * rng.standard_normal(4) for step in steps]
        changes = [change * bent_down if i in flip else change for i, change in enumerate(changes)]
        return Case({"g": rng.standard_normal(4), "steps": steps, "changes": changes}, words)

    return [
        case("one pair", 1),
        case("two pairs", 2),
        case("four pairs", 4),
        case("three pairs, the second with s · y < 0", 3, flip=(1,)),
        case("two pairs, the newest with s · y < 0", 2, flip=(1,)),
    ]


@exercise(
    "two-loop-direction",
    chapter=15,
    title="The two loops of L-BFGS",
    cases=_histories(),
    hints=(
        "Which pairs may be used at all? Then two loops over them: one backwards, one forwards.",
        "First loop, newest pair first: a = s·q / s·y, q ← q − a y, and keep a. Then multiply by γ of the newest pair.",
        "Second loop, oldest pair first: b = y·r / s·y, r ← r + (a − b) s. The direction is −r.",
    ),
)
def direction_of_lbfgs(g, steps, changes):
    """Return the direction −H g of L-BFGS.

    g        the gradient: vector
    steps    s of each pair, the oldest first: list of vectors
    changes  y of each pair: list of vectors

    Pairs with s · y ≤ 0 are left out; at least one pair remains.

    Example: g = [4, 4] and the one pair s = [1, 0], y = [8, 0] give [−0.5, −0.5].
    """
    return -two_loop(g, [(s, y) for s, y in zip(steps, changes) if np.dot(s, y) > 0])


def _usable(steps, changes):
    return [(s, y) for s, y in zip(steps, changes) if np.dot(s, y) > 0]


@direction_of_lbfgs.mistake("−H g leads downhill.")
def uphill(g, steps, changes):
    """The sign is missing.

    H g is the way up: the line search finds nothing along it.
    """
    return two_loop(g, _usable(steps, changes))


@direction_of_lbfgs.mistake("Use a pair only if s · y > 0.")
def every_pair_used(g, steps, changes):
    """Pairs with s · y < 0 are used, too.

    They say that the loss bends downwards along s; with them the direction may lead uphill.
    """
    return -two_loop(g, list(zip(steps, changes)))


@direction_of_lbfgs.mistake("Between the loops q is multiplied by γ = s·y / y·y of the newest pair.")
def first_guess_left_out(g, steps, changes):
    """The factor between the loops is left out.

    In all directions that no pair knows the step has the length of the gradient, whatever the curvature.
    """
    return -_loops(g, _usable(steps, changes), gamma=1.0)


@direction_of_lbfgs.mistake("γ comes from the newest pair, the last of the list.")
def scale_of_the_oldest_pair(g, steps, changes):
    """γ comes from the oldest pair.

    It tells the curvature of a place left long ago.
    """
    pairs = _usable(steps, changes)
    return -_loops(g, pairs, gamma=first_guess(pairs[:1]))


@direction_of_lbfgs.mistake("The second loop takes the part that γ got wrong and puts the part along s right.")
def second_loop_left_out(g, steps, changes):
    """The second loop is left out.

    What the first loop took out of the gradient is lost: no step is taken along the steps of the past.
    """
    return -_loops(g, _usable(steps, changes), second=False)


@direction_of_lbfgs.mistake("In the second loop r gets (a − b) s, with b = y·r / s·y.")
def second_share_left_out(g, steps, changes):
    """The second loop adds a s, without taking b out.

    The part along s is counted twice, once with the guess γ and once as the pair says.
    """
    return -_loops(g, _usable(steps, changes), subtract=False)


@direction_of_lbfgs.mistake("The first loop goes from the newest pair to the oldest, the second one back.")
def loops_in_the_wrong_order(g, steps, changes):
    """The loops run in the other direction.

    The oldest pair has the last word: after it, H y = s does not hold for the newest one.
    """
    pairs = _usable(steps, changes)
    return -_loops(g, pairs[::-1], gamma=first_guess(pairs))


def _loops(g, pairs, gamma=None, second=True, subtract=True):
    """The two loops, with something left out."""
    q, shares = g, []
    for s, y in reversed(pairs):
        shares.append(np.dot(s, q) / np.dot(s, y))
        q = q - shares[-1] * y
    r = (first_guess(pairs) if gamma is None else gamma) * q
    for (s, y), share in zip(pairs, reversed(shares)) if second else ():
        r = r + (share - subtract * np.dot(y, r) / np.dot(s, y)) * s
    return r
