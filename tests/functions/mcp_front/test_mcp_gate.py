"""What is settled before MCP: methods, hosts, origins, keys, sizes, form."""

import json

import pytest

from gateway_core.domain.errors import StoreUnavailable
from gateway_core.mcp_front.settings import McpSettings
from tests.functions.mcp_front.conftest import MODERN, McpWorld, body_of, message, result_of

LIST = message("tools/list", MODERN, {})


def refused(answer, status, code):
    """It is an error of the gateway's shape."""
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert {"message", "type", "param", "retryable", "attempts"} <= set(error)
    assert answer.headers["x-gateway-request-id"] == error["request_id"]
    return error


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "HEAD", "OPTIONS"])
async def test_only_post_is_taken(mcp, method):
    """No session to end, no stream to open: also without a key."""
    answer = await mcp.send(b"", method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    if method == "GET":
        refused(answer, 405, "method_not_allowed")


async def test_other_paths_are_404(mcp):
    """And are redirected nowhere."""
    for path in ("/", "/mcp/", "/mcp/x", "/sse"):
        refused(await mcp.send(LIST[1], path=path), 404, "not_found")


@pytest.mark.parametrize(
    "headers",
    [
        {"x_api_key": ""},
        {"authorization": "Bearer "},
        {"authorization": "Basic Z2s6eA=="},
        {"authorization": "Bearer sk-other"},
        {"x_api_key": "gk_alpha_wrong"},
        {"authorization": "Bearer gk_alpha_wrong"},
    ],
)
async def test_no_key_or_a_wrong_one_is_401(mcp, headers):
    """Before the body is read, whatever it holds, and lists included."""
    for body in (LIST[1], b"nonsense", b""):
        answer = await mcp.send(body, **LIST[0], **headers)
        refused(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "gk_alpha_wrong" not in answer.text


async def test_a_client_of_oauth_reads_what_is_wrong(mcp):
    """It asks to be registered, in vain, and shows the description of OAuth's own errors alone."""
    answer = await mcp.send(b'{"redirect_uris": ["http://localhost:1"]}', path="/register", x_api_key="")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
    assert "Bearer gk_" in answer.json()["error_description"]
    refused(await mcp.send(b"", "GET", path="/register"), 405, "method_not_allowed")


async def test_either_header_carries_the_key(mcp):
    """Bearer counts first; its scheme has no case."""
    key = await mcp.world.key()
    for headers in ({"authorization": f"Bearer {key}"}, {"authorization": f"bearer  {key} "}, {"x_api_key": key}):
        assert (await mcp.send(LIST[1], **LIST[0], **headers)).status_code == 200


async def test_a_revoked_key_is_401_after_half_a_minute(mcp):
    """As long as a caller is remembered."""
    key = await mcp.world.key()
    assert (await mcp.send(LIST[1], **LIST[0], x_api_key=key)).status_code == 200
    (listed,) = await mcp.world.store.list_keys("alpha")
    await mcp.world.store.revoke_key(listed.id, now_ms=1)
    assert (await mcp.send(LIST[1], **LIST[0], x_api_key=key)).status_code == 200
    mcp.world.clock.advance(31)
    refused(await mcp.send(LIST[1], **LIST[0], x_api_key=key), 401, "unauthenticated")


async def test_a_store_that_is_away_is_503(mcp):
    """Never 401: that would tell a good client to give up."""
    key = await mcp.world.key()

    async def away(*args, **kwargs):
        raise StoreUnavailable("The store is away.", retry_after_s=2)

    mcp.world.store.find_key = away
    answer = await mcp.send(LIST[1], **LIST[0], x_api_key=key)
    assert refused(answer, 503, "store_unavailable")["retryable"] is True
    assert answer.headers["retry-after"] == "2"


async def test_another_host_is_421(mcp):
    """DNS rebinding: a page's own name, resolved to this machine."""
    refused(await mcp.send(LIST[1], host="evil.example", **LIST[0]), 421, "wrong_host")


async def test_another_origin_is_403(mcp):
    """A web page that is not listed; a program sends none."""
    for origin in ("https://evil.example", "null"):
        refused(await mcp.send(LIST[1], origin=origin, **LIST[0]), 403, "forbidden")
    assert (await mcp.send(LIST[1], origin="http://localhost:6274", **LIST[0])).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "", "application/x-www-form-urlencoded", "application/jsonp"])
