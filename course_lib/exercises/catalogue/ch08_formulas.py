"""Chapter 8: RAdam's step and SWATS's projection, and the mistakes made with them."""

from __future__ import annotations

import numpy as np

from ... import optimizer, variants
from ...arrays import sqrt
from ...variants import rectified_length
from ..functions import Case, exercise
from ..steps import StepExercise, step_of
from .adam_slips import enter_slips
from .adam_steps import RAdamStep, r_squared

_as_in_the_paper = step_of(variants.PaperRAdam)
_without_first_steps = step_of(variants.RAdamWithoutFirstSteps)


radam = StepExercise(
    "radam-step",
    chapter=8,
    title="RAdam, one step",
    rule=optimizer.RAdam,
    hyper=("beta1", "beta2", "epsilon"),
    # At 0.999, 32-bit arithmetic is off by a percent in r_t; 0.9 and 0.7 cross the threshold after 5 and after 9 steps.
    usual={"beta2": 0.9},
    other={"beta1": 0.6, "beta2": 0.7, "epsilon": 0.05},
    counts=True,
    says="One step of RAdam, as Paddle computes it (threshold 5, epsilon beside the raw root of v).",
    hints=(
        "In the first steps v has seen too few gradients to be trusted: what is left of Adam without it?",
        "ρ∞ = 2/(1 − β₂) − 1 and ρ_t = ρ∞ − 2 t β₂ᵗ/(1 − β₂ᵗ). While ρ_t ≤ 5, follow m̂ alone; afterwards scale by r_t.",
        "r_t = √[(ρ_t − 4)(ρ_t − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρ_t)], x ← x − lr · r_t · m̂ · √(1 − β₂ᵗ)/(√v + ε)",
    ),
)


def _averages(g, s, beta1, beta2):
    """Renew m and v; return m̂ and √v̂'s two parts: √v and √(1 - β₂ᵗ)."""
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = beta2 * s.v + (1 - beta2) * g * g
    return s.m / (1 - beta1**s.t), sqrt(s.v), (1 - beta2**s.t) ** 0.5


@radam.mistake("Paddle asks for ρ_t > 5.")
def threshold_four(x, g, s, lr, beta1, beta2, epsilon):
    """The threshold is 4.

    So it stands in the paper; Paddle waits until ρ_t exceeds 5, one step longer, because r_t is tiny just above 4.
    """
    return _as_in_the_paper(x, g, s, lr, beta1=beta1, beta2=beta2, epsilon=epsilon)


@threshold_four.also(hint="Paddle asks for ρ_t > 5, and adds ε to √v before the correction.")
def threshold_four_and_corrected_root(x, g, s, lr, beta1, beta2, epsilon):
    """The threshold is 4, and ε is added to the corrected root.

    So it stands in many programs; Paddle waits until ρ_t exceeds 5 and adds ε to √v itself.
    """
    m_hat, root, correction = _averages(g, s, beta1, beta2)
    rho, rho_inf = rectified_length(s.t, beta2)
    if rho <= 4:
        return x - lr * m_hat
    return x - lr * r_squared(rho, rho_inf) ** 0.5 * m_hat / (root / correction + epsilon)


@radam.mistake("β₂ is raised to the power t, not squared.")
def beta_squared_for_power(x, g, s, lr, beta1, beta2, epsilon):
    """ρ_t is computed with β₂² instead of β₂ᵗ.

    ρ_t then falls with time instead of growing: the scale is trusted at once, and given up soon after.
    """
    m_hat, root, correction = _averages(g, s, beta1, beta2)
    _, rho_inf = rectified_length(s.t, beta2)
    rho = rho_inf - 2 * s.t * beta2**2 / (1 - beta2**2)
    if rho <= 5:
        return x - lr * m_hat
    return x - lr * r_squared(rho, rho_inf) ** 0.5 * m_hat * correction / (root + epsilon)


@beta_squared_for_power.also
def beta_squared_everywhere(x, g, s, lr, beta1, beta2, epsilon):
    """ρ_t and v's correction are computed with β₂² instead of β₂ᵗ.

    ρ_t falls with time instead of growing, and √(1 - β₂²) is right at the second step only.
    """
    m_hat, root, _ = _averages(g, s, beta1, beta2)
    _, rho_inf = rectified_length(s.t, beta2)
    rho = rho_inf - 2 * s.t * beta2**2 / (1 - beta2**2)
    if rho <= 5:
        return x - lr * m_hat
    return x - lr * r_squared(rho, rho_inf) ** 0.5 * m_hat * (1 - beta2**2) ** 0.5 / (root + epsilon)


