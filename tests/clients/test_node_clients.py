"""OpenAI's SDK for Node, and both generations of MCP's for TypeScript."""

import pytest

from tests.clients.conftest import LOCK, MODELS

pytestmark = [pytest.mark.xdist_group("clients"), pytest.mark.timeout(300)]

every_model = pytest.mark.parametrize("model", MODELS)
GENERATIONS = pytest.mark.parametrize(
    ("command", "version"),
    [
        (["mcp_v1.mjs", "{}"], "2025-11-25"),
        (["mcp_v2.mjs", "{}"], "2025-11-25"),
        (["mcp_v2.mjs", "{}", "auto"], "2026-07-28"),
    ],
    ids=["v1", "v2", "v2-auto"],
)
TOOLS = {
    "complete",
    "stream_complete",
    "litellm_batch_ask",
    "batch_status",
    "batch_cancel",
    "embed",
    "get_usage",
    "health_check",
    "list_models",
    "count_tokens",
}


def run_mcp(run_node, command, what, **options):
    script, *arguments = (word.format(what) for word in command)
    return run_node(script, *arguments, **options)


def test_the_lock_file_names_no_registry():
    """The machine's own registry is asked, whichever that is; each package has its hash."""
    lock = LOCK.read_text()
    assert "resolved" not in lock
    assert lock.count('"integrity"') == lock.count('"node_modules/')


def test_streams(run_node, counted):
    """Text in pieces, one finish reason, and at the end the usage that the provider counted."""
    heard = run_node("openai_stream.mjs", *MODELS)["result"]
    assert {key: one["text"] for key, one in heard.items()} == {
        key: f"{upstream} heard: Say hello to everybody" for key, (_provider, upstream) in MODELS.items()
    }
    assert all(one["pieces"] > 3 for one in heard.values())
    assert [one["finish"] for one in heard.values()] == [["stop"]] * 5
    usage = {key: one["usage"] for key, one in heard.items()}
    assert {key: (1, only["prompt_tokens"], only["completion_tokens"]) for key, (only,) in usage.items()} == counted()


def test_conversations_with_tools(run_node, counted):
    """The SDK's own loop: it reads a streamed call, runs the tool, sends both back, and streams the answer."""
    told = run_node("openai_tools.mjs", *MODELS)["result"]
    for key, (_provider, upstream) in MODELS.items():
        assert told[key] == {
            "asked": [{"city": "text"}],
            "text": f"{upstream} heard: What is the weather?",
            "finish": ["tool_calls", "stop"],
            "roles": ["user", "assistant", "tool", "assistant"],
        }
    assert [answers for answers, *_tokens in counted().values()] == [2] * 5


def test_whole_answers(run_node, counted):
    """Without streaming."""
    heard = run_node("openai_whole.mjs", *MODELS)["result"]
    assert {key: (one["finish"], one["model"]) for key, one in heard.items()} == {key: ("stop", key) for key in MODELS}
    usage = {key: one["usage"] for key, one in heard.items()}
    assert {key: (1, one["prompt_tokens"], one["completion_tokens"]) for key, one in usage.items()} == counted()


def test_embeddings_and_models(run_node):
    """The SDK's other routes."""
    told = run_node("openai_lists.mjs")["result"]
    assert (told["sizes"], told["owner"]) == ([8, 8], "openai")
    assert told["usage"]["prompt_tokens"] == told["usage"]["total_tokens"] > 0
    assert set(MODELS) <= set(told["models"])


@every_model
def test_a_cut_stream_is_an_error(run_node, cut, model):
    """With our code, after what had come, in both of the SDK's ways to read; it never passes for an answer."""
    cut(model)
    told = run_node("openai_broken.mjs", model)["result"]
    iterated, accumulated = told["iterated"], told["accumulated"]
    assert (iterated["text"], iterated["finish"], iterated["ended"]) == ("alpha beta gamma", [], False)
    assert accumulated["ended"] is False
    for error in (iterated["error"], accumulated["error"]):
        assert (error["name"], error["code"]) == ("APIError", "provider_error")


def test_an_error_before_the_answer_has_status_and_code(run_node):
    """As the SDK's own kind of error."""
    wrong = run_node("openai_stream.mjs", "gpt-5.1", key="gk_dev_wrong")["error"]
    assert (wrong["name"], wrong["status"], wrong["code"]) == ("AuthenticationError", 401, "unauthenticated")
    unknown = run_node("openai_whole.mjs", "no-such-model")["error"]
    assert (unknown["name"], unknown["status"], unknown["code"]) == ("NotFoundError", 404, "unknown_model")


@GENERATIONS
def test_a_session_of_mcp(run_node, command, version):
    """Negotiates its era, lists the tools, calls some; what fails is a result that says why."""
    told = run_mcp(run_node, command, "session")["result"]
    assert (told["version"], told["server"]) == (version, "llm-gateway")
    assert set(told["tools"]) >= TOOLS
    answer, refused, usage = told["answer"], told["refused"], told["usage"]
    assert (answer["isError"], answer["structured"]["provider"]) == (False, "anthropic")
    assert answer["text"] == answer["structured"]["content"]
    assert (refused["isError"], refused["text"].partition(":")[0]) == (True, "unknown_model")
    assert usage["isError"] is False
    assert "claude-haiku-3.5" in {row["model"] for row in usage["structured"]["rows"]}


@GENERATIONS
def test_an_answer_arrives_as_progress(run_node, command, version):
    """The deltas put together are the result's text, and the progress grows."""
    told = run_mcp(run_node, command, "stream")["result"]
    deltas = told["deltas"]
    assert len(deltas) > 2
    assert "".join(delta.get("message", "") for delta in deltas) == told["result"]["structured"]["content"]
    progress = [delta["progress"] for delta in deltas]
    assert progress == sorted(set(progress))
    assert told["result"]["structured"]["usage"]["output_tokens"] == 40


def test_an_answer_may_take_longer_than_the_clients_timer(run_node, providers):
    """Progress sets it anew, of reasoning and of a model that says nothing: 8 s pass a timer of 5 s."""
    fault = {"provider": "deepseek", "kind": "slow", "delay_ms": 8000}
    providers.post("/__faults", json=fault).raise_for_status()
    for told in run_node("mcp_v1.mjs", "patient")["result"].values():
        assert told["took"] > 7000
        assert told["result"]["isError"] is False
        assert told["heard"] == sorted(set(told["heard"]))
        assert len(told["heard"]) >= 2


@GENERATIONS
def test_a_wrong_key_connects_nobody(run_node, command, version):
    """The client tells of the 401."""
    error = run_mcp(run_node, command, "session", key="gk_dev_wrong")["error"]
    assert 401 in (error["code"], error.get("status"))