async def test_what_does_not_say_that_it_is_json_is_415(mcp, kind):
    """In the gateway's shape; parameters may follow."""
    refused(await mcp.send(LIST[1], content_type=kind, **LIST[0]), 415, "unsupported_media_type")
    assert (await mcp.send(LIST[1], content_type="Application/JSON; charset=utf-8", **LIST[0])).status_code == 200


@pytest.mark.parametrize("version", ["bogus", "", "2027-01-01", "2025-11-25, 2025-11-25"])
async def test_an_unknown_version_is_told_with_those_that_are_known(mcp, version):
    """Of the header, where the message names none; where it does, the protocol has its own words for it."""
    answer = await mcp.send(b'{"jsonrpc": "2.0", "id": 7, "method": "tools/list"}', mcp_protocol_version=version)
    error = answer.json()["error"]
    assert (answer.status_code, answer.json()["id"], error["code"]) == (400, 7, -32022)
    assert error["data"]["requested"] == version
    assert {"2025-11-25", MODERN} <= set(error["data"]["supported"])
    headers, body = message("tools/list", MODERN, {})
    mixed = await mcp.send(body, **{**headers, "mcp_protocol_version": version})
    assert (mixed.status_code, mixed.json()["error"]["code"]) == (400, -32020)
    headers, body = message("tools/list", MODERN, {})
    unknown = await mcp.send(
        body.replace(MODERN.encode(), b"2027-01-01"), **{**headers, "mcp_protocol_version": "2027-01-01"}
    )
    assert unknown.json()["error"]["data"] == {"supported": [MODERN], "requested": "2027-01-01"}


async def test_a_body_above_the_limit_is_413(mcp):
    """Four MiB unless configured."""
    small = McpWorld(mcp.world, McpSettings(is_local=True, body_limit=1000))
    refused(await small.send(b" " * 1001, **LIST[0]), 413, "body_too_large")
    assert (await small.send(LIST[1], **LIST[0])).status_code == 200


async def test_a_changed_configuration_counts_from_the_next_request_on(mcp):
    """The limit of a body is the one of now."""

    class Changing:
        limit = 1000

        def now(self):
            return McpSettings(is_local=True, body_limit=self.limit)

    settings = Changing()
    changing = McpWorld(mcp.world, settings)
    assert (await changing.send(LIST[1], **LIST[0])).status_code == 200
    settings.limit = 10
    refused(await changing.send(LIST[1], **LIST[0]), 413, "body_too_large")


@pytest.mark.parametrize("era", [MODERN, "2025-11-25", ""])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b'{"jsonrpc": "2.0",', -32700),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "method": "tools/call"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "Method": "tools/list"}', -32600),
        (b'[{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}]', -32600),
        (b'{"jsonrpc": "2.0", "id": null, "method": "tools/list"}', -32600),
    ],
)
async def test_what_is_not_a_message_is_400(mcp, era, body, code):
    """The same in every era."""
    answer = await mcp.send(body, **({"mcp_protocol_version": era} if era else {}))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_an_unknown_method_is_404_or_an_error(mcp):
    """As each era has it."""
    modern = await mcp.ask("no/such")
    assert (modern.status_code, body_of(modern)["error"]["code"]) == (404, -32601)
    assert body_of(await mcp.ask("no/such", era="2025-11-25"))["error"]["code"] == -32601


@pytest.mark.parametrize("era", [MODERN, "2025-11-25"])
@pytest.mark.parametrize(
    ("method", "params"), [("prompts/get", {"name": "none"}), ("resources/read", {"uri": "test://none"})]
)
async def test_what_is_not_there_is_the_callers_error(mcp, era, method, params):
    """-32602, and no crash in the log."""
    headers, body = message(method, era, params)
    if "uri" in params and era == MODERN:
        headers["mcp_name"] = params["uri"]
    answer = await mcp.send(body, **headers)
    assert body_of(answer)["error"]["code"] == -32602
    assert [line for line in mcp.world.lines() if line["message"] == "internal error"] == []


