"""The matrix: every case by every caller's form, provider's wire and engine, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tests.wires.answers import Json, Told
from tests.wires.case import Case, result, user
from tests.wires.cases_answers import ANSWERS
from tests.wires.cases_formats import FORMATS
from tests.wires.cases_options import OWN, SAMPLING, THINKING
from tests.wires.cases_talk import CALLS_BACK, MEDIA, TURNS
from tests.wires.cases_tools import TOOLS
from tests.wires.gateway import Column, Heard, Lab

SECTIONS: Mapping[str, tuple[Case, ...]] = MappingProxyType(
    {
        "Turns": TURNS,
        "Images, documents, sound": MEDIA,
        "Tools": TOOLS,
        "Calls and results in the history": CALLS_BACK,
        "Formats": FORMATS,
        "Sampling and limits": SAMPLING,
        "Thinking": THINKING,
        "OpenAI's own options, and caching": OWN,
        "Answers": ANSWERS,
    }
)
CASES: tuple[Case, ...] = tuple(case for cases in SECTIONS.values() for case in cases)
_OK, _BAD_REQUEST, _UNPROCESSABLE = 200, 400, 422


@dataclass(frozen=True, slots=True)
class Form:
    """A caller's form: a path for whole answers, one for streams, and how a model and a group are named."""

    name: str
    whole: str
    streamed: str
    extra: Json
    group: str

    def request(self, body: Json, *, streams: bool, **named: str) -> tuple[str, Json]:
        return (self.streamed if streams else self.whole), {**body, **named, **(self.extra if streams else {})}

    def grown(self, body: Json, told: Told, turn: int) -> Json:
        """The next request of a conversation that was answered."""
        return {**body, "messages": [*body["messages"], *_next(told, turn)]}


CHAT = Form("chat", "/v1/chat/completions", "/v1/chat/completions", {"stream": True}, "model")
COMPLETE = Form("complete", "/v1/complete", "/v1/stream", {}, "model_group")
FORMS = (CHAT, COMPLETE)


class WrongError(AssertionError):
    """A cell that is silently lost, broken, or refused without a reason."""


def cell(lab: Lab, case: Case, column: Column, form: Form) -> str:
    """What becomes of the case, whole and streamed, in a word. Raises WrongError."""
    whole, streamed = (_outcome(lab, case, column, form, streams=streams) for streams in (False, True))
    return whole if whole == streamed else f"{whole} / streamed: {streamed}"


def _outcome(lab: Lab, case: Case, column: Column, form: Form, *, streams: bool) -> str:
    heard = _ask(lab, case, column, form, streams=streams)
    told = heard.told
    if told.status in (_BAD_REQUEST, _UNPROCESSABLE):
        return _refused(lab, case, column, form, heard)
    if (told.error or {}).get("code") == "content_filtered" and case.heard(told):
        return "error: content_filtered"
    if told.status != _OK or told.error:
        raise WrongError(f"{told.status}: {told.error}")
    if len(heard.sent) != 1:
        raise WrongError(f"{len(heard.sent)} calls of the provider")
    sent = heard.sent[0]
    reaches, comes = case.sent(sent), case.heard(told)
    if not comes:
        raise WrongError(f"answered {told.finish!r} {told.text!r} {told.calls} {told.refusal!r}, sent {sent.body}")
    if reaches:
        return "carried" if not told.dropped else f"carried, without {', '.join(told.dropped)}"
    if not case.fields & set(told.dropped):
        raise WrongError(f"lost, {told.dropped} named, sent {sent.body}")
    return f"named: {', '.join(told.dropped)}"


def _ask(lab: Lab, case: Case, column: Column, form: Form, *, streams: bool) -> Heard:
    path, body = form.request(case.body, streams=streams, model=column.model)
    heard = lab.ask(column.provider, path, body)
    for turn in range(2 * case.turns - 1):
        if heard.told.status != _OK or heard.told.error:
            break
        body = form.grown(body, heard.told, turn)
        heard = lab.ask(column.provider, path, body)
    return heard


def _next(told: Told, turn: int) -> list[Json]:
    """The answer as it came, and the results of its calls or the user's next turn."""
    results: list[Any] = [result(call.id, f"result of {call.name}") for call in told.calls]
    return [told.message, *(results or [user(f"[[tool]] turn {turn}")])]


def _refused(lab: Lab, case: Case, column: Column, form: Form, heard: Heard) -> str:
    error = heard.told.error or {}
    param, message = error.get("param"), error["message"]
    if error["code"] == "content_filtered":
        return "error: content_filtered"
    if not param or heard.sent:
        raise WrongError(f"{message} {error}, sent {[sent.body for sent in heard.sent]}")
    if heard.told.status == _UNPROCESSABLE:
        return f"refused: {param}"
    _check_next_candidate(lab, case, column, form)
    lacking = _LACKS.search(message)
    return f"ruled out: {lacking[1] if lacking else param}"


def _check_next_candidate(lab: Lab, case: Case, column: Column, form: Form) -> None:
    """In a group another model answers, or all are ruled out. Raises WrongError."""
    path, body = form.request(case.body, streams=False, **{form.group: f"first-{column.model}"})
    told = lab.ask(column.provider, path, body).told
    attempts = told.attempts if told.error is None else told.error["attempts"]
    if told.status != _OK and not (told.status == _BAD_REQUEST and (told.error or {}).get("param")):
        raise WrongError(f"nobody takes over: {told.status} {told.error}")
    if told.status == _OK and told.headers["x-gateway-model"] == column.model:
        raise WrongError("alone it is ruled out, in a group it answers")
    if attempts:
        first = attempts[0]
        if (first["model"], first["outcome"]) != (column.model, "skipped") or first["error_code"] not in _REASONS:
            raise WrongError(f"the attempts do not say why: {attempts}")


_LACKS = re.compile(r"lacks (\w+)")
_REASONS = ("capability", "unsupported")
