"""Which base URLs a request may name: the configuration's hosts and the key's, and nothing that only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.api_base import ApiBasePolicy, check_key
from gateway_core.domain.caller import Caller
from gateway_core.domain.errors import Forbidden, InvalidRequest, LLMError

POLICY = ApiBasePolicy(frozenset({"llm.example.com", "one.example.com:8443"}), frozenset({"vllm.internal"}))
CALLER = Caller("alpha", "key_1", "d", "t", api_base_hosts=frozenset({"llm.example.com"}))
MALFORMED = [
    "",
    "llm.example.com",
    "ftp://llm.example.com",
    "file:///etc/passwd",
    "https://user:pw@llm.example.com/v1",
    "https://llm.example.com@evil.example/v1",
    "https://llm.example.com/v1?x=1",
    "https://llm.example.com/v1#x",
    "https://llm.example.com\\@evil.example",
    "https://llm.example.com/\r\nHost: evil",
    "https://llm.example.com:99999/v1",
    "https://llm.example.com%2eevil.example/v1",
    "https://llm\u2024example.com/v1",
    "https://[::1/v1",
    "javascript:alert(1)",
]
FOREIGN = [
    "https://evil.example/v1",
    "https://llm.example.com.evil.example/v1",
    "https://evil-llm.example.com/v1",
    "https://llm.example.com./v1",
    "https://one.example.com/v1",
    "https://one.example.com:8444/v1",
    "https://169.254.169.254/latest",
    "https://2852039166/latest",
    "https://0251.0376.0251.0376/latest",
    "https://0xa9fea9fe/latest",
    "https://127.1/v1",
    "https://0/v1",
    "https://[::ffff:169.254.169.254]/v1",
    "https://[fd00:ec2::254]/v1",
    "https://localhost/v1",
]


@pytest.mark.parametrize("url", MALFORMED)
def test_what_is_no_base_url(url):
    """400, or 403 where it names another host; never a look-up."""
    with pytest.raises((InvalidRequest, Forbidden)) as caught:
        POLICY.allow(url)
    assert caught.value.param == "api_base"


@pytest.mark.parametrize("url", FOREIGN)
def test_hosts_that_nobody_allowed(url):
    """403 with what the operator can do."""
    with pytest.raises(Forbidden, match="api_base_hosts") as caught:
        POLICY.allow(url)
    assert caught.value.param == "api_base"


@pytest.mark.parametrize(
    ("url", "base", "reach"),
    [
        ("https://LLM.example.com/v1/", "https://llm.example.com/v1", "public"),
        ("https://llm.example.com:9000", "https://llm.example.com:9000", "public"),
        ("https://one.example.com:8443/v1", "https://one.example.com:8443/v1", "public"),
        ("https://vllm.internal/v1", "https://vllm.internal/v1", "private"),
    ],
)
def test_hosts_that_are_allowed(url, base, reach):
    """With any port, or with theirs; private ones where the operator says so."""
    assert POLICY.allow(url) == (base, reach)


def test_plain_http_takes_leave():
    """Also to this machine."""
    for url in ("http://llm.example.com/v1", "http://vllm.internal"):
        with pytest.raises(Forbidden, match="GATEWAY_ALLOW_HTTP") as caught:
            POLICY.allow(url)
        assert caught.value.message == (
            "api_base is not https. Use https; in a trusted network the operator may set GATEWAY_ALLOW_HTTP=1."
        )
        assert caught.value.param == "api_base"
    assert ApiBasePolicy(POLICY.hosts, allow_http=True).allow("http://llm.example.com/v1")[1] == "public"


def test_the_key_must_allow_it_as_well():
    """403 with the option that makes such a key."""
    check_key(CALLER, "https://llm.example.com/v1")
    with pytest.raises(Forbidden) as caught:
        check_key(CALLER, "https://one.example.com:8443/v1")
    assert caught.value.param == "api_base"
    assert caught.value.message == (
        "This key may not name one.example.com in api_base. "
        "Ask for one that may: gateway keys create --project ID --api-base-host one.example.com."
    )


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://llm.example.com\\@x", "the base URL has characters that do not belong in a URL"),
        ("ftp://llm.example.com", "the base URL is not http(s) with a host"),
        ("https://llm.example.com?x=1", "the base URL carries userinfo, a query or a fragment"),
    ],
)
def test_a_malformed_base_url_is_told_what_is_wrong(url, why):
    """And what a right one looks like."""
    with pytest.raises(InvalidRequest) as caught:
        POLICY.allow(url)
    assert caught.value.message == f"api_base: {why}. Give a URL like https://api.example.com/v1."


@given(st.text(st.characters(codec="utf-8"), max_size=60) | st.text("htps:/@.[]0127evil%\\?#lm", max_size=40))
def test_nothing_else_passes(text):
    """Whatever is sent, it is refused in the wire's terms unless it names an allowed host."""
    for url in (text, f"https://{text}", f"https://llm.example.com{text}"):
        try:
            base, _reach = POLICY.allow(url)
        except LLMError as error:
            assert error.status in (400, 403)  # noqa: PT017 - both outcomes are fine
        else:
            assert base.startswith(("https://llm.example.com", "https://one.example.com:8443", "https://vllm.internal"))
            assert base.split("/")[2].partition(":")[0] in {"llm.example.com", "one.example.com", "vllm.internal"}
