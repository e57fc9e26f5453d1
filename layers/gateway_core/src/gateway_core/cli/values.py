"""From the texts of the command line to values; each raises argparse.ArgumentTypeError with what is wrong."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from gateway_core.domain.times import duration_s
from gateway_core.store.budget import MAX_AMOUNT, Amount
from gateway_core.store.virtual_keys import PROJECT_ID

if TYPE_CHECKING:
    from gateway_core.access.reconciling import Charge

ALL = "all"
"""What `--release` without a name stands for."""
NANO_DIGITS = 9
MOST_TITLE_BYTES = 128
_HOLD = re.compile(r"(.+)\.([1-9][0-9]{0,8})")
_MONTH = re.compile(r"[0-9]{4}(0[1-9]|1[0-2])")
_PATTERN = re.compile(r"[A-Za-z0-9._:@*?-]+|[a-z0-9_*?-]+/[A-Za-z0-9._/:@*?-]+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Setting[T]:
    """What was named for something that has a value already; None lifts it."""

    value: T | None


@dataclass(frozen=True, slots=True)
class Expiry:
    """When something ends: at a moment (milliseconds), or so many seconds from now."""

    at_ms: int | None = None
    after_s: int = 0

    def moment_ms(self, now_ms: int) -> int:
        return now_ms + self.after_s * 1000 if self.at_ms is None else self.at_ms


def liftable[T](convert: Callable[[str], T]) -> Callable[[str], Setting[T]]:
    """As `convert`, or `none`."""
    return lambda text: Setting(None if text == "none" else convert(text))


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


def expiry(text: str) -> Expiry:
    """A length of time from now on, a day (to its end in UTC), or a moment with its offset."""
    try:
        if re.fullmatch(r"[0-9]+[smhd]", text):
            return Expiry(after_s=duration_s(text))
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return Expiry(_ms(datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(tzinfo=UTC))))
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        moment = datetime.min  # noqa: DTZ901 - without an offset, as what is refused below
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 30d, 2026-12-31 or 2026-12-31T18:00:00Z")
    return Expiry(_ms(moment))


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def key_id(text: str) -> str:
    if text.startswith("gk_"):
        raise argparse.ArgumentTypeError("that is a key, not its id (key_...): keep it secret; `keys list` has the id")
    return text


def key_source(text: str) -> str:
    """The name of a variable, or -. What is refused is not repeated: it may be a key."""
    if text != "-" and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", text):
        raise argparse.ArgumentTypeError(
            "name the environment variable that holds the key, or - for standard input: "
            "arguments are seen by everybody who lists processes, and stay in the shell's history"
        )
    return text


def setting(text: str) -> tuple[str, object]:
    """NAME=VALUE, where the value is a number, true, false, or a text."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    if value in {"true", "false"}:
        return name, value == "true"
    return name, int(value) if re.fullmatch(r"-?[0-9]{1,9}", value) else value


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