@radam.mistake("ρ∞ = 2/(1 - β₂) - 1; in ρ_t β₂ is raised to the power t, above and below the fraction bar.")
def v_never_used(x, g, s, lr, beta1, beta2, epsilon):
    """v is never used: all steps follow m̂ alone.

    ρ_t never gets beyond 5: so it is with β₂² for β₂ᵗ above the fraction bar, or with 1/(1 - β₂) in ρ∞.
    """
    m_hat, _, _ = _averages(g, s, beta1, beta2)
    return x - lr * m_hat


@radam.mistake("r_t is a square root.")
def rectifier_without_root(x, g, s, lr, beta1, beta2, epsilon):
    """r_t is used without its root.

    r_t is below 1, its square far below: the steps after the start come out much too short.
    """
    m_hat, root, correction = _averages(g, s, beta1, beta2)
    rho, rho_inf = rectified_length(s.t, beta2)
    if rho <= 5:
        return x - lr * m_hat
    return x - lr * r_squared(rho, rho_inf) * m_hat * correction / (root + epsilon)


@radam.mistake("Multiply the adaptive step by r_t.")
def no_rectifier(x, g, s, lr, beta1, beta2, epsilon):
    """r_t is left out.

    The adaptive step starts at full length with an estimate from five gradients: the large jumps that RAdam prevents.
    """
    m_hat, root, correction = _averages(g, s, beta1, beta2)
    if rectified_length(s.t, beta2)[0] <= 5:
        return x - lr * m_hat
    return x - lr * m_hat * correction / (root + epsilon)


@radam.mistake("While v cannot be trusted, m̂ still can.")
def no_update_at_first(x, g, s, lr, beta1, beta2, epsilon):
    """Nothing is updated while ρ_t is small.

    The first five steps are lost; RAdam takes them with m̂ alone.
    """
    return _without_first_steps(x, g, s, lr, beta1=beta1, beta2=beta2, epsilon=epsilon)


@radam.mistake("m is corrected in both branches.")
def raw_m(x, g, s, lr, beta1, beta2, epsilon):
    """m is used without its correction.

    The first steps are too short, by the factor 1 - beta1**t.
    """
    _, root, correction = _averages(g, s, beta1, beta2)
    rho, rho_inf = rectified_length(s.t, beta2)
    if rho <= 5:
        return x - lr * s.m
    return x - lr * r_squared(rho, rho_inf) ** 0.5 * s.m * correction / (root + epsilon)


@raw_m.also
def raw_m_at_first(x, g, s, lr, beta1, beta2, epsilon):
    """m is used without its correction while ρ_t ≤ 5.

    Just there the correction is largest: the very first step is ten times too short.
    """
    m_hat, root, correction = _averages(g, s, beta1, beta2)
    rho, rho_inf = rectified_length(s.t, beta2)
    if rho <= 5:
        return x - lr * s.m
    return x - lr * r_squared(rho, rho_inf) ** 0.5 * m_hat * correction / (root + epsilon)


@raw_m.also
def raw_m_later(x, g, s, lr, beta1, beta2, epsilon):
    """m is used without its correction once ρ_t exceeds 5.

    There m is still too small by the factor 1 - beta1**t, about a half at the sixth step.
    """
    m_hat, root, correction = _averages(g, s, beta1, beta2)
    rho, rho_inf = rectified_length(s.t, beta2)
    if rho <= 5:
        return x - lr * m_hat
    return x - lr * r_squared(rho, rho_inf) ** 0.5 * s.m * correction / (root + epsilon)


@raw_m.also(hint="m is divided by 1 - β₁ᵗ in both branches, and √v by √(1 - β₂ᵗ).")
def nothing_corrected(x, g, s, lr, beta1, beta2, epsilon):
    """Neither m nor v is corrected.

    The first steps are too short; once √v is used, which is smaller still, they are several times too long.
    """
    _, root, _ = _averages(g, s, beta1, beta2)
    rho, rho_inf = rectified_length(s.t, beta2)
    if rho <= 5:
        return x - lr * s.m
    return x - lr * r_squared(rho, rho_inf) ** 0.5 * s.m / (root + epsilon)


