"""The floor: a server that hands requests on and answers back, and does nothing else. `PORT` and `OPENAI_API_BASE`."""

import os

from aiohttp import ClientSession, web

BASE = os.environ["OPENAI_API_BASE"]


async def chat(request: web.Request) -> web.StreamResponse:
    """Forward one, body and answer as they are."""
    headers = {"content-type": "application/json", "authorization": "Bearer simulated"}
    session = request.app["session"]
    async with session.post(f"{BASE}/chat/completions", data=await request.read(), headers=headers) as answer:
        if answer.content_type != "text/event-stream":
            return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)
        out = web.StreamResponse(status=answer.status, headers={"content-type": "text/event-stream"})
        await out.prepare(request)
        async for chunk in answer.content.iter_any():
            await out.write(chunk)
        return out


async def begin(app: web.Application) -> None:
    app["session"] = ClientSession()


app = web.Application()
app.on_startup.append(begin)
app.router.add_post("/v1/chat/completions", chat)
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), print=None, access_log=None)
