"""What coding agents need of the simulated providers: scripts in the prompt, betas, namespaces, failed responses."""

from __future__ import annotations

import json

import pytest

from tests.local.providers.conftest import MODELS, PROVIDERS, events_of

WRITE = {"type": "object", "properties": {"path": {"type": "string"}}}
PROMPT = 'Do it. [[call=write {"path": "a.txt", "more": [["]]"]]}]] [[call=read]] [[say=Done.]]'
WRITTEN = {"path": "a.txt", "more": [["]]"]]}
REMINDER = "The file has changed."
SESSION = "claude-code-20250219, interleaved-thinking-2025-05-14,context-management-2025-06-27"
EDITS = {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}


def claude(sim, beta="", **fields):
    body = {"model": "claude-opus-4-8", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]} | fields
    return sim.post("anthropic", "/v1/messages?beta=true", body, **({"anthropic-beta": beta} if beta else {}))


def problem(response):
    assert response.status_code == 400, response.text
    return response.json()["error"]["message"]


class Messages:
    """A conversation on Anthropic's wire; below, the same on the others."""

    path = "/v1/messages"

    def __init__(self, tools):
        self.items = [{"role": "user", "content": [{"type": "text", "text": text} for text in (REMINDER, PROMPT)]}]
        named = [{"name": name, "input_schema": WRITE} for name in tools]
        self.body = {"model": "claude-opus-4-8", "max_tokens": 99, "tools": named, "messages": self.items}

    def calls(self, answer):
        return [(block["name"], block["input"]) for block in answer["content"] if block["type"] == "tool_use"]

    def text(self, answer):
        return "".join(block.get("text", "") for block in answer["content"])

    def go_on(self, answer):
        (used,) = [block for block in answer["content"] if block["type"] == "tool_use"]
        result = {"type": "tool_result", "tool_use_id": used["id"], "content": "ok [[say=No.]]"}
        self.items.append({"role": "assistant", "content": answer["content"]})
        self.items.append({"role": "user", "content": [result, {"type": "text", "text": REMINDER}]})
        self.items.append({"role": "system", "content": REMINDER})


class Chat:
    """Of OpenAI and DeepSeek."""

    path = "/chat/completions"

    def __init__(self, tools, model):
        self.items = [{"role": "user", "content": PROMPT}]
        named = [{"type": "function", "function": {"name": name, "parameters": WRITE}} for name in tools]
        self.body = {"model": model, "messages": self.items, "tools": named}

    def calls(self, answer):
        calls = answer["choices"][0]["message"].get("tool_calls") or []
        return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]

    def text(self, answer):
        return answer["choices"][0]["message"]["content"]

    def go_on(self, answer):
        message = answer["choices"][0]["message"]
        self.items.append({name: message[name] for name in ("role", "content", "tool_calls")})
        self.items.append({"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "ok"})
        self.items.append({"role": "user", "content": REMINDER})


class Gemini:
    """generateContent."""

    path = f"/models/{MODELS['gemini']}:generateContent"

    def __init__(self, tools):
        self.items = [{"role": "user", "parts": [{"text": PROMPT}]}]
        named = [{"name": name, "parametersJsonSchema": WRITE} for name in tools]
        self.body = {"contents": self.items, "tools": [{"functionDeclarations": named}]}

    def _parts(self, answer):
        return answer["candidates"][0]["content"]["parts"]

    def calls(self, answer):
        found = [part["functionCall"] for part in self._parts(answer) if "functionCall" in part]
        return [(call["name"], call["args"]) for call in found]

    def text(self, answer):
        return "".join(part.get("text", "") for part in self._parts(answer))

    def go_on(self, answer):
        ((name, _),) = self.calls(answer)
        self.items.append(answer["candidates"][0]["content"])
        response = {"functionResponse": {"name": name, "response": {"ok": True}}}
        self.items.append({"role": "user", "parts": [response]})


class Responses:
    """With the tools in a namespace, as Codex has those of an MCP server."""

    path = "/responses"

    def __init__(self, tools):
        self.items = [{"type": "message", "role": "user", "content": PROMPT, "id": "msg_1"}]
        inner = [{"type": "function", "name": name, "parameters": WRITE} for name in tools]
        space = {"type": "namespace", "name": "mcp__fs", "description": "Files.", "tools": inner}
        more = {"client_metadata": {"session_id": "s"}, "store": False}
        self.body = {"model": "gpt-5.1", "input": self.items, "tools": [space, {"type": "web_search"}]} | more

    def calls(self, answer):
        found = [item for item in answer["output"] if item["type"] == "function_call"]
        assert {item["namespace"] for item in found} <= {"mcp__fs"}
        return [(item["name"], json.loads(item["arguments"])) for item in found]

    def text(self, answer):
        return answer["output"][-1]["content"][0]["text"]

    def go_on(self, answer):
        (item,) = answer["output"]
        self.items.append(item)
        self.items.append({"type": "function_call_output", "id": "fco_1", "call_id": item["call_id"], "output": "ok"})
        self.items.append({"type": "message", "role": "developer", "content": REMINDER})


AGENTS = {
    "anthropic": Messages,
    "openai": lambda tools: Chat(tools, "gpt-5.1"),
    "deepseek": lambda tools: Chat(tools, "deepseek-chat"),
    "gemini": Gemini,
    "responses": Responses,
}


@pytest.mark.parametrize("wire", AGENTS)
def test_a_script_leads_an_agent(sim, wire):
    """Each call in its turn with its arguments, then words, whatever a client puts in between."""
    talk = AGENTS[wire](["fs__write", "write", "fs__read"])
    provider = "openai" if wire == "responses" else wire
    for expected in (("write", WRITTEN), ("fs__read", {"path": "text"})):
        answer = sim.post(provider, talk.path, talk.body)
        assert answer.is_success, answer.text
        assert talk.calls(answer.json()) == [expected]
        talk.go_on(answer.json())
    last = sim.post(provider, talk.path, talk.body).json()
    assert talk.calls(last) == []
    assert talk.text(last) == "Done."


def test_directives_hold_through_reminders(sim):
    """What a client, or a gateway, puts behind a prompt does not hide it; the next prompt does."""
    turn = [{"role": "user", "content": "Go. [[say=Gone.]]"}, {"role": "user", "content": REMINDER}]
    answered = [*turn, {"role": "assistant", "content": "Gone."}, {"role": "user", "content": "And now?"}]
    for messages, text in ((turn, "Gone."), (answered, "claude-opus-4-8 heard: And now?")):
        assert claude(sim, messages=messages).json()["content"] == [{"type": "text", "text": text}]


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("[[call=write {]]", "simulator directive: the arguments of a call are not JSON"),
        ("[[call=write words]]", "simulator directive: write takes a JSON object"),
    ],
)
def test_a_script_that_is_wrong_is_refused(sim, prompt, told):
    """It says why."""
    tools = [{"name": "write", "input_schema": WRITE}]
    assert told in problem(claude(sim, tools=tools, messages=[{"role": "user", "content": prompt}]))


