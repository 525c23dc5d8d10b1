"""Interactive figures: HTML, SVG and one small piece of JavaScript, without any other file or network.

Python draws the picture and computes every curve that the controls can pick, with the rules of the library. The
JavaScript swaps curves and texts and computes nothing but the formulas of schedules, so no rule is written twice. Where
scripts are off, the picture of the first setting stands.

``figure`` holds the building blocks (controls, series, panels, readouts), ``svg`` draws them, and ``explorers``,
``descent``, ``curves``, ``adaptive`` and ``averages`` have the figures of the book::

    interactive.learning_rate_explorer("ravine")  # the last line of a notebook's cell
"""

from .adaptive import projection_explorer, rare_feature_explorer, rare_slope_explorer, rectifier_explorer
from .averages import average_explorer
from .batches import BatchRuns, batch_calculator
from .curves import adam_state_explorer, range_test_reader, schedule_designer
from .descent import curvature_explorer, mini_batch_explorer
from .explorers import learning_rate_explorer, momentum_explorer, optimizer_race, weight_decay_explorer
from .figure import Axis, Control, Figure, Panel, Readout, Series, height, over, place, radio, slider, steps
from .shorthand import Formula, shown

__all__ = [
    "Axis",
    "BatchRuns",
    "Control",
    "Figure",
    "Formula",
    "Panel",
    "Readout",
    "Series",
    "adam_state_explorer",
    "average_explorer",
    "batch_calculator",
    "curvature_explorer",
    "height",
    "learning_rate_explorer",
    "mini_batch_explorer",
    "momentum_explorer",
    "optimizer_race",
    "over",
    "place",
    "projection_explorer",
    "radio",
    "range_test_reader",
    "rare_feature_explorer",
    "rare_slope_explorer",
    "rectifier_explorer",
    "schedule_designer",
    "shown",
    "slider",
    "steps",
    "weight_decay_explorer",
]
