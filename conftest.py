"""Every check, in whatever folder it stands, runs in the environment that the book's notebooks are executed in."""

from tools.notebooks import book_environment

environment = book_environment()


def pytest_configure():
    environment.__enter__()


def pytest_unconfigure():
    environment.__exit__(None, None, None)
