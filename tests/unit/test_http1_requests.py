"""`http1/requests.py`: what is sent, byte by byte, and what cannot be."""

from __future__ import annotations

import pytest

from gateway_core.http1.requests import Origin, Request, Template, Url


@pytest.mark.parametrize(
    ("text", "origin", "target", "authority"),
    [
        ("https://api.example.com/v1", ("https", "api.example.com", 443), "/v1", "api.example.com"),
        ("https://API.example.com:443", ("https", "api.example.com", 443), "/", "api.example.com"),
        ("http://h:8080/a/b?c=d#e", ("http", "h", 8080), "/a/b?c=d", "h:8080"),
        ("http://[::1]:80/", ("http", "::1", 80), "/", "[::1]"),
        ("http://[2606:4700::1111]:8443/x", ("http", "2606:4700::1111", 8443), "/x", "[2606:4700::1111]:8443"),
        ("http://h/a b/é/%2F", ("http", "h", 80), "/a%20b/%C3%A9/%2F", "h"),
        ("https://bücher.example/", ("https", "xn--bcher-kva.example", 443), "/", "xn--bcher-kva.example"),
    ],
)
def test_where_an_url_leads(text, origin, target, authority):
    """Default ports go unsaid, and what cannot be sent as it is is quoted, but not what is already."""
    url = Url.parse(text)
    assert (url.origin, url.target, url.origin.authority) == (Origin(*origin), target, authority)
    assert Url.parse(str(url)) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h",
        "/v1",
        "ftp://h/",
        "https:///v1",
        "https://user:word@h/",
        "https://user@h/",
        "https://h:port/",
        "https://h:99999/",
        "https://h h/",
        "https://h\x00/",
        "http://[::1",
    ],
)
def test_what_is_no_url_to_send_to(text):
    """Nothing is guessed."""
    with pytest.raises(ValueError, match=r".+"):
        Url.parse(text)


def test_a_request_as_it_is_sent():
    """The length is that of the content, in bytes; a GET has none."""
    url = Url.parse("http://h:81/v1?x=y")
    asked = Request("POST", url, {"authorization": "Bearer é", "x-a": ""}, "né".encode())
    expected = "POST /v1?x=y HTTP/1.1\r\nhost: h:81\r\nauthorization: Bearer é\r\nx-a: \r\ncontent-length: 3\r\n\r\n"
    assert asked.head() == expected.encode("latin-1")
    assert Template(url, asked.headers).head(asked.content) == asked.head()
    assert Request("GET", url, {}).head() == b"GET /v1?x=y HTTP/1.1\r\nhost: h:81\r\n\r\n"
    assert Request("POST", url, {}).head().endswith(b"content-length: 0\r\n\r\n")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x", "a\r\ny: b"),
        ("x", "a\nb"),
        ("x", "a\rb"),
        ("x", "a\x00b"),
        ("x\r\ny", "a"),
        ("x y", "a"),
        ("x:", "a"),
        ("", "a"),
        ("x", "\u20ac"),
    ],
)
def test_a_header_that_would_be_read_as_something_else_is_not_sent(name, value):
    """A key with a line break in it, for example."""
    url = Url.parse("http://h/")
    for make in (lambda: Request("POST", url, {name: value}).head(), lambda: Template(url, {name: value})):
        with pytest.raises(ValueError, match=r".+"):
            make()
