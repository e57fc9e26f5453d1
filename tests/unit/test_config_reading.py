"""How base URLs, YAML and JSON of a configuration are read, and what is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gateway_core.config.documents import read_json, read_yaml
from gateway_core.domain.base_url import check_base_url
from gateway_core.domain.errors import ConfigError


class TestBaseUrl:
    @pytest.mark.parametrize(
        ("url", "plain"),
        [
            ("https://api.openai.com/v1", "https://api.openai.com/v1"),
            ("HTTPS://API.OpenAI.com/v1/", "https://api.openai.com/v1"),
            ("http://127.0.0.1:8789", "http://127.0.0.1:8789"),
            ("http://127.9.9.9/", "http://127.9.9.9"),
            ("http://localhost:1/a/b//", "http://localhost:1/a/b"),
            ("http://[::1]:8789/v1", "http://[::1]:8789/v1"),
        ],
    )
    def test_accepted(self, url, plain):
        """Equal bases become equal text: lower case, no trailing slash."""
        assert check_base_url(url, "X", allow_http=False) == plain

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "api.openai.com",
            "ftp://host",
            "file:///etc/passwd",
            "https://",
            "https:///path",
            "https://:443",
            "https://user@host",
            "https://user:hidden@host",
            "https://@host",
            "https://host?key=hidden",
            "https://host?",
            "https://host/#",
            "https://host:99999",
            "https://host:port",
            "https://[::1",
            "https://ho st",
            "https://host\n.evil",
            "https://h\N{SNOWMAN}st",
            "https://127.0.0.1\\@evil.example",
            "http://api.openai.com",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "http://10.0.0.1",
            "http://0.0.0.0",
        ],
    )
    def test_refused(self, url):
        """Anything else is refused by name, without repeating the URL."""
        with pytest.raises(ConfigError, match=r"^OPENAI_API_BASE: ") as error:
            check_base_url(url, "OPENAI_API_BASE", allow_http=False)
        assert "hidden" not in error.value.message
        assert "evil" not in error.value.message


class TestReading:
    def test_yaml_fractions_are_exact(self):
        """Fractions in YAML keep every digit, in each of YAML's notations."""
        document = read_yaml("a: 0.1\nb: 1.5e-7\nc: 1_000.5\nd: 3", "x")
        assert document == {"a": Decimal("0.1"), "b": Decimal("1.5e-7"), "c": Decimal("1000.5"), "d": 3}
        assert isinstance(document["a"], Decimal)

    def test_yaml_runs_no_code(self):
        """A tag that would build a Python object is an error."""
        with pytest.raises(ConfigError, match="could not determine a constructor"):
            read_yaml("a: !!python/object/apply:os.getcwd []", "x")

    def test_yaml_merge_keys(self):
        """A mapping may take over another and override parts of it; that is no duplicate."""
        assert read_yaml("a: &a {x: 1, y: 1}\nb: {<<: *a, y: 2}", "x")["b"] == {"x": 1, "y": 2}

    def test_nested_duplicates(self):
        """A key may appear once at any depth."""
        with pytest.raises(ConfigError, match="line 2: a key appears twice"):
            read_yaml("a:\n  {b: 1, b: 2}", "x")

    @pytest.mark.parametrize("text", ["{", "[1]", '"text"', "\ud800"])
    def test_wrong_json(self, text):
        """What is not a JSON object is an error that names the document."""
        with pytest.raises(ConfigError, match=r"^prices\.json"):
            read_json(text, "prices.json")
