"""What POST /v1/responses refuses: what needs somebody else's storage or tools, and what no provider takes."""

import pytest

from tests.functions.upstream import whole

CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "1"}
PNG = "data:image/png;base64,iVBORw0KGgo="


def part(**said):
    """An input with one part of a user's."""
    return {"input": [{"role": "user", "content": [said]}]}


@pytest.mark.parametrize(
    ("body", "param", "reason"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id", "nothing is kept"),
        ({"conversation": {"id": "conv_1"}}, "conversation", "nothing is kept"),
        ({"background": True}, "background", "POST /ask"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt", "belong to nobody"),
        ({"context_management": [{"type": "compaction"}]}, "context_management", "no hold"),
        ({"reasoning": {"mode": "pro"}}, "reasoning.mode", "no hold"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input.0", "nothing is kept"),
        ({"input": [{"id": "msg_1"}]}, "input.0", "nothing is kept"),
        ({"input": [{"type": "mcp_call", "id": "m"}]}, "input.0", "that a provider runs"),
        (
            {"input": [{"type": "tool_search_output", "tools": [{"type": "namespace", "tools": 1}]}]},
            "input.0.tools",
            "functions and custom",
        ),
        ({"input": [{"type": "additional_tools", "role": "developer", "tools": []}]}, "input.0", "`tools`"),
        ({"input": [{"type": "tool_search_output", "tools": [{"type": "mcp"}]}]}, "input.0.tools", "functions"),
        (part(type="input_image", file_id="file_1"), "input.0.content.0.file_id", "belong to nobody"),
        (part(type="input_file", file_id="file_1"), "input.0.content.0.file_id", "belong to nobody"),
        (part(type="input_file", file_url="https://a.example"), "input.0.content.0.file_url", "fetches nothing"),
        ({"tools": [{"type": "file_search", "vector_store_ids": []}]}, "tools.0", "that a provider runs"),
        ({"tools": [{"type": "code_interpreter"}]}, "tools.0", "that a provider runs"),
        ({"tools": [{"type": "mcp", "server_url": "https://a.example"}]}, "tools.0", "that a provider runs"),
        ({"tools": [{"type": "computer_use_preview"}]}, "tools.0", "that a provider runs"),
        ({"tools": [{"type": "image_generation"}]}, "tools.0", "that a provider runs"),
        ({"tools": [{"type": "shell", "environment": {"type": "container_auto"}}]}, "tools.0.environment", "local"),
        ({"tools": [{"type": "tool_search", "execution": "server"}]}, "tools.0.execution", "client"),
        ({"tool_choice": {"type": "file_search"}}, "tool_choice", "that a provider runs"),
        ({"input": [RESULT]}, "input.0.call_id", "no call before it"),
        ({"input": [CALL, {"role": "user", "content": "x"}]}, "input.0.call_id", "no result of this call"),
        ({"tools": [{"type": "web_search"}], "tool_choice": "required"}, "tool_choice", "no tools"),
    ],
)
async def test_what_nobody_here_has_is_refused(door, body, param, reason):
    """400 that names the field and says why; nobody is asked."""
    answer = await door.respond(**{"given": "Hello.", **{"given" if k == "input" else k: v for k, v in body.items()}})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_request", param)
    assert reason in error["message"]
    assert door.network.sent == []


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"novel": 1}, "novel"),
        ({"text": {"fromat": {}}}, "text.fromat"),
        ({"input": []}, "input"),
        ({"input": [{"type": "novel"}]}, "input.0"),
        ({"input": ["novel"]}, "input.0"),
        ({"input": [{"type": {"a": 1}}]}, "input.0"),
        ({"tools": [{"type": {}}]}, "tools.0"),
        ({"tool_choice": {"type": {}}}, "tool_choice"),
        (part(type="input_file", filename="a.pdf"), "input.0.content.0"),
        (part(type="input_text", txt="x"), "input.0.content.0.text"),
        (part(type="text", text="x"), "input.0.content.0"),
        (part(type="input_image", image_url="https://a.example/a.png"), "input.0.content.0.image_url"),
        ({"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]}, "input.0.content.0"),
        ({"tools": [{"type": "novel"}]}, "tools.0"),
        ({"tools": [{"type": "function", "name": "a b"}]}, "tools.0.name"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools.0.name"),
        ({"include": ["novel"]}, "include.0"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
    ],
)
async def test_what_has_another_form_is_refused(door, body, param):
    """422 that names the field."""
    answer = await door.respond(**{"given": "Hello.", **{"given" if k == "input" else k: v for k, v in body.items()}})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, param), answer.text


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tools": [{"type": "apply_patch"}]}, "tools.0"),
        ({"tools": [{"type": "local_shell"}]}, "tools.0"),
        ({"input": [{"type": "compaction", "encrypted_content": "x"}]}, "input.0"),
        ({"input": [{"type": "shell_call", "call_id": "c"}]}, "input.0"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"include": ["message.output_text.logprobs"]}, "include"),
        (
            {"input": [CALL, {**RESULT, "output": [{"type": "input_file", "file_data": PNG}]}]},
            "input.1.output.0",
        ),
        (
            {"tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "function", "name": "g"}},
            "tool_choice",
        ),
    ],
)
async def test_what_no_other_wire_can_say_rules_them_out(door, body, param):
    """400 in the caller's own words where nobody else is there; in a group the next one answers."""
    given = {"given": "Hello.", **{"given" if k == "input" else k: v for k, v in body.items()}}
    answer = await door.respond("own", **given)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, param), answer.text
    assert "messages" not in error["message"]
    assert door.network.sent == []


async def test_tools_of_a_client_go_to_who_knows_them(door):
    """In a group the model on another wire is passed over."""
    door.answers({"status": "completed", "output": [], "usage": {"input_tokens": 1, "output_tokens": 1}})
    answer = await door.respond("deep-first", tools=[{"type": "apply_patch"}])
    assert answer.headers["x-gateway-model"] == "codex", answer.text


async def test_a_model_without_custom_tools_is_ruled_out(door):
    """On the same wire, where they are what they are."""
    answer = await door.respond("plain", tools=[{"type": "custom", "name": "run"}])
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "tools.0")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_no_response_is_kept(door, method):
    """404 that says so, in OpenAI's shape."""
    answer = await door.http.request(method, "/v1/responses/resp_1")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (404, "unknown_response", "response_id")
    assert "nothing is kept" in error["message"]
    refused = await door.http.request(method, "/v1/responses/resp_1", headers={"authorization": "Bearer no"})
    assert refused.status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{"upgrade": "websocket"}, {"openai-beta": "responses_websockets=2026-02-06"}, {"sec-websocket-key": "x"}],
)
async def test_a_websocket_is_refused_so_that_clients_go_on_at_once(door, headers):
    """426 is what Codex takes for a word to go on over HTTP; without a wish for one it is no method of this route."""
    assert (await door.http.get("/v1/responses", headers=headers)).status_code == 426
    assert (await door.http.get("/v1/responses")).status_code == 405


async def test_the_key_and_the_rights_count(door):
    """As on the chat wire: a tool each for whole answers and streams, groups, and the project's budget."""
    assert (await door.respond(headers={})).status_code == 422
    key = await door.world.key("beta", tools=("complete",))
    door.answers(whole({"content": "Hi."}))
    asked = {"model": "own", "input": "Hello."}
    headers = {"authorization": f"Bearer {key}"}
    assert (await door.http.post("/v1/responses", json=asked, headers=headers)).status_code == 200
    refused = await door.http.post("/v1/responses", json={**asked, "stream": True}, headers=headers)
    assert refused.status_code == 403