@radam.mistake("ρ_t decides, and it depends on β₂.")
def step_number_asked(x, g, s, lr, beta1, beta2, epsilon):
    """The step number decides whether v is trusted, not ρ_t.

    At β₂ = 0.999 both say the same, five steps; with a smaller β₂ v would be used too early.
    """
    m_hat, root, correction = _averages(g, s, beta1, beta2)
    if s.t <= 5:
        return x - lr * m_hat
    return x - lr * r_squared(*rectified_length(s.t, beta2)) ** 0.5 * m_hat * correction / (root + epsilon)


@radam.mistake("While ρ_t ≤ 5, v plays no part at all.")
def adam_at_first(x, g, s, lr, beta1, beta2, epsilon):
    """The first steps are Adam's.

    They are scaled by a v that has seen a handful of gradients: the very thing RAdam avoids.
    """
    m_hat, root, correction = _averages(g, s, beta1, beta2)
    rho, rho_inf = rectified_length(s.t, beta2)
    r = 1.0 if rho <= 5 else r_squared(rho, rho_inf) ** 0.5
    return x - lr * r * m_hat * correction / (root + epsilon)


@radam.mistake("Where has the rectification gone?")
def adam_instead(x, g, s, lr, beta1, beta2, epsilon):
    """This is Adam.

    Without the rectification the first steps need a warm-up.
    """
    m_hat, root, correction = _averages(g, s, beta1, beta2)
    return x - lr * m_hat / (root / correction + epsilon)


@radam.mistake("Which fraction is below 1? r_t shortens the step.")
def rectifier_upside_down(x, g, s, lr, beta1, beta2, epsilon):
    """r_t is upside down.

    Instead of shortening the uncertain steps it makes them several times longer.
    """
    m_hat, root, correction = _averages(g, s, beta1, beta2)
    rho, rho_inf = rectified_length(s.t, beta2)
    if rho <= 5:
        return x - lr * m_hat
    return x - lr / r_squared(rho, rho_inf) ** 0.5 * m_hat * correction / (root + epsilon)


@radam.mistake("v is still too small: √(1 - β₂ᵗ) belongs above the fraction bar.")
def v_not_corrected(x, g, s, lr, beta1, beta2, epsilon):
    """v is used without its correction.

    After five steps v is still two hundred times too small: the steps come out over ten times too long.
    """
    m_hat, root, _ = _averages(g, s, beta1, beta2)
    rho, rho_inf = rectified_length(s.t, beta2)
    if rho <= 5:
        return x - lr * m_hat
    return x - lr * r_squared(rho, rho_inf) ** 0.5 * m_hat / (root + epsilon)


@radam.mistake("Paddle adds ε to √v, before the correction.")
def epsilon_beside_the_corrected_root(x, g, s, lr, beta1, beta2, epsilon):
    """ε is added to the corrected root, as in Adam.

    Paddle adds it to √v itself; in the first steps ε then weighs more. The two part where gradients are small.
    """
    m_hat, root, correction = _averages(g, s, beta1, beta2)
    rho, rho_inf = rectified_length(s.t, beta2)
    if rho <= 5:
        return x - lr * m_hat
    return x - lr * r_squared(rho, rho_inf) ** 0.5 * m_hat / (root / correction + epsilon)


@radam.mistake("What happens to a parameter whose gradients have all been 0?")
def radam_epsilon_left_out(x, g, s, lr, beta1, beta2, epsilon):
    """ε is left out.

    So it stands in the paper; a parameter whose gradients have all been zero then becomes 0/0 = NaN.
    """
    m_hat, root, correction = _averages(g, s, beta1, beta2)
    rho, rho_inf = rectified_length(s.t, beta2)
    if rho <= 5:
        return x - lr * m_hat
    return x - lr * r_squared(rho, rho_inf) ** 0.5 * m_hat * correction / root


