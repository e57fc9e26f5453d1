"""Secrets leave no text; harmless text stays."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.adapters.upstream.redact import MASK, WITHHELD, quote, redact
from gateway_core.domain.credentials import Credential, Secret

TOKEN = st.text(string.ascii_letters + string.digits + "_-", min_size=16, max_size=60)
SHAPES = st.one_of(
    TOKEN.map(lambda t: f"sk-{t}"),
    TOKEN.map(lambda t: f"sk-ant-api03-{t}"),
    TOKEN.map(lambda t: f"AIza{t}"),
    st.tuples(st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True), TOKEN).map(lambda p: f"gk_{p[0]}_{p[1]}"),
)
CARRIERS = st.sampled_from(
    [
        "Bearer {}",
        "authorization: bearer {}",
        '{{"Authorization": "Token {}"}}',
        "Authorization: Basic {}",
        "https://user:{}@api.example/v1",
        "https://{}@api.example/v1",
        "https://api.example/v1?alt=sse&key={}&x=1",
        "api_key={}",
        "x-goog-api-key: {}",
        '{{"api_key": "{}"}}',
        "Incorrect API key provided: {}.",
        "password='{}'",
        "access_token={}",
    ]
)


@given(before=st.text(max_size=30), secret=SHAPES, after=st.sampled_from(["", " ", '"', ".", "\n", "}", ","]))
def test_key_shapes_are_removed_anywhere(before: str, secret: str, after: str) -> None:
    """A key of a known shape never survives, whatever stands around it."""
    assert secret not in redact(f"{before} {secret}{after}")


@given(carrier=CARRIERS, secret=TOKEN)
def test_carried_secrets_are_removed_whatever_their_shape(carrier: str, secret: str) -> None:
    """Bearer tokens, URL userinfo, sensitive parameters and headers lose their value."""
    assert secret not in redact(carrier.format(secret))


@given(before=st.text(max_size=20), secret=st.text(min_size=4, max_size=40), after=st.text(max_size=20))
def test_known_secrets_are_removed_literally(before: str, secret: str, after: str) -> None:
    """A secret that is handed in does not survive in any surroundings, unless the mask itself contains it."""
    redacted = redact(before + secret + after, [secret, ""])
    assert secret not in redacted.replace(MASK, "")


@given(st.one_of(st.text(), st.tuples(CARRIERS, TOKEN).map(lambda pair: pair[0].format(pair[1]))))
def test_redacting_twice_changes_nothing(text: str) -> None:
    """The mask is not itself taken for a secret."""
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "The monkey ate 3 bananas: fine.",
        "max_tokens: 4096 exceeds the limit of 2048",
        "https://api.example/v1/models/gemini-3-pro:generateContent",
        "Rate limit reached for gpt-5.1 in organization: 30000 TPM",
        "skip-navigation",
    ],
)
def test_harmless_text_stays(text: str) -> None:
    """Words, numbers and plain URLs are left alone."""
    assert redact(text) == text


def test_parameters_after_a_secret_stay_readable() -> None:
    """Only the value goes; the rest of the URL helps the operator."""
    assert redact("https://h/v1?key=abc123&alt=sse") == f"https://h/v1?key={MASK}&alt=sse"


def test_long_hostile_text_is_redacted_in_linear_time() -> None:
    """A megabyte of near misses takes no noticeable time (the suite's timeout would show a quadratic pattern)."""
    for piece in ("key=", "https://a@", "Bearer ", "sk-", "api key "):
        assert redact(piece * (200_000 // len(piece)))


def test_quote_is_one_short_line() -> None:
    """White space collapses and the text is cut."""
    assert quote("a\n\n b\t" + "c" * 500, limit=10) == "a b cccccc"


@given(prompt=st.text(string.ascii_letters + " ", min_size=12, max_size=60).filter(lambda t: len(t.split()) > 1))
def test_quote_withholds_text_that_repeats_the_prompt(prompt: str) -> None:
    """An excerpt with a part of the prompt in it is not shown."""
    collapsed = " ".join(prompt.split())
    shown = quote(f"Invalid value: '{prompt}'", private=[prompt])
    assert shown == WITHHELD or len(collapsed) == 0


def test_quote_withholds_short_private_text_only_when_whole() -> None:
    """A short prompt counts when all of it is repeated."""
    assert quote("You said: hunter2!", private=["hunter2"]) == WITHHELD
    assert quote("Overloaded", private=["hunter2", ""]) == "Overloaded"


def test_quote_withholds_everything_beside_a_huge_prompt() -> None:
    """Comparing would cost too much, so nothing is quoted."""
    assert quote("Overloaded", private=["x" * 200_000]) == WITHHELD
    assert quote("", private=["x" * 200_000]) == ""


def test_a_secret_shows_only_when_revealed() -> None:
    """Neither a secret nor a credential prints its value."""
    secret = Secret("sk-real")
    shown = f"{secret} {secret!r} {Credential(secret, 'https://h')!r}"
    assert "sk-real" not in shown
    assert re.search(r"redacted", shown)
    assert secret.reveal() == "sk-real"
