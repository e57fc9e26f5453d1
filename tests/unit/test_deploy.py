"""`make deploy`: a stage is sent whole, or not at all."""

import sys
import tomllib
from functools import cache

import pytest
from samcli.cli.types import CfnParameterOverridesType

from scripts import deploy
from scripts.deploy import ROOT, RefusedError, check_built, chosen, command, main, pairs_of, stages_of

DEFAULTS = {
    "Stage": "dev",
    "Architecture": "arm64",
    "SecretsPath": "",
    "ApiLogsRole": "create",
    "ProbeSchedule": "rate",
}
STAGES = stages_of(tomllib.loads((ROOT / "samconfig.toml").read_text()), DEFAULTS)

defaults_of_template = cache(deploy._defaults)


@pytest.fixture(autouse=True)
def template_is_read_once(monkeypatch):
    """Reading it takes a quarter of a second."""
    monkeypatch.setattr(deploy, "_defaults", defaults_of_template)


def sent(name, *extra):
    """What SAM's own parser makes of the command's parameters."""
    made = command(chosen(STAGES, name, pairs_of(extra), DEFAULTS))
    said = made[made.index("--parameter-overrides") + 1 :]
    return CfnParameterOverridesType().convert(tuple(said), None, None)


def test_what_is_named_comes_on_top_of_what_the_stage_has():
    """SAM itself would send the named one alone: a prod without its Stage is a dev stack."""
    own = {"Stage": "prod", "Architecture": "arm64", "SecretsPath": "/llm-gateway-prod", "LogRetentionDays": "90"}
    assert sent("prod") == own
    assert sent("prod", "ApiLogsRole=keep", "ProbeSchedule=rate(5 minutes)") == {
        **own,
        "ApiLogsRole": "keep",
        "ProbeSchedule": "rate(5 minutes)",
    }


def test_the_processor_decides_what_is_sent():
    made = command(chosen(STAGES, "default", {"Architecture": "x86_64"}, DEFAULTS))
    assert ".aws-sam/x86_64/template.yaml" in made
    assert ".aws-sam/build/template.yaml" in command(STAGES["default"])


@pytest.mark.parametrize(
    ("name", "extra", "told"),
    [
        ("production", [], "no stage production"),
        ("prod", ["Stage=dev"], "Stage of prod is prod"),
        ("prod", ["SecretsPath=/llm-gateway"], "secrets of default"),
        ("default", ["SecretsPath=/llm-gateway-staging"], "secrets of staging"),
        ("default", ["Architecture=mips"], "arm64, x86_64"),
        ("default", ["Speed=9"], "Speed is no parameter"),
        ("default", ["Speed"], "NAME=VALUE"),
    ],
)
def test_what_would_mix_stages_up_is_refused(name, extra, told, capsys):
    assert main(["--dry-run", name, *extra]) == 2
    assert told in capsys.readouterr().err


def test_a_stage_of_another_name_is_no_dev_stack():
    """A samconfig.toml in which somebody forgot it."""
    config = {"prod": {"global": {"parameters": {"stack_name": "p"}}, "deploy": {"parameters": {}}}}
    with pytest.raises(RefusedError, match="gives prod Stage=dev"):
        chosen(stages_of(config, DEFAULTS), "prod", {}, DEFAULTS)


def test_a_dry_run_shows_what_would_be_sent(capsys, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert main(["--dry-run", "prod", "ApiLogsRole=keep"]) == 0
    shown = capsys.readouterr().out
    assert "Stack llm-gateway-prod, region eu-central-1" in shown
    assert "Secrets below /llm-gateway-prod." in shown
    assert all(f"  {pair}\n" in shown for pair in ("Stage=prod", "Architecture=arm64", "ApiLogsRole=keep"))


def elf(machine):
    return b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little")


def test_code_for_another_processor_is_not_sent(tmp_path):
    """A build for this machine, left where the deployment looks."""
    with pytest.raises(RefusedError, match="Nothing is built"):
        check_built(tmp_path, "arm64")
    (tmp_path / "template.yaml").touch()
    (tmp_path / "core.so").write_bytes(elf(183))
    (tmp_path / "text.so").write_bytes(b"INPUT(x)")
    check_built(tmp_path, "arm64")
    (tmp_path / "core.cpython-313-x86_64-linux-gnu.so").write_bytes(elf(62))
    with pytest.raises(RefusedError, match="is not for arm64"):
        check_built(tmp_path, "arm64")


BUILD, PRUNE, SEND = "scripts/build.sh", sys.executable, ".venv/bin/sam"


@pytest.mark.parametrize(
    ("options", "results", "code", "ran"),
    [
        ([], [3], 3, [BUILD]),
        ([], [0, 0, 4], 4, [BUILD, PRUNE, SEND]),
        ([], [0, 0, 0], 0, [BUILD, PRUNE, SEND]),
        ([], [0, 1, 0], 0, [BUILD, PRUNE, SEND]),  # a stack that is not there yet has no versions
        (["--built", "--yes"], [0, 0], 0, [PRUNE, SEND]),
    ],
)
def test_it_builds_checks_and_sends(options, results, code, ran, monkeypatch):
    left, programs = list(results), []

    def run(program):
        programs.append(program[0])
        if program[0] == PRUNE:
            assert program[1:] == ["-m", "scripts.versions", "llm-gateway", "prune", "--yes"]
        assert ("--no-confirm-changeset" in program) == ("--yes" in options and program[0] == SEND)
        return left.pop(0)

    monkeypatch.setattr(deploy, "_run", run)
    monkeypatch.setattr(deploy, "check_built", lambda folder, architecture: None)
    assert main([*options, "default"]) == code
    assert programs == ran
