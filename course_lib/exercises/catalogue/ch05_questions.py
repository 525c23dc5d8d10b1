"""Chapter 5: numbers to predict about the scale of a step."""

from __future__ import annotations

from ..answers import PredictExercise, TypicalNumber

PredictExercise(
    "adagrad-rare-feature",
    chapter=5,
    title="A rare feature's step in AdaGrad",
    question="AdaGrad: weight A has the gradient 1 in every step, B in every 100th. B's step after 10,000 steps, in "
    "steps of A?",
    value=10.0,
    because="A has summed up 10,000 squares, B has 100. The steps are lr/√10000 and lr/√100: B's is 10 times as long.",
    tolerance=0.02,
    mistakes=(
        TypicalNumber(
            "root-forgotten", 100.0, "This is the ratio of the two sums. AdaGrad divides by the root of the sum."
        ),
        TypicalNumber("upside-down", 0.1, "The other way round: the smaller the sum, the longer the step."),
        TypicalNumber(
            "upside-down-without-root",
            0.01,
            "The smaller the sum, the longer the step; and AdaGrad divides by the root.",
        ),
        TypicalNumber(
            "same-step",
            1.0,
            "That would be SGD: one learning rate for all. AdaGrad divides by what a weight has seen so far.",
        ),
    ),
    hints=(
        "What does AdaGrad keep for A, and what for B?",
        "A has met 10,000 squares of size 1, B one hundredth of them.",
        "The step is lr · 1 / √(sum of squares).",
    ),
)

PredictExercise(
    "adagrad-hundredth-step",
    chapter=5,
    title="AdaGrad's hundredth step",
    question="The gradient is 5 in every step, the learning rate 0.1. How long is AdaGrad's step number 100? (ε is "
    "negligible.)",
    value=0.01,
    because="The sum of squares is 100 · 25, its root 10 · 5, and 0.1 · 5 / 50 = 0.01: the gradient's size cancels, "
    "1/√t is left.",
    mistakes=(
        TypicalNumber(
            "constant-step",
            0.1,
            "This is the first step, and that of RMSProp for ever. AdaGrad's sum has 100 squares by now.",
        ),
        TypicalNumber("gradient-descent", 0.5, "This is lr · g, plain gradient descent: nothing was divided."),
        TypicalNumber("root-forgotten", 2e-4, "This divides by the sum of squares; its root is needed."),
        TypicalNumber("one-over-t", 1e-3, "The sum grows like t, but the step is divided by its root: 1/√t, not 1/t."),
        TypicalNumber(
            "gradient-kept", 0.05, "The sum holds 100 squares of 5, not 100 ones: the gradient's size cancels."
        ),
    ),
    hints=(
        "How large is the sum of squares after 100 steps?",
        "100 · 5²; and its root?",
        "lr · g / √(100 g²)",
    ),
)
