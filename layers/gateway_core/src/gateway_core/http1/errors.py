"""What may go wrong with a request. No text holds anything of what was sent."""

from __future__ import annotations


class HttpError(Exception):
    """No whole answer came of the request."""


class ConnectError(HttpError):
    """There is no connection: nothing was sent."""


class ConnectTimeout(ConnectError):
    """Connecting took too long."""


class LineTimeout(HttpError):
    """All connections were busy with requests that nobody answered: nothing was sent."""


class AnswerTimeout(HttpError):
    """The answer is not whole in time."""


class ConnectionBroken(HttpError):
    """The connection ended before the answer did."""


class MalformedAnswer(HttpError):
    """What came is no answer in HTTP/1.1, or one that two readers may take for different ones."""


class UnwantedAnswer(HttpError):
    """An answer that is whole, or would be, but not what was asked for. Its text says why, and nothing else."""
