"""The workflows of .github: they run what the project's own commands run, with few rights and pinned actions.

And Dependabot, which proposes newer ones.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
PINNED = re.compile(r"uses: (\./\.github/workflows/[a-z-]+\.yml|[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$")


def read(path: Path) -> dict[str, Any]:
    """A workflow; YAML takes its key `on` for a truth value."""
    found = yaml.safe_load(path.read_text())
    return {"on" if key is True else key: value for key, value in found.items()}


def runs(path: Path) -> list[str]:
    """Every command line of a workflow's steps."""
    steps = [step for job in read(path)["jobs"].values() for step in job.get("steps", [])]
    return [line.strip() for step in steps for line in step.get("run", "").splitlines()]


def named(lines: list[str]) -> tuple[set[str], set[str]]:
    """Make targets and scripts that command lines name."""
    targets = {
        word for line in lines for words in re.findall(r"\bmake ((?:[a-z-]+ ?)+)", line) for word in words.split()
    }
    scripts = {word for line in lines for word in re.findall(r"\bscripts/[\w.]+", line)}
    return targets, scripts


def test_there_are_workflows():
    """No glob that finds nothing."""
    assert [path.name for path in FILES] == ["ci.yml", "deploy-stage.yml", "deploy.yml", "nightly.yml"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_commands_exist(path):
    """Each target is in the Makefile, each script is there and may run."""
    targets, scripts = named(runs(path))
    assert targets <= TARGETS
    for script in scripts:
        assert (ROOT / script).stat().st_mode & 0o100, script


def test_ci_runs_what_the_projects_ci_runs():
    """No more and no less, also what takes long; the suites that need Docker or npm among them."""
    targets, _ = named(runs(ROOT / ".github/workflows/ci.yml"))
    lines = [line for name in ("run", "long") for line in (ROOT / ".ci" / name).read_text().splitlines()]
    wanted, _ = named([line.replace("--keep-going ", "") for line in lines if not line.startswith("#")])
    assert wanted - {"setup"} == targets
    assert {"sam-local", "test-docker", "test-clients", "build"} <= targets


def test_every_night_properties_meet_new_examples():
    """Which `make test` leaves out: it tries the same ones each time."""
    nightly = ROOT / ".github/workflows/nightly.yml"
    assert named(runs(nightly))[0] == {"test-properties"}
    assert "schedule" in read(nightly)["on"]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "--hypothesis-profile=free" in makefile.partition("\ntest-properties:")[2].partition("\n\n")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_rights_are_small(path):
    """None by default, reading for each job, and the identity token only where a role is taken."""
    workflow = read(path)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        rights = dict(job["permissions"])
        deploys = path.name.startswith("deploy")
        assert rights.pop("id-token", "none") == ("write" if deploys else "none")
        assert rights == {"contents": "read"}
        assert "uses" in job or job["timeout-minutes"] <= 60


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nobody_elses_code_meets_secrets(path):
    """No trigger that runs a stranger's change with secrets, and no expression inside a command."""
    text = path.read_text()
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(read(path)["on"])
    assert not [line for line in runs(path) if "${{" in line]
    assert not re.search(r"aws-(secret-)?access-key|AWS_(SECRET_)?ACCESS_KEY|secrets: inherit", text)
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_actions_are_pinned(path):
    """By commit, with the version that it is; a tag can be moved."""
    uses = [line.strip().removeprefix("- ") for line in path.read_text().splitlines() if "uses:" in line]
    assert uses
    assert not [line for line in uses if not PINNED.fullmatch(line)]


def test_a_deployment_is_checked_and_never_cut_short():
    """With the stage of samconfig.toml, GitHub's environment of the same name, and the smoke test at the end."""
    (job,) = read(ROOT / ".github/workflows/deploy-stage.yml")["jobs"].values()
    assert job["environment"] == "${{ inputs.stage }}"
    assert job["concurrency"]["cancel-in-progress"] is False
    assert "scripts/smoke.sh" in job["steps"][-1]["run"]
    stages = read(ROOT / ".github/workflows/deploy.yml")["jobs"]
    config = (ROOT / "samconfig.toml").read_text()
    for stage in stages.values():
        assert f"[{stage['with']['stage']}.deploy.parameters]" in config
        assert f'stack_name = "llm-gateway-{stage["with"]["stage"]}"' in config


def test_dependabot_looks_at_all_that_is_pinned():
    """Actions, and each folder with pinned packages, but for versions that a pyproject file names itself.

    Weekly, and at nothing that is younger than we take.
    """
    actions, packages = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    assert (actions["package-ecosystem"], packages["package-ecosystem"]) == ("github-actions", "pip")
    projects = [
        tomllib.loads(path.read_text()) for path in (ROOT / "pyproject.toml", *ROOT.glob("layers/*/pyproject.toml"))
    ]
    assert projects[0]["tool"]["uv"]["exclude-newer"] == "1 week"
    for update in (actions, packages):
        assert update["schedule"] == {"interval": "weekly"}
        assert update["cooldown"] == {"default-days": 7}
    folders = {path.parent.relative_to(ROOT) for path in ROOT.glob("*/*/requirements.txt")} | {Path("requirements")}
    assert set(packages["directories"]) == {f"/{folder}" for folder in folders}
    wanted = [one for project in projects for one in _wanted(project) if "==" in one]
    assert {each["dependency-name"] for each in packages["ignore"]} == {one.partition("==")[0] for one in wanted}


def _wanted(project: dict[str, Any]) -> list[str]:
    groups = project.get("dependency-groups", {}).values()
    named = [*project["project"].get("dependencies", []), *(one for group in groups for one in group)]
    return [one for one in named if isinstance(one, str)]
