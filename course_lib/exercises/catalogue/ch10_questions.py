"""Chapter 10: where a cycle ends, and what a range test can show."""

from __future__ import annotations

from ..answers import PredictExercise, TypicalNumber
from ..quiz import Choice, QuizExercise

# ------------------------------------------------------------------------------------- predict


PredictExercise(
    "sgdr-cycle-end",
    chapter=10,
    title="Where a long cycle ends",
    question="SGDR with T_0 = 100 and T_mult = 3: how many steps in all until the third cycle is over?",
    value=1300,
    because="The cycles are 100, 300 and 900 steps long, which makes 1,300.",
    mistakes=(
        TypicalNumber("length-alone", 900, "This is the length of the third cycle; two others came before it."),
        TypicalNumber(
            "not-multiplied",
            300,
            "Three cycles of T_0 each, or the second one alone: each is three times as long as the one before, "
            "and all three count.",
        ),
        TypicalNumber("two-cycles", 400, "Here the second cycle ends."),
        TypicalNumber(
            "four-cycles", 4000, "Here the fourth cycle ends: the one of T_0 steps is the first, not the zeroth."
        ),
        TypicalNumber("starts-multiplied", 3900, "The first cycle is T_0 long; multiplying begins with the second."),
        TypicalNumber("added", 600, "The lengths are multiplied by 3, not increased by T_0."),
        TypicalNumber("multiplied-once", 700, "The third cycle is three times as long as the second."),
    ),
    hints=(
        "How long is each of the three cycles?",
        "100, then three times that, then three times that again.",
        "T_0 · (1 + T_mult + T_mult²)",
    ),
)


# --------------------------------------------------------------------------------------- quizzes

QuizExercise(
    "range-test-quiz",
    chapter=10,
    title="A range test that starts at 50",
    question="A range test on ten classes starts at a loss of about 50, falls in small steps to 2.3 and never gets "
    "below. What is the first thing to look at?",
    choices=(
        Choice(
            "The labels: they have been shuffled.",
            "Shuffled labels start at ln 10 ≈ 2.3, where guessing starts, and stay there.",
        ),
        Choice(
            "The scale of the inputs or of the first weights.",
            "A network that has learned nothing should start near ln 10 ≈ 2.3. A loss of 50 means that it is very "
            "sure and wrong: its outputs are far too large before the first step.",
            right=True,
        ),
        Choice(
            "The learning rate: the test begins too high.",
            "The first losses are measured before any step has been made, so they do not depend on the learning rate.",
        ),
        Choice(
            "The loss function: softmax is applied twice.",
            "Probabilities between 0 and 1 in place of logits cannot give a large loss: the curve starts at 2.3 "
            "and falls too little.",
        ),
    ),
    hints=(
        "What is the loss of a network that knows nothing about ten classes?",
        "The first point of the curve is measured before the first update.",
        "A cross-entropy of 50 needs outputs that differ by about 50.",
    ),
)

QuizExercise(
    "range-test-blind-quiz",
    chapter=10,
    title="What a range test cannot see",
    question="Which of these faults leaves the curve of a range test exactly as it is?",
    choices=(
        Choice(
            "The training pictures are fed in 0 … 255, not 0 … 1.",
            "Then the loss starts far above ln 10, before any step is made.",
        ),
        Choice(
            "The validation pictures are fed in 0 … 255, the training pictures in 0 … 1.",
            "The test trains and looks at training losses only; the validation pictures take no part in it. "
            "Compare training and validation loss after a short run to find this.",
            right=True,
        ),
        Choice("The labels are shuffled.", "Then nothing can be learned: the fast descent is missing."),
        Choice(
            "One training picture is NaN and the network uses tanh.",
            "From the first batch with that picture on, every loss is NaN: the curve breaks off.",
        ),
    ),
    hints=(
        "Which data does the test look at?",
        "It trains on mini-batches, and it plots their losses.",
        "A fault that is not in the training data, the model or the loss leaves no trace.",
    ),
)
