"""What may go wrong with a call of AWS."""

from __future__ import annotations


class AwsError(Exception):
    """No answer came of a call, or a refusal. `code` is AWS's own word or a kind of failure; the text is no more.

    `passing` is whether the same call may succeed a little later.
    """

    def __init__(self, code: str, *, passing: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.passing = passing
