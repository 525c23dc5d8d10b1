"""Sphinx extension: what a link to a page of the course looks like where links are previewed (Open Graph).

The tags need the address of the published site, which ``tools/repository.py`` finds out. Without it there are none.
"""

from __future__ import annotations

from pathlib import Path

from tools.repository import site_url

CARD = "_static/social.png"
CARD_SIZE = (1200, 630)  # pixels that previews are made for


def setup(app):
    url = site_url()
    if url:
        app.setup_extension("sphinxext.opengraph")
        app.config.ogp_site_url = url
        app.config.ogp_image = CARD
        app.config.ogp_image_alt = "Paths of four optimizers to the lowest point of a landscape"
        app.config.ogp_custom_meta_tags = ('<meta name="twitter:card" content="summary_large_image" />',)
        app.connect("build-finished", add_card)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def add_card(app, error):
    if not error and app.builder.format == "html":
        draw_card(Path(app.outdir) / CARD, app.config.project)


def draw_card(path: Path, title: str) -> None:
    """A picture of four optimizers on their way, with the title of the course."""
    import matplotlib.pyplot as plt

    from course_lib import optimizer, plotting, surfaces

    racers = {
        "SGD": optimizer.SGD(0.03),
        "Momentum": optimizer.Momentum(0.003, momentum=0.9),
        "RMSProp": optimizer.RMSProp(0.3),
        "Adam": optimizer.Adam(0.3),
    }
    with plt.style.context(plotting.STYLE):
        figure, ax = plt.subplots(figsize=[side / 100 for side in CARD_SIZE], dpi=100, layout="constrained")
        plotting.contours(ax, surfaces.beale)
        for name, racer in racers.items():
            plotting.path(ax, surfaces.trajectory(racer, surfaces.beale, 80), name)
        ax.set(xlim=(-1, 4), ylim=(-2, 2), xticks=[], yticks=[], xlabel="", ylabel="")
        ax.set_title(title, fontsize=27, pad=16)
        figure.savefig(path, dpi=100, bbox_inches=None)
        plt.close(figure)