@pytest.mark.parametrize("era", [MODERN, "2025-11-25"])
async def test_malformed_parameters_quote_nothing(mcp, era):
    """-32602 without the library's text."""
    headers, body = message("tools/call", era, {"arguments": {"x": "secret plan"}})
    answer = await mcp.send(body, **headers)
    assert body_of(answer)["error"]["code"] == -32602
    assert "secret" not in answer.text
    assert "pydantic" not in answer.text


async def test_notifications_are_accepted(mcp):
    """202, nothing to say."""
    body = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode()
    assert (await mcp.send(body, mcp_protocol_version="2025-11-25")).status_code == 202


async def test_a_crash_is_500_without_a_trace(mcp):
    """The caller gets a request id, the log the type of the exception, nobody its text."""

    async def broken(scope, receive, send):
        raise ZeroDivisionError("secret plan")

    gate = mcp.app.routes[0].app
    gate._app._app = broken
    answer = await mcp.send(LIST[1], **LIST[0])
    error = refused(answer, 500, "internal_error")
    (line,) = [line for line in mcp.world.lines() if line["message"] == "internal error"]
    assert (line["error.type"], line["request_id"]) == ("ZeroDivisionError", error["request_id"])
    assert "secret" not in mcp.world.log.getvalue() + answer.text


async def test_a_crash_after_the_head_cuts_the_answer(mcp):
    """It cannot be taken back, so it must not look complete."""

    async def broken(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    mcp.app.routes[0].app._app._app = broken
    with pytest.raises(ZeroDivisionError):
        await mcp.send(LIST[1], **LIST[0])


async def test_a_crash_of_the_library_is_a_bare_error(mcp):
    """Clients of 2025 would otherwise read the exception's text."""

    async def broken(*args, **kwargs):
        raise ZeroDivisionError("secret plan")

    mcp.app.routes[0].app._app._app._server.add_middleware(broken)
    for era in (MODERN, "2025-11-25"):
        answer = await mcp.ask("tools/list", era=era)
        assert body_of(answer)["error"] == {"code": -32603, "message": "Internal error"}
    assert [line["where"] for line in mcp.world.lines() if line["message"] == "internal error"] == ["tools/list"] * 2


@pytest.mark.parametrize("era", [MODERN, "2025-11-25"])
async def test_a_key_sees_the_tools_that_it_may_use(mcp, era):
    """The others are neither listed nor run."""
    key = await mcp.world.key(tools=("list_models", "count_tokens"))
    headers, body = message("tools/list", era, {})
    listed = result_of(await mcp.send(body, **headers, x_api_key=key))["tools"]
    assert [tool["name"] for tool in listed] == ["list_models", "count_tokens"]
    told = await mcp.text("complete", key=key, era=era, messages=[{"role": "user", "content": "hi"}])
    assert told.startswith("forbidden: This key may not use 'complete'.")
    assert mcp.invoker.asked == []


async def test_lists_may_be_cached_but_not_shared(mcp):
    """They differ by key."""
    result = result_of(await mcp.ask("tools/list"))
    assert (result["ttlMs"], result["cacheScope"]) == (300_000, "private")


async def test_a_caller_who_leaves_before_the_body_is_whole(mcp):
    """Nobody is there to be told, and it is no fault of ours."""
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    sent = []

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message)

    named = {"host": "localhost", "content-type": "application/json", "x-api-key": await mcp.world.key()}
    headers = [(name.encode(), value.encode()) for name, value in named.items()]
    scope = {"type": "http", "method": "POST", "path": "/mcp", "query_string": b"", "headers": headers}
    await mcp.app(scope, receive, send)
    assert (sent, mcp.world.lines()) == ([], [])


async def test_an_encoded_message_is_refused_by_its_header(mcp):
    """As on every other route, in the gateway's shape; a declared length above the limit as well."""
    answer = await mcp.send(b"\x1f\x8b", content_encoding="gzip")
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_encoding")
    answer = await mcp.send(b"{}", content_length="99999999999")
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")
