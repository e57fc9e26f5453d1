"""The documents: links and anchors lead somewhere; commands, scripts and parameters that they name exist."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.template.test_template import TEMPLATE, Loader

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md", "local/**/*.md") for path in ROOT.glob(pattern)
)
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`[^`\n]+`")


def names(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(path: Path) -> str:
    """A document without its blocks of code."""
    return FENCE.sub("", path.read_text())


def blocks(path: Path, *languages: str) -> Iterator[str]:
    """Its blocks of code in these languages, without the indentation of a list that they stand in."""
    for indent, language, code in FENCE.findall(path.read_text()):
        if language in languages:
            yield "\n".join(line.removeprefix(indent) for line in code.splitlines())


@cache
def anchors(path: Path) -> set[str]:
    """As GitHub makes them of headings: lower case, spaces to dashes, punctuation away, repetitions numbered."""
    found: dict[str, int] = {}
    made = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", prose(path), re.MULTILINE):
        text = LINK.sub(lambda link: link.group(0)[1 : link.group(0).index("]")], heading)
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        count = found.get(slug, 0)
        found[slug] = count + 1
        made.add(f"{slug}-{count}" if count else slug)
    return made


def dead(path: Path) -> Iterator[str]:
    """Relative links of a document that lead nowhere."""
    for target in LINK.findall(CODE.sub("", prose(path))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists() or (anchor and (file.suffix != ".md" or anchor not in anchors(file))):
            yield target


def test_there_are_documents():
    """Those that a newcomer is sent to among them."""
    assert {"README.md", "docs/deploy.md", "docs/docker.md", "docs/cost.md"} <= {names(path) for path in DOCUMENTS}


@pytest.mark.parametrize("path", DOCUMENTS, ids=names)
def test_links_lead_somewhere(path):
    """Relative ones, with their anchors."""
    assert list(dead(path)) == []


def test_a_dead_link_is_found(tmp_path):
    """A missing file, a missing anchor, an anchor in what is no document; but not what is in code."""
    document = tmp_path / "a.md"
    document.write_text(
        "# Some `code`, and more\n## Twice\n## Twice\n"
        "[x](b.md) [x](#nowhere) [x](c.txt#some) [x](#some-code-and-more) [x](#twice-1) [x](https://there.example/#y)\n"
        "`[x](code.md)`\n```sh\n# [x](block.md)\n```\n"
    )
    (tmp_path / "c.txt").touch()
    assert list(dead(document)) == ["b.md", "#nowhere", "c.txt#some"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=names)
def test_commands_exist(path):
    """`make X` and `scripts/X`, in code of any kind; scripts that are started may be."""
    code = "\n".join([*CODE.findall(prose(path)), *blocks(path, "", "sh", "yaml", "json", "python")])
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", code)) <= TARGETS
    for script in set(re.findall(r"\bscripts/[\w./]*\w", code)):
        assert (ROOT / script).is_file(), script
        assert not script.endswith(".sh") or (ROOT / script).stat().st_mode & 0o100, script


@pytest.mark.parametrize("path", DOCUMENTS, ids=names)
def test_parameters_exist(path):
    """What is put on the command line of `make deploy` or `sam`; and what is allowed there."""
    for block in blocks(path, "sh"):
        for line in re.findall(r"(?:--parameter-overrides |SET=')(.+)", block.replace("\\\n", " ")):
            for name, value in re.findall(r"(\w+)=([^\s\"']+)", line):
                allowed = TEMPLATE["Parameters"][name].get("AllowedValues")
                assert allowed is None or value in map(str, allowed), line


@pytest.mark.parametrize("path", DOCUMENTS, ids=names)
def test_data_can_be_read(path):
    """Blocks of JSON and YAML: one document, or, for JSON, one on each line."""
    for block in blocks(path, "json"):
        shown = block.replace("...}", "}")
        try:
            json.loads(shown)
        except ValueError:
            for line in shown.splitlines():
                json.loads(line)
    for block in blocks(path, "yaml"):
        assert yaml.load(block, Loader) is not None  # noqa: S506 - a SafeLoader with tags


def test_the_way_to_a_first_call_has_nine_commands():
    """As the heading says; each is numbered."""
    (block,) = [block for block in blocks(ROOT / "docs/deploy.md", "sh") if "# 9 " in block]
    commands = [line for line in block.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    assert len(commands) == 9
    numbers = re.findall(r"^# (\d+)(?:-(\d+))? ", block, re.MULTILINE)
    counted = [number for first, last in numbers for number in range(int(first), int(last or first) + 1)]
    assert counted == list(range(1, 10))


def test_the_readme_sends_newcomers_on():
    """To the ways to run it, and to help."""
    links = LINK.findall(prose(ROOT / "README.md"))
    assert {"docs/deploy.md", "docs/docker.md", "docs/troubleshooting.md"} <= set(links)


def test_a_container_by_hand_is_as_confined_as_by_compose():
    """The long command of docs/docker.md says what compose.yaml says."""
    (block,) = [block for block in blocks(ROOT / "docs/docker.md", "sh") if "docker run --detach" in block]
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    service = compose["services"]["gateway"]
    wanted = [
        f"--memory {service['mem_limit']} ",
        f"--cpus {service['cpus']:g} ",
        f"--pids-limit {service['pids_limit']} ",
        f"--cap-drop {service['cap_drop'][0]} ",
        f"--security-opt {service['security_opt'][0]} ",
        f"--stop-timeout {service['stop_grace_period'].removesuffix('s')} ",
        f"--restart {service['restart']} ",
        f"--tmpfs {service['tmpfs'][0]} ",
        *(["--read-only "] if service["read_only"] else []),
        *(["--init "] if service["init"] else []),
        f":{service['volumes'][0].partition(':')[2]} ",
    ]
    assert [flag for flag in wanted if flag not in block.replace("\\\n", " ")] == []
