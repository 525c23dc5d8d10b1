"""Chapter 6: Adam's step; the mistakes made with it are rows of a table, ``adam_slips``."""

from __future__ import annotations

from ... import optimizer
from ..steps import StepExercise
from .adam_slips import enter_slips
from .adam_steps import AdamStep

adam = StepExercise(
    "adam-step",
    chapter=6,
    title="Adam, one step",
    rule=optimizer.Adam,
    hyper=("beta1", "beta2", "epsilon"),
    other={"beta1": 0.6, "beta2": 0.8, "epsilon": 0.05},
    counts=True,
    says="One step of Adam, as Paddle computes it.",
    hints=(
        "Two moving averages: one of the gradients, one of their squares. What does starting at zero do?",
        "Divide each average by 1 − beta**t, t = s.t, but keep the uncorrected averages in s.",
        "m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ), x ← x − lr · m̂ / (√v̂ + ε)",
    ),
)


enter_slips(adam, AdamStep)
