"""What every backlog does: it keeps each message until it is settled, and hands it over as it was put."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from mypy_boto3_sqs import SQSClient

from gateway_core.adapters.file_backlog import REFUSED, FileBacklog
from gateway_core.adapters.sqs_backlog import SqsBacklog, connect
from gateway_core.domain.errors import BacklogUnavailable, InvalidRequest
from gateway_core.store.unsettled import Verdict, parse
from tests.backlogs import AWAY, Plan, unsettled
from tests.contract.backlog_kinds import Folder, Memory, Queue
from tests.patience import patience

AWS = {"region_name": "eu-central-1", "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


@pytest.fixture
def sqs() -> Iterator[SQSClient]:
    with mock_aws():
        yield connect(**AWS)


@pytest.fixture(params=["memory", "file", "sqs"])
def backlog(request, tmp_path) -> Any:
    match request.param:
        case "memory":
            return Memory()
        case "file":
            return Folder(tmp_path / "not" / "there yet")
    return Queue(request.getfixturevalue("sqs"))


async def test_a_message_is_handed_over_as_it_was_put(backlog):
    """With all that settling takes, and without the key's digest; once, if it is settled."""
    found: list[str] = []

    async def replay(text: str) -> Verdict:
        found.append(text)
        return "settled"

    await backlog.put(unsettled(), AWAY)
    for _ in range(2):
        await backlog.deliver(replay)
    assert [parse(text) for text in found] == [unsettled()]
    assert "digest" not in found[0]


async def test_what_waits_comes_again_and_keeps_nobody(backlog):
    """A message that cannot be settled yet stays, those beside it are settled."""
    for name in ("r1", "r2", "r3"):
        await backlog.put(unsettled(name), AWAY)
    plan = Plan({"r2": "waits"})
    await backlog.deliver(plan)
    await backlog.deliver(plan)
    assert plan.seen == {"r1": 1, "r2": 2, "r3": 1}
    await backlog.deliver(Plan())
    last = Plan()
    await backlog.deliver(last)
    assert not last.seen


async def test_while_the_store_is_away_the_rest_is_not_tried(backlog):
    """One of them is enough to know. All of them stay."""
    for name in ("r1", "r2", "r3"):
        await backlog.put(unsettled(name), AWAY)
    away = Plan(dict.fromkeys(("r1", "r2", "r3"), "away"))
    await backlog.deliver(away)
    assert away.seen.total() == 1
    back = Plan()
    await backlog.deliver(back)
    assert back.seen == {"r1": 1, "r2": 1, "r3": 1}


async def test_what_can_never_be_settled_is_kept_for_an_operator(backlog):
    """Out of the way of the others, and whole."""
    await backlog.put(unsettled(), AWAY)
    await backlog.deliver(Plan({"r1": "refused"}))
    assert [parse(text) for text in await backlog.refused()] == [unsettled()]
    plan = Plan()
    await backlog.deliver(plan)
    assert not plan.seen


async def test_many_at_once(backlog):
    """Nothing is lost and nothing is doubled where several put at the same time."""
    names = {f"r{number}" for number in range(10)}
    await asyncio.gather(*(backlog.put(unsettled(name), AWAY) for name in names))
    plan = Plan()
    await backlog.deliver(plan)
    assert plan.seen == dict.fromkeys(names, 1)


async def test_a_queue_that_is_not_there_says_so(sqs):
    """By the code alone: the text of an error may name the account."""
    with pytest.raises(BacklogUnavailable) as failure:
        await SqsBacklog("https://sqs.eu-central-1.amazonaws.com/123456789012/none", lambda: sqs).put(unsettled(), AWAY)
    assert failure.value.detail == "AWS.SimpleQueueService.NonExistentQueue" or "NonExistent" in failure.value.detail
    assert "123456789012" not in failure.value.detail


async def test_a_client_that_cannot_be_made_says_so():
    """As without credentials or a region. It is tried anew the next time."""
    tries = []

    def broken() -> SQSClient:
        tries.append(1)
        raise ValueError("arn:aws:sqs:secret")

    backlog = SqsBacklog("https://sqs.example/q", broken)
    for _ in range(2):
        with pytest.raises(BacklogUnavailable) as failure:
            await backlog.put(unsettled(), AWAY)
        assert failure.value.detail == "ValueError"
    assert len(tries) == 2


async def test_a_folder_that_cannot_be_written_says_so(tmp_path):
    """With its name, which no caller is told."""
    (tmp_path / "file").write_text("")
    with pytest.raises(BacklogUnavailable) as failure:
        await FileBacklog(tmp_path / "file").put(unsettled(), AWAY)
    assert failure.value.detail == f"{tmp_path / 'file'}: File exists"


