"""How many calls, of generators too, an optimizer of 60 and of 120 parameters makes: prints them as JSON.

A program of its own, because Python 3.11 may never end where a profiler is switched on in a process that has run long.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from functools import partial

import numpy as np
import paddle

from course_lib import optimizer


def make(parameters):
    return optimizer.Adam(0.1, parameters=parameters)


def stepped(parameters):
    made = make(parameters)
    for parameter in parameters:
        parameter.grad = paddle.to_tensor(np.float32([1.0]))
    made.step()
    return made


WORK = {
    "first step": lambda parameters: stepped(parameters) and make(parameters).step,
    "save": lambda parameters: stepped(parameters).state_dict,
    "load": lambda parameters: partial(make(parameters).set_state_dict, stepped(parameters).state_dict()),
}


def calls_of(function) -> int:
    calls = Counter()
    sys.setprofile(lambda frame, event, argument: calls.update([event]))
    try:
        function()
    finally:
        sys.setprofile(None)
    return calls["call"] + calls["c_call"]


def counted(work) -> list[int]:
    return [calls_of(work([paddle.create_parameter([1], "float32") for _ in range(number)])) for number in (60, 120)]


if __name__ == "__main__":
    print(json.dumps({name: counted(work) for name, work in WORK.items()}))
