"""Chapter 13: what becomes of a signal on its way through the layers, and what first weights are for."""

from __future__ import annotations

import math

import numpy as np

from ... import initializer
from ..answers import PredictExercise, TypicalNumber, as_number
from ..engine import Mistake
from ..experiments import NotYet, Recognised, measure
from ..functions import Case, exercise
from ..quiz import Choice, QuizExercise

# ------------------------------------------------------------------------------------- predict

PredictExercise(
    "init-signal-factor",
    chapter=13,
    title="A signal after ten layers",
    question="Ten linear layers of 100 units, weights of mean 0 and std 0.05: a signal of std 1 ends with which std?",
    value=0.5**10,
    because="A layer multiplies the variance by 100 · 0.05² = 0.25, so the standard deviation by 0.5; ten layers by "
    "0.5¹⁰, about a thousandth.",
    mistakes=(
        TypicalNumber("variance", 0.25**10, "This is the variance at the end; its root is asked for."),
        TypicalNumber("one-layer", 0.5, "This is the factor of one layer."),
        TypicalNumber("nine-layers", 0.5**9, "Ten layers of weights lie between the input and the last layer."),
        TypicalNumber("fan-in-forgotten", 0.05**10, "Each unit sums up 100 inputs: their variances add up."),
        TypicalNumber(
            "standard-deviations-added",
            5.0**10,
            "100 independent terms add their variances, not their standard deviations.",
        ),
        TypicalNumber("layers-added", 5.0, "Layers follow one another: their factors are multiplied."),
    ),
    hints=(
        "A unit is a sum of 100 terms. What is the variance of a sum of independent terms?",
        "One layer multiplies the variance by n · σ². And the standard deviation?",
        "(σ · √n) to the power of the number of layers",
    ),
)


# ---------------------------------------------------------------------------------- find the bug


def _weights():
    linear = [(784, 100), (100, 784), (64, 64), (2, 3), (1, 5)]
    convolutions = [
        (20, 1, 5, 5),
        (50, 20, 5, 5),
        (8, 16, 3, 3),
        (12, 6, 3),
        (6, 4, 3, 5),
        (4, 3, 2, 3, 5),
        (9, 2, 1, 1),
    ]
    return [Case({"shape": shape}) for shape in linear + convolutions]


@exercise(
    "init-find-bug-fans",
    chapter=13,
    title="Find the bugs: He's standard deviation from a shape",
    cases=_weights(),
    hints=(
        "For which of the two kinds of layer is the result wrong? Try shapes (784, 100) and (20, 1, 5, 5).",
        "A unit of a convolution looks at every input channel, and at a whole field of pixels in each.",
        "shape[1] counts the input channels, and the field has shape[2] · shape[3] · … pixels.",
    ),
)
def he_std_of(shape):
    fan_in, _ = initializer.fans(shape)
    return math.sqrt(2 / fan_in)


@he_std_of.as_printed
def he_std(shape):
    """Return He's standard deviation for a weight of this shape, as Paddle stores it.
    Two bugs.

    linear       (n_in, n_out)
    convolution  (channels out, channels in, height, width, …)
    """
    n_in = shape[0] if len(shape) == 2 else shape[0] * sum(shape[2:])
    return np.sqrt(2 / n_in)


@he_std_of.mistake("What does a unit of a convolution sum up? One bug is left in its field.")
def field_summed(shape):
    """The sides of the field are added.

    A field of height 5 and width 5 has 25 pixels, not 10.
    """
    return math.sqrt(2 / (shape[0] if len(shape) == 2 else shape[1] * sum(shape[2:])))


@he_std_of.mistake("The field is right now. Which axis counts the channels that come in?")
def output_channels(shape):
    """The output channels are counted.

    A unit sums up what comes in: input channels times pixels of the field. This is the fan-out.
    """
    return math.sqrt(2 / (shape[0] if len(shape) == 2 else shape[0] * math.prod(shape[2:])))


@he_std_of.mistake("Does a unit see one pixel of each channel only?")
def field_forgotten(shape):
    """The field is left out.

    A unit sees a whole field of pixels in every input channel.
    """
    return math.sqrt(2 / (shape[0] if len(shape) == 2 else shape[1]))


@he_std_of.mistake("In Paddle a linear weight is (n_in, n_out): that line was right.")
def linear_swapped(shape):
    """The linear layer has become wrong.

    Paddle stores a linear weight as (n_in, n_out), other than a convolution's, where outputs come first.
    """
    return math.sqrt(2 / math.prod(shape[1:]))


@he_std_of.mistake("Everything but the input channels and the field must stay out of the product.")
def all_axes(shape):
    """All axes of the convolution are multiplied.

    The output channels do not belong to the fan-in: no unit sums over them.
    """
    return math.sqrt(2 / (shape[0] if len(shape) == 2 else math.prod(shape)))


# --------------------------------------------------------------------------------------- measure

UNITS, LAYERS, SLOPE = 200, 10, 0.5

MEASURE_STUB = f"""\
# Ten layers of {UNITS} units with the leaky ReLU, which is z for z > 0 and {SLOPE} · z below.
# Which standard deviation of the weights keeps the root mean square of the signal
# from the first layer's output to the last one's?
# Find it by an experiment on random input, several seeds, to within 3 %.
init_leaky_std = None  # your number here"""

