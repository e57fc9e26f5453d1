"""`gateway plan` and `gateway apply` against a store: what they do, that they do it once, and where secrets go."""

import io
import json
import stat
import sys

import pytest

from gateway_core.cli.main import main

FILE = """
projects:
  alpha:
    budget: {day_usd: 50}
    users: {bob: {month_usd: 20}}
    keys:
      laptop: {groups: [fast, code], day_usd: 5, expires: 9999-12-30}
      ci: {tools: [complete], rpm: 60}
"""


@pytest.fixture
def run(redis, capsys, tmp_path):
    """Runs a command over a file; its exit code, its lines, and what it says beside them."""

    def run(words, text=FILE):
        file = tmp_path / "keys.yaml"
        file.write_text(text)
        code = main([*words.split(), str(file)], redis.environ())
        printed = capsys.readouterr()
        return code, [json.loads(line) for line in printed.out.splitlines()], printed.err

    return run


def test_a_file_is_applied_once(run, redis):
    """A plan changes nothing and says by its exit code whether there is anything to do."""
    code, planned, _ = run("plan")
    assert (code, [(line["action"], line["kind"]) for line in planned]) == (3, 2 * [("create", "key")] + BUDGETS)
    assert redis.run("KEYS", "*") == []
    code, done, said = run("apply")
    assert (code, said) == (0, "")
    assert [{name: line[name] for name in plan} for line, plan in zip(done, planned, strict=True)] == planned
    assert all(line["key"].startswith("gk_alpha_") for line in done[:2])
    for command in ("plan", "apply"):
        assert run(command) == (0, [], "nothing to do: keys and budgets are as the file says\n")


BUDGETS = 2 * [("set", "budget")]


def test_what_differs_is_changed_and_the_rest_stays(run, capsys, redis):
    """The key keeps its id; one that the file no longer names goes on, unless it is to be pruned."""
    _, made, _ = run("apply")
    text = FILE.replace("day_usd: 5,", "").replace("      ci: {tools: [complete], rpm: 60}\n", "")
    code, (line,), _ = run("apply", text)
    assert (code, line["id"], line["changes"]) == (0, made[0]["id"], {"day_usd": ["5", None]})
    code, (line,), _ = run("apply --prune", text)
    assert (code, line["action"], line["id"]) == (0, "revoke", made[1]["id"])
    assert main(["keys", "list", "--project", "alpha"], redis.environ()) == 0
    laptop, ci = map(json.loads, capsys.readouterr().out.splitlines())
    assert (laptop["groups"], laptop["day_usd"], laptop["revoked"]) == (["fast", "code"], None, None)
    assert ci["revoked"]


def test_secrets_can_go_to_a_file_of_their_own(run, tmp_path):
    """For its owner alone; new ones are added, and none is printed."""
    secrets = tmp_path / "secrets.jsonl"
    _, done, _ = run(f"apply --secrets-out {secrets}")
    run(f"apply --secrets-out {secrets}", FILE + "      third: {}\n")
    kept = [json.loads(line) for line in secrets.read_text().splitlines()]
    assert [each["name"] for each in kept] == ["laptop", "ci", "third"]
    assert [each["id"] for each in kept[:2]] == [line["id"] for line in done[:2]]
    assert "key" not in done[0]
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600


def test_a_file_that_others_read_gets_no_secrets(run, redis, tmp_path):
    """It is refused before a key is made, and so is a place that cannot be written, or a link."""
    (tmp_path / "open").write_text("")
    (tmp_path / "open").chmod(0o644)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    unwritable = "cannot be written"
    for path, says in (("open", "others may read it"), ("no/where", unwritable), ("link", unwritable)):
        code, lines, said = run(f"apply --secrets-out {tmp_path / path}")
        assert (code, lines) == (2, [])
        assert says in said
    assert redis.run("KEYS", "*") == []


def test_what_was_done_before_a_refusal_stays_and_is_told(run):
    """The secret of a key that was made is not lost; a second try goes on."""
    code, lines, said = run("apply", FILE + "  betta: {budget: {day_usd: 1}}\n")
    assert (code, len(lines)) == (1, 4)
    assert "There is no project 'betta'" in said


def test_a_wrong_file_changes_nothing(run, redis, tmp_path, capsys):
    """By line and field, with what comes near; and a file that is not there."""
    code, lines, said = run("apply", FILE.replace("fast,", "fats,"))
    assert (code, lines) == (2, [])
    assert "line 7: projects.alpha.keys.laptop.groups: there is no model group 'fats'. Did you mean fast?" in said
    assert main(["plan", str(tmp_path / "none")], redis.environ()) == 2
    assert main(["plan", "-", "--key", "-"], redis.environ()) == 2
    assert "cannot be the file and the key" in capsys.readouterr().err
    (tmp_path / "latin").write_bytes(b"\xff")
    assert main(["plan", str(tmp_path / "latin")], redis.environ()) == 2
    assert redis.run("KEYS", "*") == []


def test_a_file_can_be_piped_and_a_terminal_shows_steps(redis, monkeypatch, capsys):
    """`+` is made, `~` is changed."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(FILE))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["plan", "-"], redis.environ()) == 3
    assert capsys.readouterr().out.splitlines() == [
        "+  key laptop of alpha",
        "+  key ci of alpha",
        "~  budget of alpha  day_usd: - -> 50",
        "~  budget of alpha, user bob  month_usd: - -> 20",
    ]
