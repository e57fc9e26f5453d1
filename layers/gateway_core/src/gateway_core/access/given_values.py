"""Amounts, names and moments as operators give them, in a body, on the command line or in a file: one rule for all.

Each raises ValueError with what is wrong, to be told behind the field or the text.
"""

from __future__ import annotations

import re
from decimal import Decimal

from gateway_core.domain.times import LATEST_MS
from gateway_core.store.budget import MAX_AMOUNT
from gateway_core.store.virtual_keys import PROJECT_ID

NANO_DIGITS = 9
MOST_TITLE_BYTES = 128
MOST_OVERLAP_S = 30 * 86_400
"""So long an older secret may be good beside a newer one."""
PROJECT = f"^{PROJECT_ID.pattern}$"
MODELS = r"^([A-Za-z0-9._:@*?-]+|[a-z0-9_*?-]+/[A-Za-z0-9._/:@*?-]+)$"
HOST = r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$"
MONTH = r"^[0-9]{4}(0[1-9]|1[0-2])$"
_LONGEST_AMOUNT = 128
# Decimal itself takes white space, underscores and the digits of every script.
_AMOUNT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,6})?")
_ATTEMPT = re.compile(r"(.+)\.([1-9][0-9]{0,8})")
_ADDRESS = re.compile(r"(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}")
_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]*|[0-9]+)")


def nano_usd(text: str) -> int:
    """Nano-USD of a decimal of USD."""
    if len(text) > _LONGEST_AMOUNT or not _AMOUNT.fullmatch(text):
        raise ValueError("is not an amount of USD")
    usd = Decimal(text)
    # Compared before it is scaled: an exponent may be astronomic.
    if not 0 <= usd <= Decimal(MAX_AMOUNT).scaleb(-NANO_DIGITS):
        raise ValueError("is not between 0 and 9007199 USD")
    if int(usd.as_tuple().exponent) < -NANO_DIGITS:
        raise ValueError(f"has more than {NANO_DIGITS} decimals")
    return int(usd.scaleb(NANO_DIGITS))


def title(text: str) -> str:
    """What a key is called, which may be nothing."""
    if not text.isprintable() or len(text.encode()) > MOST_TITLE_BYTES or text != text.strip():
        raise ValueError(
            f"is no name: at most {MOST_TITLE_BYTES} bytes that can be printed, without spaces around them"
        )
    return text


def project(text: str) -> str:
    if not re.fullmatch(PROJECT, text):
        raise ValueError("is not a project: up to 32 of a-z, 0-9 and -")
    return text


def models(text: str) -> str:
    """A model, or a pattern of some."""
    if not re.fullmatch(MODELS, text):
        raise ValueError("is no model or provider/model, with * and ? for what may vary")
    return text


def host(text: str) -> str:
    """In small letters. One that ends in a number is an address, and has one spelling."""
    name = text.lower()
    last = name.rpartition(".")[2]
    is_number = _NUMBER.fullmatch(last) is not None
    parts = name.split(".")
    if not re.fullmatch(HOST, name) or any(part.startswith("-") or part.endswith("-") for part in parts):
        raise ValueError("is not a host name; leave out scheme, port and path")
    if is_number and not (_ADDRESS.fullmatch(name) and all(int(part) <= 255 for part in parts)):  # noqa: PLR2004
        raise ValueError("is not an address as it is usually written, like 10.0.0.1")
    return name


def month(text: str) -> str:
    if not re.fullmatch(MONTH, text):
        raise ValueError("is not a month like 202611")
    return text


def attempt(text: str) -> tuple[str, int]:
    """The request and the number of an attempt."""
    match = _ATTEMPT.fullmatch(text)
    if not match:
        raise ValueError("is not REQUEST.ATTEMPT, as the list shows it")
    return match[1], int(match[2])


def moment(at_ms: int) -> int:
    """A moment, in milliseconds, that has a date: what is stored with another could not be read."""
    if not 0 <= at_ms <= LATEST_MS:
        raise ValueError("is no moment between 1970 and 9999")
    return at_ms


def overlap(seconds: int) -> int:
    """For how long older secrets are good."""
    if not 0 <= seconds <= MOST_OVERLAP_S:
        raise ValueError(f"is not between 0 and {MOST_OVERLAP_S} seconds, which are 30 days")
    return seconds
