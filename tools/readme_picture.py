"""Draw the picture of the README with the course's own rules: `make picture`.

It is written twice, for GitHub's light pages and for its dark ones.
"""

from __future__ import annotations

import re

import matplotlib.pyplot as plt

from course_lib import optimizer, plotting, surfaces
from course_lib.files import write_atomically
from course_lib.looks import at_night
from tools.notebooks import CHAPTERS

LIGHT, DARK = (CHAPTERS / "_assets" / f"readme-{time}.svg" for time in ("day", "night"))
RUNS = {
    "SGD": optimizer.SGD(0.09),
    "Momentum": optimizer.Momentum(0.02),
    "RMSProp": optimizer.RMSProp(0.1),
    "Adam": optimizer.Adam(0.3),
}
STEPS = 60


def draw() -> str:
    """Paths over a landscape, and the loss on the way."""
    surface = surfaces.ravine
    figure, (map_, curve) = plt.subplots(1, 2, figsize=(9, 3.4), width_ratios=(3, 2), layout="constrained")
    plotting.contours(map_, surface)
    for name, rule in RUNS.items():
        path = surfaces.trajectory(rule, surface, STEPS)
        plotting.path(map_, path, name, label="", markersize=3)
        plotting.loss_curve(curve, surface(path), name)
    map_.set(ylim=(-3, 3))
    curve.set(xlabel="step", ylabel="loss", yscale="log")
    figure.legend(loc="outside upper center", ncols=len(RUNS))
    for ground in (figure.patch, *(ax.patch for ax in (map_, curve))):
        ground.set_alpha(0)  # the page's own
    return plotting.svg(figure)


def for_night(picture: str) -> str:
    """The same picture in the colours for dark pages."""
    return re.sub(r"(?<=: )#[0-9a-f]{6}", lambda colour: at_night(colour[0]), picture)


if __name__ == "__main__":
    plotting.use_style()
    picture = draw()
    write_atomically(LIGHT, picture)
    write_atomically(DARK, for_night(picture))
