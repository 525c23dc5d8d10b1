"""Leaving a method to Python where ``paddle.jit.to_static(full_graph=False)`` translates the function that calls it."""

from __future__ import annotations

import inspect

from paddle.jit.sot import psdb


def _not_known(recursive: bool) -> None:
    """The oldest Paddle that the course runs with knows no such call for methods within methods."""


fallback = psdb.fallback if "recursive" in inspect.signature(psdb.fallback).parameters else _not_known
