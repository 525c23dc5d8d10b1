"""Leaving a method to Python where ``paddle.jit.to_static(full_graph=False)`` translates the function that calls it."""

from __future__ import annotations

import inspect

from ..edge import paddle


def _nothing(recursive: bool) -> None:
    """Without Paddle nothing is translated; the oldest that the course runs with knows no call for nested methods."""


if paddle is None:
    fallback = _nothing
else:
    from paddle.jit.sot import psdb

    fallback = psdb.fallback if "recursive" in inspect.signature(psdb.fallback).parameters else _nothing