@radam.mistake("ρ∞ = 2/(1 - β₂) - 1.")
def rho_infinity_without_minus_one(x, g, s, lr, beta1, beta2, epsilon):
    """ρ∞ lacks its - 1.

    ρ_t is one too large, so the scale is trusted a step too early.
    """
    m_hat, root, correction = _averages(g, s, beta1, beta2)
    rho, rho_inf = rectified_length(s.t, beta2)
    rho, rho_inf = rho + 1, rho_inf + 1
    if rho <= 5:
        return x - lr * m_hat
    return x - lr * r_squared(rho, rho_inf) ** 0.5 * m_hat * correction / (root + epsilon)


@radam.mistake("ρ_t contains t twice: as a factor and as a power.")
def factor_t_missing(x, g, s, lr, beta1, beta2, epsilon):
    """ρ_t lacks the factor t.

    ρ_t comes out far too large in the first steps, and v is trusted from the second step on.
    """
    m_hat, root, correction = _averages(g, s, beta1, beta2)
    _, rho_inf = rectified_length(s.t, beta2)
    rho = rho_inf - 2 * beta2**s.t / (1 - beta2**s.t)
    if rho <= 5:
        return x - lr * m_hat
    return x - lr * r_squared(rho, rho_inf) ** 0.5 * m_hat * correction / (root + epsilon)


@factor_t_missing.also(hint="ρ∞ = 2/(1 - β₂) - 1, and 2 t β₂ᵗ/(1 - β₂ᵗ) is subtracted from it.")
def factor_two_missing(x, g, s, lr, beta1, beta2, epsilon):
    """ρ_t lacks the factor 2.

    It begins near ρ∞/2 instead of at 1: v is trusted from the first step on.
    """
    m_hat, root, correction = _averages(g, s, beta1, beta2)
    _, rho_inf = rectified_length(s.t, beta2)
    rho = rho_inf - s.t * beta2**s.t / (1 - beta2**s.t)
    if rho <= 5:
        return x - lr * m_hat
    return x - lr * r_squared(rho, rho_inf) ** 0.5 * m_hat * correction / (root + epsilon)


@factor_t_missing.also(hint="What is subtracted from ρ∞ shrinks with t, and so ρ_t grows towards it.")
def rho_added(x, g, s, lr, beta1, beta2, epsilon):
    """The second part of ρ_t is added to ρ∞ instead of subtracted.

    ρ_t then falls towards ρ∞ instead of rising: v is trusted most where it has seen least.
    """
    m_hat, root, correction = _averages(g, s, beta1, beta2)
    _, rho_inf = rectified_length(s.t, beta2)
    rho = rho_inf + 2 * s.t * beta2**s.t / (1 - beta2**s.t)
    if rho <= 5:
        return x - lr * m_hat
    return x - lr * r_squared(rho, rho_inf) ** 0.5 * m_hat * correction / (root + epsilon)


@radam.mistake("Three fractions are multiplied under the root: (ρ_t − 4)/(ρ∞ − 4), (ρ_t − 2)/(ρ∞ − 2) and ρ∞/ρ_t.")
def rectifier_incomplete(x, g, s, lr, beta1, beta2, epsilon):
    """r_t lacks the fraction ρ∞/ρ_t.

    It comes out too small as long as ρ_t is small: the first adaptive steps are shortened too much.
    """
    m_hat, root, correction = _averages(g, s, beta1, beta2)
    rho, rho_inf = rectified_length(s.t, beta2)
    if rho <= 5:
        return x - lr * m_hat
    r_squared_in_part = (rho - 4) * (rho - 2) / ((rho_inf - 4) * (rho_inf - 2))
    return x - lr * r_squared_in_part**0.5 * m_hat * correction / (root + epsilon)


enter_slips(radam, RAdamStep, without=("no-bias-correction", "only-m-corrected", "only-v-corrected", "no-epsilon"))


def _projections():
    rng = np.random.default_rng(5)
    cases = [Case({"p": np.array([-0.1, 0.0]), "g": np.array([1.0, 1.0])}, "p = [-0.1, 0], g = [1, 1]")]
    for shape in [(3,), (7,), (2, 1, 4), (40,)]:
        g = rng.standard_normal(shape)
        p = -0.01 * np.abs(rng.standard_normal(shape)) * g + 1e-4 * rng.standard_normal(shape)
        cases.append(Case({"p": p, "g": g}, f"random p and g of shape {shape}"))
    uphill = Case({"p": np.array([0.2, 0.1]), "g": np.array([1.0, -0.5])}, "a step that goes uphill")
    return [*cases, uphill]