def test_a_script_gives_a_custom_tool_its_text(sim):
    """Free text, streamed in the tool's own events; a tool that is not there is not called."""
    tool = {
        "type": "custom",
        "name": "patch",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"},
    }
    body = {"model": "gpt-5.1", "stream": True, "tools": [tool]}
    prompt = "[[call=patch *** Begin Patch\n*** End Patch]] [[call=nowhere {}]]"
    streamed = events_of(sim.post("openai", "/responses", body | {"input": prompt}).text)
    (done,) = [event.data for event in streamed if event.name == "response.custom_tool_call_input.done"]
    assert done["input"] == "*** Begin Patch\n*** End Patch"
    assert [event.data["sequence_number"] for event in streamed] == list(range(len(streamed)))


def test_values_of_the_beta_header(sim):
    """Those of Claude Code and of the documentation are known; anything else is refused by name."""
    assert claude(sim, SESSION).is_success
    updates = {"thinking": {"type": "adaptive", "display": "updates"}}
    assert claude(sim, "thinking-display-updates-2026-08-18", **updates).is_success
    assert "display: Input should be" in problem(claude(sim, SESSION, **updates))
    told = problem(claude(sim, f"{SESSION},flying-2026-01-01,x"))
    assert told.startswith("Unexpected value(s) `flying-2026-01-01`, `x` for the `anthropic-beta` header.")


