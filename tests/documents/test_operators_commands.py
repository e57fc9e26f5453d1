"""What the documents say to type on AWS, and to `make`, `sam`, `git` and the scripts, is understood and works."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.documents.fences import inline, pages
from tests.documents.rehearsal import AWS
from tests.documents.selections import REHEARSED

pytestmark = pytest.mark.xdist_group("documents")

UNDERSTOOD = re.compile(r"An error occurred \(\w+\) when calling the \w+ operation")
"""A service's own refusal: of something that is not there, as the page's placeholders are not."""
NAMED = re.compile(r"aws [a-z0-9-]+ [a-z-]+ --")
PLACES = {" ...": "", "-...": "-x"}


def test_there_is_something_to_type():
    """Of each kind."""
    code = "\n".join(fence.code for fence in REHEARSED)
    assert code.count("\naws ") + code.count("$(aws ") > 15
    assert code.count("make deploy") > 10
    assert len(REHEARSED) > 30


@pytest.mark.parametrize("fence", REHEARSED, ids=lambda fence: fence.name)
def test_commands(rehearsal, fence):
    """Each block to its end, as a script that stops at the first error."""
    rehearsal.run(fence)


def test_a_command_that_aws_does_not_know_would_be_told(rehearsal):
    """An option that there is not ends the block."""
    with pytest.raises(AssertionError, match="Unknown options: --tpye"):
        rehearsal.type("aws ssm put-parameter --tpye String --name /a --value b", rehearsal.project)


def commands_in_text():
    """`aws SERVICE COMMAND --...`, on whatever page."""
    return sorted({code for page in pages() for code in inline(page) if NAMED.match(code)})


@pytest.mark.parametrize("command", commands_in_text())
def test_commands_in_the_text_are_understood(rehearsal, command):
    """They get as far as the service."""
    for place, real in PLACES.items():
        command = command.replace(place, real)
    done = subprocess.run(
        [AWS, "--endpoint-url", rehearsal.environ["AWS_ENDPOINT_URL"], *shlex.split(command)[1:]],
        env=rehearsal.environment,
        cwd=rehearsal.project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or UNDERSTOOD.search(done.stderr), done.stderr


def test_what_is_typed_to_sam_is_understood(rehearsal, monkeypatch):
    """By SAM's own parser, with the files that it looks for; to run it is for tests/sam_local and for AWS."""
    monkeypatch.setenv("SAM_CLI_TELEMETRY", "0")
    blocks = [fence for fence in REHEARSED if "/bin/sam " in fence.code]
    for fence in blocks:
        rehearsal.run(fence)
    typed = {tuple(words): folder for folder, words in rehearsal.typed_to_sam}
    assert {words[:2] for words in typed} >= {("local", "invoke"), ("local", "start-api"), ("delete", "--stack-name")}
    for words, folder in typed.items():
        monkeypatch.chdir(folder)
        assert parsed(words)


def parsed(words):
    """What SAM makes of the words behind `sam`. Raises click's error for what it does not know."""
    from samcli.cli.main import cli  # noqa: PLC0415 - it takes some seconds

    command, name, left, context = cli, "sam", list(words), None
    while True:
        context = command.make_context(name, left, parent=context)
        if not hasattr(command, "resolve_command"):
            return context.params
        name, command, left = command.resolve_command(context, [*context.protected_args, *context.args])


def test_an_option_that_sam_does_not_know_would_be_told():
    """By its name."""
    with pytest.raises(Exception, match=r"--evnt"):
        parsed(["local", "invoke", "Complete", "--evnt", str(Path())])
