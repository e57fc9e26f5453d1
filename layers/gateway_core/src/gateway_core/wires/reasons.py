"""What a provider's error means, by its words: machine words first, prose last. Words of all wires count on each.

Providers repeat parts of the request in their prose, so patterns that would count against the deployment only match at
its start. Sources: the error pages of the four providers' API references.
"""

from __future__ import annotations

import re
from typing import get_args

from gateway_core.wires.errors import WireError
from gateway_core.wires.table import WIRES
from gateway_core.wires.wire import Reason

_IN_ORDER: tuple[Reason, ...] = get_args(Reason.__value__)
_COUNT_AGAINST_THE_REQUEST: frozenset[Reason] = frozenset({"too_long", "filtered"})
_MOST_TELLING = (429, 529, 401, 403, 402, 404, 413, 400)
"""An error may have several words: the one whose status comes first here says the most."""
_DEFAULT_STATUS = 500
_SIGNS = [sign for wire in WIRES.values() for sign in wire.error_signs]
_STATUSES = {label: status for wire in WIRES.values() for label, status in wire.error_statuses.items()}


def reason_of(error: WireError) -> Reason | None:
    """Why the request was refused, as far as the error says it."""
    by_label = (reason for reason in _IN_ORDER if has_label(error, reason))
    by_prose = (reason for reason in _IN_ORDER if _PROSE[reason].search(error.message))
    return next(by_label, None) or next(by_prose, None)


def has_label(error: WireError, reason: Reason) -> bool:
    """Whether one of its machine words stands for this reason."""
    return bool(error.labels & _LABELS[reason])


def speaks_of(error: WireError, reason: Reason) -> bool:
    """Whether any of its words, prose included, stands for this reason."""
    return has_label(error, reason) or bool(_PROSE[reason].search(error.message))


def status_within(error: WireError) -> int:
    """The HTTP status that an error inside a 200 body stands for; 500 if it does not say."""
    if error.status is not None and 400 <= error.status <= 599:  # noqa: PLR2004 - HTTP's error classes
        return error.status
    meant = {_STATUSES.get(label) for label in error.labels}
    return next((status for status in _MOST_TELLING if status in meant), _DEFAULT_STATUS)


def _labels(reason: Reason) -> frozenset[str]:
    return frozenset(label for sign in _SIGNS if sign.reason == reason for label in sign.labels)


def _prose(reason: Reason) -> re.Pattern[str]:
    """Matches nothing if no wire knows any."""
    start = "" if reason in _COUNT_AGAINST_THE_REQUEST else r"\A"
    patterns = [prose for sign in _SIGNS if sign.reason == reason for prose in sign.prose]
    return re.compile(f"{start}(?:{'|'.join(patterns or [r'(?!)'])})", re.IGNORECASE)


_LABELS = {reason: _labels(reason) for reason in _IN_ORDER}
_PROSE = {reason: _prose(reason) for reason in _IN_ORDER}
