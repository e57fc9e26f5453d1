"""From the texts of the command line to values; each raises argparse.ArgumentTypeError with what is wrong."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from gateway_core.access.reconciling import Charge
from gateway_core.cli.commands import ALL, LimitChange
from gateway_core.domain.times import duration_s
from gateway_core.store.budget import MAX_AMOUNT, Amount
from gateway_core.store.virtual_keys import PROJECT_ID

NANO_DIGITS = 9
MOST_TITLE_BYTES = 128
_HOLD = re.compile(r"(.+)\.([1-9][0-9]{0,8})")
_MONTH = re.compile(r"[0-9]{4}(0[1-9]|1[0-2])")
_PATTERN = re.compile(r"[A-Za-z0-9._:@*?-]+|[a-z0-9_*?-]+/[A-Za-z0-9._/:@*?-]+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def liftable(convert: Callable[[str], int]) -> Callable[[str], LimitChange]:
    """As `convert`, or `none`."""
    return lambda text: LimitChange(None if text == "none" else convert(text))


def usd(text: str) -> int:
    """Nano-USD."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount of USD") from None
    # Compared before it is scaled: an exponent may be astronomic.
    if not value.is_finite() or not 0 <= value <= Decimal(MAX_AMOUNT).scaleb(-NANO_DIGITS):
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and 9007199 USD")
    if int(value.as_tuple().exponent) < -NANO_DIGITS:
        raise argparse.ArgumentTypeError(f"{text!r} has more than {NANO_DIGITS} decimals")
    return int(value.scaleb(NANO_DIGITS))


def count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > MAX_AMOUNT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number between 0 and {MAX_AMOUNT}")
    return int(text)


def rate(text: str) -> int:
    if not (limit := count(text)):
        raise argparse.ArgumentTypeError("0 would let nothing pass; leave it out for no limit")
    return limit


def names(text: str) -> tuple[str, ...]:
    found = tuple(name.strip() for name in text.split(","))
    if not all(found):
        raise argparse.ArgumentTypeError(f"{text!r} has an empty name")
    return found


def title(text: str) -> str:
    if not text.isprintable() or len(text.encode()) > MOST_TITLE_BYTES:
        raise argparse.ArgumentTypeError(f"{text!r} is no name: at most {MOST_TITLE_BYTES} bytes that can be printed")
    return text


def patterns(text: str) -> tuple[str, ...]:
    found = names(text)
    for pattern in found:
        if not _PATTERN.fullmatch(pattern):
            raise argparse.ArgumentTypeError(
                f"{pattern!r} is no model or provider/model, with * and ? for what may vary"
            )
    return found


def host(text: str) -> str:
    name = text.lower()
    if not _HOST.fullmatch(name):
        raise argparse.ArgumentTypeError(f"{text!r} is not a host name; leave out scheme, port and path")
    return name


def project(text: str) -> str:
    if not PROJECT_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a project: up to 32 of a-z, 0-9 and -")
    return text


def charge(text: str) -> Charge:
    """`known`, `bound`, or an amount of USD."""
    named: dict[str, Charge] = {"known": "known", "bound": "bound"}
    return named[text] if text in named else Amount(usd(text))


def age(text: str) -> int:
    """Seconds."""
    try:
        return duration_s(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from None


def month(text: str) -> str:
    if not _MONTH.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a month like 202611")
    return text


def hold(text: str) -> tuple[str, int] | str:
    if text == ALL:
        return ALL
    match = _HOLD.fullmatch(text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not REQUEST.ATTEMPT, as the list shows it")
    return match[1], int(match[2])
