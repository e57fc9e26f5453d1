"""Every request in docs/administration.md is answered as the page says."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import KEY
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

PAGE = (Path(__file__).parents[2] / "docs/administration.md").read_text()
CALLS = re.findall(r"```sh\n(.*?)```\n\n```json\n(.*?)```", PAGE, re.DOTALL)
NAMES = (
    (r"gk_shop_[\w-]+", "SECRET"),
    (r"key_shop_[0-9a-f]{16}", "ID"),
    (r"20\d\d-\d\d-\d\dT[\d:.]+Z", "MOMENT"),
    (r'"20\d{4}(\d\d)?"', '"PERIOD"'),
)


def told(text):
    """What an answer says, without what is another each time."""
    for pattern, name in NAMES:
        text = re.sub(pattern, name, text)
    return json.loads(text)


def test_each_request_is_answered_as_the_page_says(stack):
    """In the order of the page, as a reader would send them."""
    assert len(CALLS) == PAGE.count("```sh") == 11
    environ = {"PATH": os.environ["PATH"], "GATEWAY": stack.urls["Gateway"], "GATEWAY_DEV_KEY": KEY}
    for command, answer in CALLS:
        done = subprocess.run(
            ["/bin/sh", "-c", command.replace("curl ", "curl -sS --fail-with-body ")],
            env=environ,
            capture_output=True,
            text=True,
            timeout=patience(30),
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert told(done.stdout) == told(answer), command
        environ.setdefault("ID", json.loads(done.stdout).get("id", ""))