@pytest.mark.parametrize(
    ("beta", "fields", "told"),
    [
        ("", {"context_management": EDITS}, "context_management: Extra inputs are not permitted"),
        ("", {"speed": "fast"}, "speed: Extra inputs are not permitted"),
        (SESSION, {"context_management": EDITS}, "strategy requires `thinking` to be enabled or adaptive"),
        (SESSION, {"context_management": {"edits": [{"type": "x"}]}}, "context_management.edits.0: Input tag 'x'"),
        (
            SESSION,
            {"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}, *EDITS["edits"]]}},
            "must be first",
        ),
        ("", {"thinking": {"type": "adaptive", "budget_tokens": 9}}, "thinking.adaptive.budget_tokens: Extra inputs"),
        ("", {"thinking": {"type": "adaptive", "display": "all"}}, "thinking.adaptive.display: Input should be"),
        (
            SESSION,
            {"model": "claude-opus-4-5", "thinking": {"type": "adaptive"}},
            "adaptive thinking is not supported on this model",
        ),
    ],
)
def test_what_betas_allow(sim, beta, fields, told):
    """Fields of a beta are unknown without it; context editing has rules of its own, thinking its fields by kind."""
    assert told in problem(claude(sim, beta, **fields))


def test_a_turn_may_have_its_own_effort(sim):
    """In a system message, under its beta, and anywhere where the message says nothing else."""
    user, directive = {"role": "user", "content": "hi"}, {"role": "system", "output_config": {"effort": "low"}}
    beta, anywhere = "per-turn-control-2026-07-01", [directive | {"content": []}, user]
    assert claude(sim, beta, messages=anywhere).is_success
    assert claude(sim, beta, messages=[user, directive | {"content": "Be brief.", "output_config": {}}]).is_success
    assert problem(claude(sim, messages=anywhere)) == "messages.0.output_config: Extra inputs are not permitted"
    assert "must follow" in problem(claude(sim, beta, messages=[directive | {"content": "Be brief."}, user]))


def test_context_editing_is_reported(sim):
    """Whole, streamed and counted; a conversation here is never so long that something is cleared."""
    fields = {"thinking": {"type": "adaptive"}, "context_management": EDITS}
    assert claude(sim, SESSION, **fields).json()["context_management"] == {"applied_edits": []}
    streamed = events_of(claude(sim, SESSION, stream=True, **fields).text)
    (delta,) = [event.data for event in streamed if event.name == "message_delta"]
    assert delta["context_management"] == {"applied_edits": []}
    body = {"model": "claude-opus-4-8", "messages": [{"role": "user", "content": "hi"}], "tools": []} | fields
    counted = sim.post("anthropic", "/v1/messages/count_tokens?beta=true", body, **{"anthropic-beta": SESSION}).json()
    assert counted == {"input_tokens": 4, "context_management": {"original_input_tokens": 4}}
    refused = sim.post("anthropic", "/v1/messages/count_tokens", body | {"max_tokens": 9})
    assert problem(refused) == "max_tokens: Extra inputs are not permitted"


def test_interleaved_thinking_may_outgrow_the_limit(sim):
    """With its beta and tools a budget is for the whole turn."""
    fields = {"model": "claude-opus-4-5", "thinking": {"type": "enabled", "budget_tokens": 2000}}
    tools = {"tools": [{"name": "write", "input_schema": WRITE}]}
    assert claude(sim, SESSION, **fields, **tools).is_success
    assert "must be greater than `thinking.budget_tokens`" in problem(claude(sim, SESSION, **fields))


def test_deferred_tools_are_known_by_reference(sim):
    """Claude Code's search of tools: the result refers to one, which the model can call from then on."""
    search = {"name": "ToolSearch", "input_schema": {"type": "object"}}
    hidden = {"name": "mcp__gw__write", "input_schema": WRITE, "defer_loading": True}
    tools = {"tools": [search, hidden]}
    user = {"role": "user", "content": "[[call=ToolSearch {}]] [[call=write {}]] [[say=None.]]"}
    (asked,) = claude(sim, messages=[user], **tools).json()["content"]
    result = {"type": "tool_result", "tool_use_id": asked["id"], "content": "nothing"}
    turns = [user, {"role": "assistant", "content": [asked]}, {"role": "user", "content": [result]}]
    assert claude(sim, messages=turns, **tools).json()["content"] == [{"type": "text", "text": "None."}]
    result["content"] = [{"type": "tool_reference", "tool_name": "mcp__gw__write"}]
    (called,) = claude(sim, messages=turns, **tools).json()["content"]
    assert called["name"] == "mcp__gw__write"
    assert "'mcp__gw__write' not found in available tools" in problem(claude(sim, messages=turns, tools=[search]))
    assert problem(claude(sim, tools=[hidden])) == "At least one tool must have defer_loading=false."
    misplaced = [{"role": "user", "content": result["content"]}]
    assert "Input tag 'tool_reference' found" in problem(claude(sim, messages=misplaced, **tools))


@pytest.mark.parametrize("kind", ["server_error", "rate_limit"])
@pytest.mark.parametrize("failed", [True, False])
def test_a_response_that_fails(sim, kind, failed):
    """As `response.failed` or as `error`, numbered like the events before it."""
    sim.control.fault("openai", kind, after_chunks=2, failed=failed)
    body = {"model": "gpt-5.1", "input": "hello world", "stream": True}
    *before, last = events_of(sim.post("openai", "/responses", body).text)
    assert last.name == ("response.failed" if failed else "error")
    assert last.data["sequence_number"] == len(before)
    told = last.data["response"]["error"] if failed else last.data
    assert (
        told["code"] == {"server_error": "server_error" if failed else None, "rate_limit": "rate_limit_exceeded"}[kind]
    )
    assert not failed or last.data["response"]["status"] == "failed"


def test_every_provider_has_an_agent():
    """None is forgotten above."""
    assert set(PROVIDERS) < set(AGENTS)
