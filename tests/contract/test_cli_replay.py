"""`gateway usage replay`: what a log or a backlog says was not settled is settled, once."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import uuid

import pytest

from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.file_backlog import FileBacklog
from gateway_core.cli.main import main
from gateway_core.store.records import Unsettled
from gateway_core.telemetry.telemetry import Telemetry
from tests.backlogs import AWAY, Plan, unsettled
from tests.contract.desk import NOON, Desk, candidate, record_of, settled


@pytest.fixture
async def waiting(redis, upstash):
    """A request whose end the store was not told."""
    desk = await Desk(upstash, at=now_after_noon()).open()
    ticket = desk.ticket("r1", admitted_ms=desk.now)
    admitted = await desk.admit_as(ticket, [candidate()])
    return Unsettled(ticket, (), settled(admitted, candidate(), charge_nano=70), record_of(ticket, at_ms=desk.now))


def now_after_noon():
    """Milliseconds after the desk's noon: the command line has the machine's clock, and a request gets too old."""
    return SystemClock().now_ms() - NOON


async def told(redis, request):
    """What the log says of it."""
    stream = io.StringIO()
    log = Telemetry(stream=stream, service=uuid.uuid4().hex)
    log.unsettled(request.ticket, request.settlement, request.record, AWAY)
    return stream.getvalue()


async def test_what_a_log_says_was_not_settled_is_settled(run_gateway, redis, waiting, tmp_path):
    """Once, however often, among lines that say something else; the file stays."""
    log = tmp_path / "gateway.log"
    log.write_text('{"message":"usage"}\nnonsense\n' + await told(redis, waiting) + "{\n")
    assert await run_gateway(f"usage replay {log}") == [counted(written=1)]
    assert await run_gateway(f"usage replay {log} {log}") == [counted(known=2)]
    assert len(redis.run("XRANGE", f"use:alpha:{waiting.ticket.day}:{waiting.ticket.hour}", "-", "+")) == 1
    assert "usage not settled" in log.read_text()


async def test_a_log_can_be_piped(run_gateway, redis, waiting, monkeypatch):
    """Behind what a tool puts before each line."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("gateway-1  | " + await told(redis, waiting)))
    assert await run_gateway("usage replay -") == [counted(written=1)]


async def test_the_folder_of_the_backlog_is_drained(run_gateway, redis, waiting, tmp_path):
    """The one that is named, or that of the environment; what is refused is told and kept."""
    backlog = FileBacklog(tmp_path)
    await backlog.put(waiting, AWAY)
    await backlog.put(unsettled(admitted_ms=NOON - 40 * 86_400_000), AWAY)
    assert await run_gateway("usage replay", GATEWAY_BACKLOG=str(tmp_path)) == [counted(written=1, refused=1)]
    assert backlog.files() == []
    assert await run_gateway(f"usage replay {tmp_path}") == [counted()]
    assert await run_gateway(f"usage replay {tmp_path / 'refused'}") == [counted(refused=1)]


async def test_a_record_without_room_is_told_to_wait(run_gateway, redis, waiting, tmp_path):
    """Its money is right, and the message stays."""
    backlog = FileBacklog(tmp_path)
    await backlog.put(waiting, AWAY)
    redis.run("SET", f"use:alpha:{waiting.ticket.day}:{waiting.ticket.hour}", "no stream")
    assert await run_gateway(f"usage replay {tmp_path}") == [counted(waiting=1)]
    redis.run("DEL", f"use:alpha:{waiting.ticket.day}:{waiting.ticket.hour}")
    assert await run_gateway(f"usage replay {tmp_path}") == [counted(written=1)]


def counted(**numbers):
    return dict.fromkeys(("written", "known", "refused", "waiting"), 0) | numbers


@pytest.fixture
def run_gateway(redis, capsys):
    """As `gateway`, for tests that have an event loop of their own."""

    async def run(command, **changes):
        assert await asyncio.to_thread(main, command.split(), redis.environ() | changes) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


async def test_a_replay_without_the_store_changes_nothing(redis, waiting, tmp_path, capsys):
    """It says so, and what is in the folder stays."""
    backlog = FileBacklog(tmp_path)
    await backlog.put(waiting, AWAY)
    away = redis.environ() | {"UPSTASH_REDIS_REST_TOKEN": "wrong"}
    assert await asyncio.to_thread(main, ["usage", "replay", str(tmp_path)], away) == 2
    assert "The store refuses the token" in capsys.readouterr().err
    plan = Plan()
    await backlog.drain(plan)
    assert plan.seen == {"r1": 1}


@pytest.mark.parametrize(
    ("command", "said"),
    [("usage replay", "Name a file of log lines"), ("usage replay no-such-file", "cannot be read")],
)
def test_a_replay_of_nothing_is_refused(refused, command, said):
    """With what there is to name."""
    assert said in refused(command)
    assert "neither the URL" in refused("usage replay", GATEWAY_BACKLOG="ftp://host/queue")
    assert "Name a file" in refused("usage replay", GATEWAY_BACKLOG="https://sqs.eu-central-1.amazonaws.com/1/q")
