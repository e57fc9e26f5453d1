"""From the texts of the command line to values; each raises argparse.ArgumentTypeError with what is wrong."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from gateway_core.access import given_values
from gateway_core.domain.caller import party
from gateway_core.domain.times import duration_s
from gateway_core.store.budget import MAX_AMOUNT, Amount

if TYPE_CHECKING:
    from gateway_core.access.reconciling import Charge

_SHOWN, _MOST_DIGITS = 160, 20
ALL = "all"
"""What `--release` without a name stands for."""


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


def given[T](convert: Callable[[str], T]) -> Callable[[str], T]:
    """As `convert`, whose ValueError is told behind the text."""

    def converted(text: str) -> T:
        try:
            return convert(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text[:_SHOWN]!r} {error}") from None

    return converted


def count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > _MOST_DIGITS or int(text) > MAX_AMOUNT:
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


def patterns(text: str) -> tuple[str, ...]:
    return tuple(map(given(given_values.models), names(text)))


def charge(text: str) -> Charge:
    """`known`, `bound`, or an amount of USD."""
    named: dict[str, Charge] = {"known": "known", "bound": "bound"}
    return named[text] if text in named else Amount(usd(text))


def expiry(text: str) -> Expiry:
    """A length of time from now on, a day (to its end in UTC), or a moment with its offset."""
    try:
        if re.fullmatch(r"[0-9]+[smhd]", text):
            return Expiry(after_s=duration_s(text))
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return Expiry(_ms(datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(tzinfo=UTC))))
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return Expiry(given_values.moment(_ms(found)))
    except (ValueError, OverflowError):
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is no time: write 30d, 2026-12-31 or 2026-12-31T18:00:00Z")


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


def hold(text: str) -> tuple[str, int] | str:
    return ALL if text == ALL else given(given_values.attempt)(text)


usd, title, project, month, user, host = (
    given(given_values.nano_usd),
    given(given_values.title),
    given(given_values.project),
    given(given_values.month),
    given(party),
    given(given_values.host),
)
age = given(duration_s)
overlap = given(lambda text: given_values.overlap(duration_s(text)))
