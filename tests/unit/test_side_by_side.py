"""`benchmarks/side_by_side`: how it reads answers, counts processors, and says what is met."""

import json
import os
import sys

import pytest

from benchmarks.side_by_side import __main__ as command
from benchmarks.side_by_side.client import WORDS, BadAnswer, Door, check
from benchmarks.side_by_side.contestants import BARE, DIRECT, LITELLM, OURS, Contestant
from benchmarks.side_by_side.install import Unavailable
from benchmarks.side_by_side.measuring import KINDS, Sample
from benchmarks.side_by_side.processes import cpu_s, memory_mib, running, tree
from benchmarks.side_by_side.report import place, sections
from benchmarks.side_by_side.results import ADDED, RATE, Results, Row, memory, verdicts

GOOD = b"HTTP/1.1 200 OK\r\n\r\n"
CHUNK = b'data: {"choices":[{"delta":{"content":"word"}}]}\n\n'


def row(*cpus, took_ms=1.0, rate=1.0, mib=1.0):
    """Rounds whose kinds are all alike."""
    return Row([{kind.name: Sample(cpu, 0.0, took_ms, took_ms, rate) for kind in KINDS} for cpu in cpus], (mib, 0.0))


RESULTS = Results(
    {"Taken": "today"},
    {
        DIRECT: row(1, 1, 1, took_ms=2.0),
        OURS: row(2, 40, 3, took_ms=5.0, rate=90.0, mib=90.0),
        LITELLM: row(20, 80, 15, took_ms=12.0, rate=31.0, mib=300.0),
    },
    {"Portkey": "there is no npm"},
)


def test_ratios_are_of_the_same_round():
    """A round in which all were slow moves nothing; what was not measured is not judged."""
    found = {(one.what, one.beside): one for one in verdicts(RESULTS)}
    assert found["CPU", LITELLM].ratio == pytest.approx(0.2)
    assert found["CPU", LITELLM].met
    assert not found[RATE.name, LITELLM].met
    assert found[ADDED.name, LITELLM].ratio == pytest.approx(0.3)
    assert found["memory", LITELLM].ratio == pytest.approx(0.3)
    assert not any(beside == BARE for _, beside in found)
    assert memory(RESULTS, BARE) is None


class Fleeting:
    """What a start gives: of its own memory, and as slow as it is told for all its life."""

    def __init__(self, number):
        self.number, self.asked = number, 0

    async def round(self, kind):
        self.asked += 1
        return Sample(self.number, 0.0, 1.0, 1.0, 1.0)

    def memory(self):
        return 10.0 * self.number, 1.0


async def test_rounds_are_shared_among_starts(monkeypatch, tmp_path):
    """Each of which has processes of its own; who was not there each time is not compared."""
    made = {OURS: [], DIRECT: [], "peer": []}

    def contestant(name):
        async def start(_place):
            made[name].append(Fleeting(len(made[name]) + 1))
            if name == "peer" and len(made[name]) > 1:
                raise Unavailable("it went")
            return made[name][-1]

        return Contestant(name, start, "")

    async def nothing(*_arguments):
        return None

    monkeypatch.setattr(command, "simulator", nothing)
    found = await command.measured([contestant(name) for name in made], 5, 2, 1e9, tmp_path)
    assert found.rows.keys() == {OURS, DIRECT}
    assert [one["whole"].cpu_ms for one in found.rows[OURS].rounds] == [1, 1, 2, 2, 2]
    assert found.rows[OURS].memory == (15.0, 1.0)
    assert (found.about["rounds"], found.about["starts"], found.absent) == ("5", "2", {"peer": "it went"})


def test_what_is_kept_gives_the_same_tables(tmp_path):
    """In documents that have a place for them."""
    RESULTS.write(tmp_path / "kept.json")
    assert sections(Results.read(tmp_path / "kept.json")) == sections(RESULTS)
    (document := tmp_path / "page.md").write_text("<!-- side_by_side, short -->\nold\n<!-- end -->\nrest\n")
    place(document, sections(RESULTS))
    assert "old" not in document.read_text()
    assert f"| **{OURS}** | 3.00 |" in document.read_text()
    assert document.read_text().endswith("rest\n")


def test_the_tables_of_a_run_are_those_of_its_file(monkeypatch, tmp_path):
    """Which has four digits of each number: rounded once more, some come out otherwise."""
    page = tmp_path / "page.md"
    page.write_text("<!-- side_by_side, short -->\n<!-- end -->\n")
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    monkeypatch.setattr(command, "DOCUMENTS", [page])
    ours = row(2.3449, 2.3449, 2.3449, took_ms=5.0, rate=90.0, mib=90.0)
    command.show(Results(RESULTS.about, {**RESULTS.rows, OURS: ours}, {}), keep=True)
    shown = page.read_text()
    command.show(Results.read(tmp_path / "side_by_side.json"), keep=True)
    assert page.read_text() == shown


def test_the_documents_say_what_was_measured():
    """`.venv/bin/python -m benchmarks.side_by_side --shown benchmarks/results/side_by_side.json` makes it so."""
    made = sections(Results.read(command.RESULTS / "side_by_side.json"))
    for document, name in zip(command.DOCUMENTS, made, strict=True):
        assert f"<!-- {name} -->\n\n{made[name]}\n\n<!-- end -->" in document.read_text()


@pytest.mark.parametrize(
    ("head", "body", "streams"),
    [
        (b"HTTP/1.1 500 Oh\r\n\r\n", CHUNK * WORDS + b"data: [DONE]\n\n", True),
        (GOOD, CHUNK * WORDS, True),
        (GOOD, CHUNK * (WORDS - 1) + b"data: [DONE]\n\n", True),
        (GOOD, json.dumps({"choices": [{"message": {"content": "one"}}]}).encode(), False),
    ],
)
def test_what_is_no_answer_counts_for_nobody(head, body, streams):
    """An error, a stream that was cut, too few words."""
    with pytest.raises(BadAnswer):
        check(head, body, streams=streams)
    check(GOOD, CHUNK * WORDS + b"data: [DONE]\n\n", streams=True)


def test_a_request_is_whole():
    """Its length is that of the body, and the server's own headers are in it."""
    sent = Door("http://127.0.0.1:1/v1/chat/completions", "m", {"authorization": "Bearer k"}).request(streams=True)
    head, _, body = sent.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head
    assert b"authorization: Bearer k" in head
    assert json.loads(body)["stream"]


def test_processors_and_memory_are_those_of_the_whole_tree(tmp_path):
    """A child's work counts as its parent's."""
    program = (
        "import subprocess, sys; sys.stdout.flush(); "
        "subprocess.run([sys.executable, '-S', '-c', 'sum(range(10**6)); print(1, flush=True); input()'], "
        "stdin=subprocess.PIPE)"
    )
    command_line = [sys.executable, "-S", "-c", program]
    with running(command_line, os.environ, tmp_path / "log", tmp_path) as started:
        while "1" not in started.said():
            assert not started.has_ended()
        assert len(tree(started.pid)) == 2
        assert cpu_s(started.pid) > cpu_s(tree(started.pid)[1]) > 0
        assert memory_mib(started.pid) > 1
    assert tree(started.pid) == [started.pid]