HE_KEPT = Mistake(
    "he-kept",
    "He's value for ReLU",
    "√(2/n) makes up for a ReLU, which lets half of the mean square through. The leaky ReLU lets more "
    "through, so the signal grows.",
    "Run it with ten layers and look at the ratio of the last to the first.",
)
NOTHING_CUT = Mistake(
    "nothing-cut",
    "The value for layers without activation",
    "√(1/n) suits a layer that lets everything through. The leaky ReLU halves what is below zero, so the signal fades.",
    "Run it with ten layers and look at the ratio of the last to the first.",
)
SLOPE_NOT_SQUARED = Mistake(
    "slope-not-squared",
    "The slope is not squared",
    "√(2/(n · (1 + 0.5))) takes the mean size of the signal. What adds up is its mean square, of which the "
    "slope's square is let through below zero.",
    "Mean squares: half of the numbers are multiplied by 0.5² and half by 1.",
)
VARIANCE_GIVEN = Mistake(
    "variance-given",
    "The variance, not the standard deviation",
    "This is about the variance of the right weights.",
    "Take the root.",
)


def leaky_growth(std: float) -> float:
    """Root mean square of the last layer's signal over that of the first, from the mean over 20 draws."""
    squares = np.zeros(LAYERS)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        signal = rng.standard_normal((50, UNITS))
        for layer in range(LAYERS):
            z = signal @ rng.normal(0, std, (UNITS, UNITS))
            signal = np.where(z > 0, z, SLOPE * z)
            squares[layer] += (signal**2).mean()
    return float(np.sqrt(squares[-1] / squares[0]))


@measure(
    "init-measure-leaky",
    chapter=13,
    title="The right scale for a leaky ReLU",
    stub=MEASURE_STUB,
    hints=(
        "Start from a random array of 50 rows, multiply by random weights, apply the activation, ten times.",
        "Print the ratio for a few standard deviations around 0.08. Nine layers multiply it: the ninth root "
        "tells how far off one layer is.",
        "Which share of the mean square does the leaky ReLU let through? (1 + 0.5²)/2. The variance of the "
        "weights must be 1/n divided by it.",
    ),
)
def leaky(answer):
    std = as_number(answer)
    if std is None:
        raise TypeError("init_leaky_std must be a number")
    if not math.isfinite(std) or std <= 0:
        raise NotYet("A standard deviation is positive and finite.")
    for value, mistake in ((2, HE_KEPT), (1, NOTHING_CUT), (2 / (1 + SLOPE), SLOPE_NOT_SQUARED)):
        if math.isclose(std, math.sqrt(value / UNITS), rel_tol=0.01):
            raise Recognised(mistake)
    if math.isclose(std, 1.6 / UNITS, rel_tol=0.06):
        raise Recognised(VARIANCE_GIVEN)
    growth = leaky_growth(std)
    per_layer = growth ** (1 / (LAYERS - 1))
    if abs(per_layer - 1) > 0.035:
        grows = "grows" if growth > 1 else "fades"
        raise NotYet(
            f"With {std:.4g} the signal {grows}: by a factor of {growth:.2g} from the first layer to the last."
        )
    return (
        f"With {std:.4g} the signal changes by a factor of {growth:.2f} over all layers. The formula gives "
        f"√(1.6/{UNITS}) ≈ 0.0894."
    )


# ------------------------------------------------------------------------------------------ quiz

QuizExercise(
    "init-zero-quiz",
    chapter=13,
    title="Where zero does no harm",
    question="In which of these may all parameters start at zero, and training still reaches the best it can?",
    choices=(
        Choice(
            "In a network with one hidden layer of ReLU units.",
            "Every weight's gradient is a product with another layer's weights or outputs, and those are 0. Only "
            "the biases of the last layer ever move.",
        ),
        Choice(
            "In a network with one hidden layer of sigmoid units: their output is 0.5, so gradients are not 0.",
            "They do move, but all units of the layer move alike for ever: it can do what a single unit can.",
        ),
        Choice(
            "In softmax regression, a network without hidden layer.",
            "There are no hidden units that could stay alike: each output has a label of its own. The loss is "
            "convex as well, so every start leads to the same place.",
            right=True,
        ),
        Choice(
            "In none: gradients are always 0 at zero.",
            "The gradient of a single layer is input times error, and neither of them is 0.",
        ),
    ),
    hints=(
        "What do two units of the same layer have to differ in so that their gradients differ?",
        "In which of the networks are there two units that have the same task?",
        "Outputs differ by their labels; hidden units differ by their weights only.",
    ),
)

QuizExercise(
    "weight-norm-dim-quiz",
    chapter=13,
    title="Which norm Paddle takes",
    question="Paddle stores a Linear layer's weight as [n_in, n_out]. `paddle.nn.utils.weight_norm(layer)` has the "
    "default dim=0: one length g for each index of axis 0. What does that normalize?",
    choices=(
        Choice(
            "The weights of each unit, as in the paper.",
            "A unit's weights are a column, which runs along axis 0; with dim=0 the norm is taken over the other axis.",
        ),
        Choice(
            "The weights that leave each input: one length per input.",
            "A row holds what one input sends to all units. For a unit's own weights, as in the paper, dim=1 is "
            "needed.",
            right=True,
        ),
        Choice("The whole matrix at once.", "For that, dim=None is the setting: one length for all weights."),
        Choice(
            "Nothing: Linear has no axis for it.", "It runs without a complaint. That is why the slip goes unnoticed."
        ),
    ),
    hints=(
        "Is the weight of one unit a row or a column of [n_in, n_out]?",
        "How many values does g have for a layer of 3 inputs and 2 units: one per input or one per unit?",
        "dim names the axis that is kept.",
    ),
)
