"""When an app begins its work: as soon as what has come of its request was read."""

import pytest

from local.joined import JoinedProtocol
from local.protocols import BoundedProtocol
from tests.local.wire import GET, HEAD, connect, turns


class App:
    """Notes when it begins and what it has of the body by then; answers once that is whole."""

    def __init__(self):
        self.begun, self.bodies = 0, []

    async def __call__(self, scope, receive, send):
        self.begun += 1
        body, message = b"", {"more_body": True}
        while message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


class Plain(JoinedProtocol):
    """That of a server without bounds; they are `connect`'s to set."""


PROTOCOLS = pytest.mark.parametrize("protocol", [BoundedProtocol, Plain])


@PROTOCOLS
@pytest.mark.parametrize(("request_", "body"), [(GET, b""), (HEAD + b"0123456789", b"0123456789")])
async def test_a_whole_request_is_answered_at_once(protocol, request_, body):
    """No turn of the event loop later: its body is there already."""
    app = App()
    wire = connect(app, protocol)
    wire.receive(request_)
    assert app.bodies == [body]
    await turns()
    assert wire.statuses == [200]
    assert wire.server.tasks == set()


@PROTOCOLS
async def test_one_whose_body_is_still_to_come_has_begun(protocol):
    """It may have to be refused before that."""
    app = App()
    wire = connect(app, protocol)
    wire.receive(HEAD + b"01234")
    assert (app.begun, len(wire.server.tasks), app.bodies) == (1, 1, [])
    wire.receive(b"56789")
    await turns()
    assert (app.bodies, wire.statuses) == ([b"0123456789"], [200])


@PROTOCOLS
async def test_what_comes_behind_a_request_is_answered_behind_it(protocol):
    """Both lie there: the second begins once the first is answered."""
    app = App()
    wire = connect(app, protocol)
    wire.receive(GET + HEAD + b"0123456789")
    await turns()
    assert (app.bodies, wire.statuses) == ([b"", b"0123456789"], [200, 200])
    assert wire.server.tasks == set()
