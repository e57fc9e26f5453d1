"""Names for what went wrong, without the exception's text: it may quote a prompt or a secret."""

from __future__ import annotations

import re
import traceback

_LONGEST_NAME = 100


def error_type(error: BaseException) -> str:
    """`Function.ClassName`: Lambda turns names of any other form into Runtime.Unknown."""
    return f"Function.{re.sub('[^A-Za-z]', '', type(error).__name__)[:_LONGEST_NAME] or 'Error'}"


def describe(error: BaseException) -> str:
    """The error's type and the places in the code that it passed, outermost first, for the log."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " > ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{error_type(error)} at {places or 'no known place'}"
