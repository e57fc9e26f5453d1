"""What the page of the command line shows is what its commands print, on a terminal, against a running gateway."""

import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gateway_core.cli.main import main
from tests.e2e.conftest import KEY

pytestmark = pytest.mark.xdist_group("e2e")

PAGE = Path(__file__).parents[2] / "docs/cli.md"
CONSOLE = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)
NAMES = re.compile(r"gk_[a-z0-9-]+_[\w-]{43}|key_[a-z0-9-]+_[0-9a-f]{16}")
VARIES = (
    (NAMES, "NAME"),
    (re.compile(r"20\d\d-\d\d-\d\dT[\d:.]+Z"), "MOMENT"),
    (re.compile(r"\b20\d{6}\b"), "DAY"),
    (re.compile(r"\b20\d{4}\b"), "MONTH"),
    (re.compile(r"\d+ ms"), "TIME"),
    (re.compile(r"(?<=_id=)\S+|(?<=_model=)\S+|(?<=_provider=)\S+|(?<=reason=)\S+"), "VALUE"),
)
"""What is another one each time; an event's values are, as other tests make events, too."""


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Reader:
    """Types the page's commands, with the names that were printed in the place of those that the page has."""

    def __init__(self, environ, places):
        self._environ, self._places = environ, places
        self._names, self._code = {}, 0

    def read(self, block):
        """The block with what its commands print."""
        parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)[1:]
        return "".join(self._typed(line, shown) for line, shown in zip(parts[::2], parts[1::2], strict=True))

    def _typed(self, line, shown):
        line = typed = NAMES.sub(lambda found: self._names.get(found[0], found[0]), line)
        for place, real in self._places.items():
            typed = typed.replace(place, real)
        printed = self._run(typed)
        self._names = dict(zip(NAMES.findall(shown), NAMES.findall(printed), strict=False)) | self._names
        return f"$ {line}\n{printed}"

    def _run(self, line):
        words = shlex.split(line)
        if words[0] == "export":
            self._environ |= dict(word.split("=", 1) for word in words[1:])
            return ""
        if line == "echo $?":
            return f"{int(self._code)}\n"
        if words[0] != "gateway":
            return subprocess.run(["/bin/sh", "-ec", line], capture_output=True, text=True, check=True).stdout
        return self._gateway(words[1:])

    def _gateway(self, words):
        said = Terminal()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdout", said)
            patch.setattr(sys, "stderr", said)
            try:
                self._code = main(words, self._environ)
            except SystemExit as leaving:
                self._code = leaving.code
        return said.getvalue()


def steady(text):
    """Without what is another one each time."""
    for pattern, name in VARIES:
        text = pattern.sub(name, text)
    return text


def read(page, stack, providers_url):
    """The page as it is today. Its file is written into the current folder."""
    Path("keys.yaml").write_text(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0])
    environ = {
        "UPSTASH_REDIS_REST_URL": stack.urls["Store"],
        "UPSTASH_REDIS_REST_TOKEN": "local",
        "GATEWAY_KEY": KEY,
    }
    places = {"http://127.0.0.1:8787": stack.urls["Gateway"], "gateway fault": f"gateway fault --url {providers_url}"}
    reader = Reader(environ, places)
    return CONSOLE.sub(lambda block: reader.read(block[0]), page)


def test_the_page_shows_what_is_printed(stack, gateway, providers_url, tmp_path, monkeypatch):
    """Every command of it, in its order."""
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text()
    assert page.count("\n$ gateway ") > 30
    assert page.count("There is no key") == 1  # a name that is not on the page is no key's
    assert steady(read(page, stack, providers_url)).splitlines() == steady(page).splitlines()
