"""A question with choices. It is drawn with plain HTML, so it works in Jupyter, in Colab and on a static page alike:
every choice opens an explanation, by mouse or by keyboard, without a server and without scripts.
"""

from __future__ import annotations

from dataclasses import dataclass

from .cards import question
from .engine import Exercise
from .feedback import printable


@dataclass(frozen=True)
class Choice:
    """One of the answers offered, and what is to be said about it."""

    text: str
    explanation: str
    right: bool = False


class QuizExercise(Exercise):
    """A question with one right choice among several, lettered a, b, c …

    Args:
        id, chapter, title, hints: See ``Exercise``.
        question: The question.
        choices: :class:`Choice` objects, exactly one of them right. Every wrong one explains what is wrong with it.
    """

    kind = "quiz"

    def __init__(self, id, *, question, choices, **common):
        super().__init__(id, **common)
        if sum(choice.right for choice in choices) != 1:
            raise ValueError(f"choices must hold exactly one right one, got {sum(c.right for c in choices)} in {id!r}")
        self.question = question
        self.choices = dict(zip("abcdefgh", choices))

    @property
    def stub(self) -> str:
        name = self.id.replace("-", "_")
        return f"{name} = None  # your letter here: {', '.join(map(repr, self.choices))}"

    def examine(self, answer):
        if answer is None or answer is Ellipsis:
            return self.not_attempted()
        letter = answer.strip().lower().strip("().") if isinstance(answer, str) else None
        if letter not in self.choices:
            offered = ", ".join(f'"{letter}"' for letter in self.choices)
            return self.feedback("error", f"Answer with one letter: {offered}.")
        choice = self.choices[letter]
        if choice.right:
            return self.feedback("passed", choice.explanation)
        return self.feedback("mistake", choice.explanation, mistake=f"choice-{letter}", title=choice.text)


@dataclass(frozen=True)
class Quiz:
    """The question as it is shown in a notebook."""

    exercise: QuizExercise

    def __repr__(self) -> str:
        choices = [f"  {letter}) {choice.text}" for letter, choice in self.exercise.choices.items()]
        last = f'Answer with check("{self.exercise.id}", "a"), or another letter.'
        return printable("\n".join([self.exercise.question, *choices, last]))

    def _repr_html_(self) -> str:
        return question(self.exercise.id, self.exercise.question, self.exercise.choices)
