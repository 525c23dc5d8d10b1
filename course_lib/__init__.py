"""The library of the course: optimizers, schedules and experiments written to be read.

Importing it brings nothing in beyond its submodules; ``from course_lib import optimizer`` is the
drop-in twin of ``paddle.optimizer``, and ``course_lib.translate`` says in Paddle's words what a call of PyTorch does.
"""

import logging as _logging
import warnings as _warnings

# Paddle warns at import that a compiler cache is missing. That concerns people who build Paddle, not
# people who read this course. Only this one message is filtered; every other warning stays visible.
_warnings.filterwarnings("ignore", message="No ccache found", category=UserWarning)

# Paddle sets the root logger to INFO at import, and Matplotlib would then chat about its font cache on
# every machine that opens the course for the first time.
if _logging.getLogger("matplotlib").level == _logging.NOTSET:
    _logging.getLogger("matplotlib").setLevel(_logging.WARNING)

__version__ = "1.0.0"


def __getattr__(name):
    """``translate`` and ``translate_state`` are brought in when they are first asked for."""
    if name == "translate":
        from .translation import translate

        return translate
    if name == "translate_state":
        from .translation.state import translate_state

        return translate_state
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
