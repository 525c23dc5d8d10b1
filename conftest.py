"""Every check, in whatever folder it stands, runs in the environment that the book's notebooks are executed in."""

from nbval.plugin import IPyNbFile

from tools.notebooks import book_environment

environment = book_environment()


def pytest_configure():
    environment.__enter__()


def pytest_unconfigure():
    environment.__exit__(None, None, None)


def pytest_collectstart(collector):
    """Pictures are not compared: as with PNG, the last digit of a position is another processor's matter."""
    if isinstance(collector, IPyNbFile):
        collector.skip_compare += ("image/svg+xml",)
