"""The events of a stream on OpenAI's chat wire.

For a caller on the same wire the events themselves go on, held back only until there is content, and from a choice's
finish on until the stream has come to a sound end: a cut answer must not look like a whole one.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway_core.domain.answer import Chunk, ToolCallDelta
from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.wires.calls import CallNumbers
from gateway_core.wires.openai_chat.answer import with_text
from gateway_core.wires.openai_chat.beside import all_of, reasoning_in, sound_bytes, sound_tokens, unplaced
from gateway_core.wires.openai_chat.history import NO_ARGUMENTS, REASONING_MARK
from gateway_core.wires.openai_chat.odd_calls import CallMender
from gateway_core.wires.openai_chat.record import OPENAI_CHAT, with_finish
from gateway_core.wires.shapes import first, items, mapping, sendable, text_of
from gateway_core.wires.signed_ids import signed
from gateway_core.wires.table import traits_of


class ChatReader:
    """Reads one stream, see `codec.EventReader`. Of several choices the first is the answer, others are beside it."""

    def __init__(self, call: ProviderCall) -> None:
        self._forwards = call.body_on(OPENAI_CHAT.name) is not None
        self._mender = CallMender(call.request_id)
        self._carries = traits_of(call.deployment.provider).takes_reasoning
        self._params = call.params
        self._sound_bytes = 0
        self._calls = CallNumbers()
        self._argued: set[int] = set()
        self._without_arguments: set[int] = set()
        self._reasoning: list[str] = []
        self._latest: Json = {}
        self._waiting: list[Json] = []
        self._finished: list[Json] = []
        self._usage: tuple[Json, ...] = ()

    @property
    def called(self) -> bool:
        return self._calls.any

    def chunk(self, event: Json) -> Chunk:
        if text := _plain_text(event):
            return Chunk(text, forwarded=self._passed_plain(event) if self._forwards else ())
        event = self._mender.mended(event)
        event = self._signed(event) if self._reasoning and not self._calls.any else event
        choices = [mapping(choice) for choice in items(event.get("choices"))]
        main = next((mapping(one.get("delta")) for one in choices if not one.get("index")), {})
        others = [mapping(one.get("delta")) for one in choices if one.get("index")]
        calls = tuple(self._pieces(main)) if main.get("tool_calls") else ()
        reasoning = reasoning_in(main)
        if self._carries and reasoning and not self._calls.any:
            self._reasoning.append(reasoning)
        text, refusal = text_of(main.get("content")), text_of(main.get("refusal"))
        other = any(map(_is_other, (main, *others)))
        beside = unplaced(main) + "".join(map(all_of, others)) if other or others else ""
        said = bool(text or calls or reasoning or refusal or other or beside)
        return Chunk(
            text=text,
            tool_calls=calls,
            reasoning=reasoning,
            refusal=refusal,
            other=other,
            beside=beside,
            sound_tokens=self._sound_tokens(main, *others) if other else 0,
            forwarded=self._passed(event, choices, said=said) if self._forwards else (),
        )

    def last(self) -> Chunk:
        missing = tuple(ToolCallDelta(index, arguments=NO_ARGUMENTS) for index in sorted(self._without_arguments))
        if not self._forwards:
            return Chunk(tool_calls=missing)
        ends = self._finished or [self._end]
        forwarded = (*self._waiting, *map(self._event_of, missing), *ends, *self._usage)
        return Chunk(tool_calls=missing, forwarded=forwarded)

    @property
    def _end(self) -> Json:
        """Of a stream that came to its end without saying why."""
        finish = "tool_calls" if self.called else "stop"
        return self._with([{"index": 0, "delta": {}, "finish_reason": finish}])

    def _sound_tokens(self, *deltas: Json) -> int:
        """What the sound in them adds to what came before."""
        size = sum(map(sound_bytes, deltas))
        if not size:
            return 0
        before = sound_tokens(self._sound_bytes, self._params)
        self._sound_bytes += size
        return sound_tokens(self._sound_bytes, self._params) - before

    def _pieces(self, delta: Json) -> Iterator[ToolCallDelta]:
        for piece in map(mapping, items(delta.get("tool_calls"))):
            said = mapping(piece.get("function") or piece.get("custom"))
            arguments = text_of(said.get("arguments") or said.get("input"))
            named = (text_of(piece.get("id")), text_of(said.get("name")))
            made = self._calls.delta(piece.get("index"), *named, arguments)
            if made is None:
                continue
            if made.arguments:
                self._argued.add(made.index)
                self._without_arguments.discard(made.index)
            elif made.name and made.index not in self._argued and "custom" not in piece:
                self._without_arguments.add(made.index)
            yield made

    def _signed(self, event: Json) -> Json:
        """The event with the reasoning so far in the id of the first call, if that begins here."""
        choice = first(event.get("choices"))
        pieces = [dict(mapping(piece)) for piece in items(mapping(choice.get("delta")).get("tool_calls"))]
        if not pieces or not pieces[0].get("id"):
            return event
        pieces[0]["id"] = signed(str(pieces[0]["id"]), REASONING_MARK, "".join(self._reasoning))
        rest = items(event.get("choices"))[1:]
        return {**event, "choices": [{**choice, "delta": {**choice["delta"], "tool_calls": pieces}}, *rest]}

    def _passed(self, event: Json, choices: list[Json], *, said: bool) -> tuple[Json, ...]:
        """The events that may go on by now."""
        self._latest = event
        choices = [{**with_finish(one), "delta": _told(mapping(one.get("delta")))} for one in choices]
        if told := mapping(event.get("usage")):
            self._usage = ({**self._with([]), "usage": told},)
            if not choices:
                return ()
        ended = [one for one in choices if one.get("finish_reason")]
        if ended:
            spoken: Json = {"delta": {}, "logprobs": None} if said else {}
            self._finished.append(self._with([{**one, **spoken} for one in ended]))
        if said or not ended:
            open_ = [{**one, "finish_reason": None} if one in ended else one for one in choices]
            self._waiting.append(self._with(open_))
        if not said:
            return ()
        passed, self._waiting = tuple(self._waiting), []
        return passed

    def _passed_plain(self, event: Json) -> tuple[Json, ...]:
        """As `_passed`, for an event that only says something."""
        self._latest = event
        if "usage" in event:
            event = {name: value for name, value in event.items() if name != "usage"}
        passed, self._waiting = (*self._waiting, event), []
        return passed

    def _with(self, choices: list[Json]) -> Json:
        """An event like the latest, with these choices and without its usage."""
        made = {**self._latest, "choices": choices}
        made.pop("usage", None)
        return made

    def _event_of(self, piece: ToolCallDelta) -> Json:
        delta = {"tool_calls": [{"index": piece.index, "function": {"arguments": piece.arguments}}]}
        return self._with([{"index": 0, "delta": delta, "finish_reason": None}])


def _plain_text(event: Json) -> str:
    """The text of an event that says nothing else, as most do; empty for any other."""
    choices = event.get("choices")
    if type(choices) is not list or len(choices) != 1 or event.get("usage"):
        return ""
    choice = choices[0]
    if (
        type(choice) is not dict
        or choice.get("finish_reason") is not None
        or choice.get("index")
        or "message" in choice
    ):
        return ""
    delta = choice.get("delta")
    if type(delta) is not dict or not all(map(_is_plain, delta, delta.values())):
        return ""
    text = delta.get("content")
    return sendable(text) if type(text) is str else ""


def _is_plain(name: str, value: object) -> bool:
    return name == "content" or value is None or (name == "role" and value != "")


def _told(delta: Json) -> Json:
    """The delta with a text for its content, and no role that is none, which some servers send with each."""
    if delta.get("role") == "":
        delta = {name: value for name, value in delta.items() if name != "role"}
    return with_text(delta)


def _is_other(delta: Json) -> bool:
    return bool(delta.get("audio") or delta.get("function_call"))
