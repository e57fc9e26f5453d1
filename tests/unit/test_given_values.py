"""What operators give: read alike in a body, on the command line and in a file, and refused where it is not sound."""

import argparse

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway_core.access import given_values
from gateway_core.api.admin.schemas import Host, Title, Usd
from gateway_core.cli import values
from gateway_core.domain.caller import party
from gateway_core.domain.times import LATEST_MS

NOT_AMOUNTS = ["", " ", " 5", "5 ", "1_000", "\u0661", "\uff15", "0x10", "NaN", "Infinity", "-Infinity", "sNaN", "1e",
               "e5", ".", "5,0", "--5", "1" * 200, "1\n", "1E999999999", "1e99999999999999999999"]  # fmt: skip
NOT_BETWEEN = ["-1", "-0.000000001", "9007199.254740992", "1e400", "1E+999999"]
ODD_HOSTS = ["2130706433", "0177.0.0.1", "0x7f000001", "127.1", "127.0.0.256", "127.0.0.1.2", "a.0x1", "a.1", "0"]
NO_HOSTS = [
    "",
    ".",
    "a.",
    ".a",
    "a..b",
    "-a",
    "a-",
    "a.-b",
    "user@a",
    "a:80",
    "[::1]",
    "::1",
    "a/b",
    "a_b",
    "\u00e4.de",
    "a\n",
]


@pytest.mark.parametrize(
    ("text", "nano"),
    [("5", 5_000_000_000), ("+0.5", 500_000_000), (".5", 500_000_000), ("5.", 5_000_000_000), ("1e-9", 1), ("-0", 0),
     ("1E3", 10**12), ("9007199.254740991", 2**53 - 1), ("0.10000000000", None), ("1e-10", None)],
)  # fmt: skip
def test_amounts(text, nano):
    """Exact to the nano-USD, and no finer."""
    if nano is not None:
        assert given_values.nano_usd(text) == values.usd(text) == TypeAdapter(Usd).validate_python(text) == nano
        return
    with pytest.raises(ValueError, match="has more than 9 decimals"):
        given_values.nano_usd(text)


@pytest.mark.parametrize(
    ("texts", "says"), [(NOT_AMOUNTS, "is not an amount of USD"), (NOT_BETWEEN, "is not between 0 and 9007199 USD")]
)
def test_what_is_no_amount_is_none_anywhere(texts, says):
    """Neither white space, underscores and digits of other scripts, nor what has no end or no bound."""
    for text in texts:
        with pytest.raises(ValueError, match=says):
            given_values.nano_usd(text)
        with pytest.raises(argparse.ArgumentTypeError, match=says):
            values.usd(text)
        with pytest.raises(ValidationError, match=says):
            TypeAdapter(Usd).validate_python(text)


@pytest.mark.parametrize("number", [True, None, [], {}, float("inf"), float("nan"), -1, 10**400])
def test_numbers_of_a_body_are_bounded_as_well(number):
    """An infinite one cannot come from JSON, and would be refused all the same."""
    with pytest.raises(ValidationError):
        TypeAdapter(Usd).validate_python(number)


@pytest.mark.parametrize(
    "name", ["Example.COM", "a", "a-b.c", "10.0.0.1", "xn--nxasmq6b", "1a.b2", "localhost", "a.b1"]
)
def test_hosts(name):
    """In small letters."""
    assert given_values.host(name) == values.host(name) == name.lower()
    assert TypeAdapter(Host).validate_python(name) == name.lower()


@pytest.mark.parametrize("name", [*ODD_HOSTS, *NO_HOSTS])
def test_an_address_has_one_spelling(name):
    """Decimal, octal, hexadecimal and short ones mean another host than they seem to, and match none."""
    with pytest.raises(ValueError, match="is not a"):
        given_values.host(name)
    with pytest.raises(argparse.ArgumentTypeError):
        values.host(name)
    with pytest.raises(ValidationError):
        TypeAdapter(Host).validate_python(name)


@pytest.mark.parametrize(
    "name", [" ", " a", "a ", "a\n", "\0", "a\u202eb", "\u200b", "x" * 129, "\u00e9" * 65, "\ufeff"]
)
def test_a_title_can_be_read(name):
    """What cannot be seen, or would turn a line around, is no name."""
    with pytest.raises(ValueError, match="is no name"):
        given_values.title(name)
    with pytest.raises(ValidationError):
        TypeAdapter(Title).validate_python(name)
    assert given_values.title("ann's laptop") == "ann's laptop"


@pytest.mark.parametrize("name", ["", "a\nb", "\x1b[2J", "x" * 129, "\u00e9" * 65])
def test_a_user_is_what_requests_may_name(name):
    """The command line takes no other: no request could be of that user."""
    with pytest.raises(ValueError, match=r"is no name|may take at most"):
        party(name)
    with pytest.raises(argparse.ArgumentTypeError):
        values.user(name)
    assert party("zo\u00eb / ops") == "zo\u00eb / ops"


def test_moments_and_overlaps_are_bounded():
    """What has no date could not be read again."""
    assert given_values.moment(LATEST_MS) == LATEST_MS
    assert given_values.overlap(given_values.MOST_OVERLAP_S) == 30 * 86_400
    for check, wrong in ((given_values.moment, (-1, LATEST_MS + 1)), (given_values.overlap, (-1, 30 * 86_400 + 1))):
        for value in wrong:
            with pytest.raises(ValueError, match=r"^is no"):
                check(value)
    for text in ("9999-12-31T23:59:59-12:00", "9999-12-31", "1960-01-01T00:00:00Z", "2030-01-01T00:00:00"):
        with pytest.raises(argparse.ArgumentTypeError, match="is no time"):
            values.expiry(text)
    with pytest.raises(argparse.ArgumentTypeError, match="30 days"):
        values.overlap("999999999d")


def test_counts_have_a_bound():
    """Also where Python reads no number that long."""
    assert values.count("9007199254740991") == 2**53 - 1
    for text in ("9007199254740992", "9" * 5000, "\u0665", "-1", "1.5", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="is not a whole number"):
            values.count(text)
