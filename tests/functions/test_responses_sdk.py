"""OpenAI's own SDK on POST /v1/responses, where a stream breaks."""

import httpx
import openai
import pytest

from tests.functions.test_responses_forwarded import streamed
from tests.functions.upstream import piece, sse

# The SDK takes a second and a half to build its models. What is sent is read by tests of the routes.
pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    ("model", "said"), [("own", sse(piece({"content": "Hi."}))), ("gpt", sse(*streamed()[:6]))], ids=["made", "relayed"]
)
async def test_a_cut_stream_raises(door, model, said):
    """Translated or forwarded: whoever passes over `response.failed` is told by the exception."""
    key = door.http.headers["authorization"].removeprefix("Bearer ")
    http = httpx.AsyncClient(transport=door.http._transport)
    seen = []
    async with openai.AsyncOpenAI(base_url="http://gateway/v1", api_key=key, http_client=http, max_retries=0) as sdk:
        door.streams(said)
        stream = await sdk.responses.create(model=model, input="Hello.", stream=True)
        with pytest.raises(openai.APIError):
            await _listen(stream, seen)
        door.streams(said)
        with pytest.raises(openai.APIError):
            async with sdk.responses.stream(model=model, input="Hello.") as helped:
                await helped.get_final_response()
    assert (seen[0], seen[-1]) == ("response.created", "response.failed")
    assert not {"response.completed", "response.incomplete"} & set(seen)


async def _listen(stream, seen):
    async for event in stream:
        seen.append(event.type)
