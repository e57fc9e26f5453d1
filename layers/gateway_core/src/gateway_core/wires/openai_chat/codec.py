"""The way of the chat form to OpenAI's chat wire and back: mostly none."""

from __future__ import annotations

from gateway_core.wires.codec import Codec
from gateway_core.wires.openai_chat.answer import answer
from gateway_core.wires.openai_chat.events import ChatReader
from gateway_core.wires.openai_chat.request import request

OPENAI_CHAT_CODEC = Codec(request=request, answer=answer, reader=ChatReader, cannot=frozenset({"image_result"}))