async def test_a_line_that_was_torn_keeps_no_other(tmp_path):
    """A process died while it wrote: nobody was answered yet. The next message begins a line."""
    backlog = FileBacklog(tmp_path)
    await backlog.put(unsettled(), AWAY)
    (file,) = backlog.files()
    file.write_text(file.read_text() + '{"version":1,"tick')
    await backlog.put(unsettled("r2"), AWAY)
    found: list[str] = []

    async def replay(text: str) -> Verdict:
        try:
            found.append(parse(text).ticket.request_id)
        except InvalidRequest:
            return "refused"
        return "settled"

    assert await backlog.drain(replay) == {"settled": 2, "refused": 1}
    assert found == ["r1", "r2"]
    assert (tmp_path / REFUSED).read_text() == '{"version":1,"tick\n'
    assert backlog.files() == []


async def test_a_file_that_is_large_is_put_aside(tmp_path):
    """So that no round has to read or write more than that."""
    backlog = FileBacklog(tmp_path, most_bytes=1)
    for number in range(3):
        await backlog.put(unsettled(f"r{number}"), AWAY)
    assert len(backlog.files()) == 3
    plan = Plan()
    await backlog.drain(plan)
    assert plan.seen == {"r0": 1, "r1": 1, "r2": 1}


async def test_one_drains_a_file_and_others_pass_it_by(tmp_path):
    """What is put meanwhile goes to another file, and is not lost."""
    backlog, other = FileBacklog(tmp_path), FileBacklog(tmp_path)
    for name in ("r1", "r2"):
        await backlog.put(unsettled(name), AWAY)
    beside = Plan()

    async def replay(text: str) -> Verdict:
        if not beside.seen:
            await other.put(unsettled("r3"), AWAY)
            await other.drain(beside)
        return "settled"

    assert await backlog.drain(replay) == {"settled": 2}
    assert beside.seen == {"r3": 1}
    assert backlog.files() == []


async def test_a_round_that_is_broken_off_loses_nothing(tmp_path):
    """Cancelled, or killed: what it had settled comes again, which changes nothing."""
    backlog = FileBacklog(tmp_path)
    for name in ("r1", "r2"):
        await backlog.put(unsettled(name), AWAY)
    seen: list[str] = []

    async def replay(text: str) -> Verdict:
        seen.append(text)
        if len(seen) == 2:
            raise asyncio.CancelledError
        return "settled"

    with pytest.raises(asyncio.CancelledError):
        await backlog.drain(replay)
    plan = Plan()
    await backlog.drain(plan)
    assert plan.seen == {"r1": 1, "r2": 1}


async def test_a_round_that_is_broken_off_is_not_in_the_way_of_the_next(tmp_path, monkeypatch):
    """As at the end of a process: what it has put aside is still locked when it is cancelled."""
    put_aside, go_on, rename = threading.Event(), threading.Event(), Path.rename

    def slowly(path, target):
        found = rename(path, target)
        put_aside.set()
        go_on.wait(patience(30))
        return found

    backlog, plan = FileBacklog(tmp_path), Plan()
    await backlog.put(unsettled(), AWAY)
    monkeypatch.setattr(Path, "rename", slowly)
    round_ = asyncio.create_task(backlog.drain(plan))
    await asyncio.to_thread(put_aside.wait)
    round_.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not round_.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await round_
    assert (await backlog.drain(plan))["settled"] == 1
    assert backlog.files() == []


async def test_nobody_else_may_read_the_files(tmp_path):
    """They say who asked for what, and when."""
    backlog = FileBacklog(tmp_path / "folder")
    await backlog.put(unsettled(), AWAY)
    await backlog.drain(Plan({"r1": "waits"}))
    await backlog.put(unsettled("r2"), AWAY)
    await backlog.put(unsettled("r3"), AWAY)
    await backlog.drain(Plan({"r3": "refused", "r2": "waits"}))
    files = [*backlog.files(), tmp_path / "folder" / REFUSED]
    assert len(files) > 1
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


async def test_writers_and_drainers_at_the_same_time(tmp_path):
    """As in a folder that several processes share: each message is handed over once."""
    writers = [FileBacklog(tmp_path, most_bytes=2000) for _ in range(4)]
    for number, writer in enumerate(writers):
        writer._name = f"host-{os.getpid()}-{number % 2}"
    names = [f"r{number}" for number in range(80)]
    plan, done = Plan(), asyncio.Event()

    async def drain() -> None:
        while not done.is_set():
            await FileBacklog(tmp_path).drain(plan)

    drainers = [asyncio.create_task(drain()) for _ in range(2)]
    await asyncio.gather(*(writers[n % 4].put(unsettled(name), AWAY) for n, name in enumerate(names)))
    done.set()
    await asyncio.gather(*drainers)
    await FileBacklog(tmp_path).drain(plan)
    assert plan.seen == dict.fromkeys(names, 1)