@exercise(
    "swats-projection",
    chapter=8,
    title="SWATS: the learning rate found by projection",
    cases=_projections(),
    relative=1e-4,
    hints=(
        "SGD's step −γ g is not parallel to Adam's step p. How long must it be to project back onto p exactly?",
        "Ask that the projection of −γ g onto the direction of p equals p: the dot product with p must be p · p.",
        "γ = p · p / (−p · g)",
    ),
)
def swats_projection(p, g):
    """Return the learning rate at which SGD's step -γ g, projected onto p, equals p.

    p  Adam's step, the change of the parameter: array of any shape
    g  the gradient: array of the same shape
    Return one number, γ.

    Example: p = [-0.1, 0.0] and g = [1.0, 1.0] give 0.1.
    """
    return (p * p).sum() / -(p * g).sum()


@swats_projection.mistake("p points downhill, so p · g is negative: what makes γ positive?")
def projection_sign(p, g):
    """The sign is missing.

    p goes downhill and g uphill, so p · g is negative: SGD would climb with a negative learning rate.
    """
    return (p * p).sum() / (p * g).sum()


@projection_sign.also(hint="Which sign has p · g for a step downhill, and which for one uphill?")
def projection_absolute(p, g):
    """The absolute value of p · g is taken instead of its opposite.

    Where Adam's step goes uphill γ has to be negative, which tells SWATS to wait; so it looks like any other.
    """
    return (p * p).sum() / abs((p * g).sum())


@swats_projection.mistake("Which of the two vectors is projected onto which?")
def projected_the_other_way(p, g):
    """p was projected onto g.

    -p·g/g·g is the part of Adam's step along the gradient: always shorter, so SGD would start too slowly.
    """
    return -(p * g).sum() / (g * g).sum()


@swats_projection.mistake("γ is the learning rate itself, not its inverse.")
def projection_upside_down(p, g):
    """The fraction is upside down.

    Short steps of Adam would give SGD a huge learning rate.
    """
    return -(p * g).sum() / (p * p).sum()


@swats_projection.mistake("Directions matter: use p · g.")
def ratio_of_lengths(p, g):
    """The lengths of p and g are compared, without a projection.

    Adam's step and the gradient point in different directions: the learning rate comes out too small.
    """
    return np.sqrt((p * p).sum() / (g * g).sum())


@ratio_of_lengths.also
def ratio_of_squares(p, g):
    """The squares of the lengths of p and g are compared, without a projection.

    That is the square of a ratio of steps to gradients: a learning rate of 0.1 comes out as 0.01.
    """
    return (p * p).sum() / (g * g).sum()


@swats_projection.mistake("One γ for all parameters: sum the products first, divide then.")
def ratio_per_element(p, g):
    """Ratios were formed element by element and averaged.

    Elements with a tiny gradient dominate the mean; the projection divides one sum by another.
    """
    return np.mean(-p / g)


@ratio_per_element.also
def median_ratio(p, g):
    """Ratios were formed element by element, and their median taken.

    Every element counts the same, however short its step; the projection divides one sum by another.
    """
    return np.median(-p / g)


@swats_projection.mistake("Root or no root? Both dot products are squares.")
def projection_root(p, g):
    """The length of p stands above the fraction bar, not its square.

    The units do not fit: γ would depend on how long the step is, not only on the ratio.
    """
    return np.sqrt((p * p).sum()) / -(p * g).sum()


@swats_projection.mistake("The learning rate is to be found from p and g.")
def adams_rate_reused(p, g):
    """Adam's learning rate is used again.

    Adam's 0.001 belongs to scaled gradients; SGD with it crawls or jumps, depending on the loss's scale.
    """
    return 0.001


@adams_rate_reused.also
def another_usual_rate(p, g):
    """A usual learning rate is returned.

    0.01 may suit many losses, but not this one: p and g are not asked.
    """
    return 0.01


@swats_projection.mistake("SWATS compares before momentum: γ itself is not scaled by 1 - beta1.")
def scaled_by_momentum(p, g):
    """γ is scaled by 1 - beta1.

    That factor belongs to the step after the switch, where SGD's velocity adds up gradients; here it would act twice.
    """
    return 0.1 * (p * p).sum() / -(p * g).sum()
