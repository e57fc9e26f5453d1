"""Where the local stack keeps its backlog, and that it settles it."""

from contextlib import ExitStack
from pathlib import Path

from gateway_core.adapters.file_backlog import FileBacklog
from local.environment import read
from local.replaying import backlog_of, replaying
from tests.backlogs import AWAY, unsettled

LOCAL = "http://127.0.0.1:8788"
REAL = "https://eu1.upstash.example"


def folder(environ, url=LOCAL):
    with ExitStack() as stack:
        return backlog_of(stack, read(environ), environ, url)


def test_it_is_beside_the_stores_data():
    """Unless it is named. A store that forgets all at its end has a backlog that is gone then."""
    assert folder({"LOCAL_STORE_DIR": "/data"}) == "/data/backlog"
    assert folder({"LOCAL_STORE_DIR": "/data", "GATEWAY_BACKLOG": "/mine"}) == "/mine"
    assert not Path(folder({})).parent.exists()


def test_each_real_store_has_its_own():
    """What waits for one is nothing for another."""
    real = {"UPSTASH_REDIS_REST_URL": REAL}
    mine = folder({**real, "LOCAL_STORE_DIR": "/data"}, REAL)
    assert mine.startswith("/data/backlog-")
    assert mine != folder({**real, "LOCAL_STORE_DIR": "/data"}, "https://other.example")
    assert folder({**real, "XDG_STATE_HOME": "/state"}, REAL).startswith("/state/llm-gateway/backlog-")
    assert folder(real, REAL).startswith(str(Path.home() / ".local" / "state" / "llm-gateway"))


async def test_what_waited_is_settled_when_it_stops_at_the_latest(api, tmp_path):
    """Here: a request that the store does not know, so that there is nothing to write."""
    (unhurried := tmp_path / "config.yaml").write_text("store: {timeout_s: 30, connect_timeout_s: 30}\n")
    environ = {
        "UPSTASH_REDIS_REST_URL": api.url,
        "UPSTASH_REDIS_REST_TOKEN": api.token,
        "GATEWAY_ALLOW_HTTP": "1",
        "GATEWAY_BACKLOG": str(tmp_path / "backlog"),
        "GATEWAY_CONFIG": str(unhurried),
    }
    backlog = FileBacklog(tmp_path / "backlog")
    await backlog.put(unsettled(admitted_ms=4_102_444_800_000), AWAY)
    with replaying(environ):
        pass
    assert backlog.files() == []
    assert not (tmp_path / "backlog" / "refused").exists()


def test_without_a_folder_there_is_nothing_to_do():
    """As with a queue, which Lambda reads."""
    with replaying({"GATEWAY_BACKLOG": "https://sqs.eu-central-1.amazonaws.com/1/q"}):
        assert True
