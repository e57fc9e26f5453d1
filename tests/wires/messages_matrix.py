"""The matrix with Anthropic's Messages as the caller's wire: each case by provider's wire, and what became of it.

`python -m tests.wires.messages_matrix` writes messages_expected.yaml anew from what is, for review.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.wires.case import Case, user
from tests.wires.expected import folded
from tests.wires.gateway import COLUMNS, ENGINES, Column, Heard, Lab
from tests.wires.matrix import WrongError
from tests.wires.messages_cases import CASES
from tests.wires.words import Json

PATH = "/v1/messages"
FILE = Path(__file__).with_name("messages_expected.yaml")
_HEAD = """\
# What becomes of each case of messages_cases.py, which callers send on Anthropic's wire, by provider's wire and engine;
# in the words of expected.yaml. Made by `python -m tests.wires.messages_matrix`; read every line of a change.
"""
_OK, _BAD_REQUEST = 200, 400
_NOBODY = "No candidate can serve this request"
_LACKS = re.compile(r"lacks (\w+)")

type Cells = dict[str, dict[str, str]]
"""By the names of column and engine."""


def columns_of(case: Case) -> list[Column]:
    return [column for column in COLUMNS if not case.columns or column.name in case.columns]


def seen(lab: Lab, engine: str, case: Case) -> Cells:
    """What becomes of the case by this engine. Raises WrongError."""
    return {column.name: {engine: _cell(lab, case, column, engine)} for column in columns_of(case)}


def load() -> dict[str, Cells]:
    """What is expected, by the cases' ids."""
    cases = {case.id: case for case in CASES}
    return {name: _unfolded(found, cases[name]) for name, found in yaml.safe_load(FILE.read_text()).items()}


def of(expected: Cells, engine: str) -> Cells:
    """The cells of one engine."""
    return {column: {engine: by_engine[engine]} for column, by_engine in expected.items()}


def _cell(lab: Lab, case: Case, column: Column, engine: str) -> str:
    """In a word, whole and streamed. LiteLLM's streams have cases of their own, and these events are none of its."""
    whole = _outcome(lab, case, column, streams=False)
    streamed = _outcome(lab, case, column, streams=True) if engine == "native" else whole
    return whole if whole == streamed else f"{whole} / streamed: {streamed}"


def _outcome(lab: Lab, case: Case, column: Column, *, streams: bool) -> str:
    heard = _ask(lab, case, column, streams=streams)
    told = heard.told
    if told.status == _BAD_REQUEST:
        return _refused(lab, case, column, heard)
    if told.status != _OK or told.error or len(heard.sent) != 1:
        raise WrongError(f"{told.status}: {told.error}, {len(heard.sent)} calls")
    sent = heard.sent[0]
    if not case.heard(told):
        raise WrongError(f"answered {told.finish!r} {told.text!r} {told.calls}, sent {sent.body}")
    if case.sent(sent):
        return "carried" if not told.dropped else f"carried, without {', '.join(told.dropped)}"
    if not case.fields & set(told.dropped):
        raise WrongError(f"lost, {told.dropped} named, sent {sent.body}")
    return f"named: {', '.join(told.dropped)}"


def _ask(lab: Lab, case: Case, column: Column, *, streams: bool) -> Heard:
    body: Json = {"max_tokens": 8000, **case.body, "model": column.model, **({"stream": True} if streams else {})}
    heard = lab.ask(column.provider, PATH, body)
    for turn in range(2 * case.turns - 1):
        if heard.told.status != _OK or heard.told.error:
            break
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in heard.told.calls]
        back = {"role": "assistant", "content": heard.told.raw["content"]}
        body = {**body, "messages": [*body["messages"], back, user(results or f"[[tool]] turn {turn}")]}
        heard = lab.ask(column.provider, PATH, body)
    return heard


def _refused(lab: Lab, case: Case, column: Column, heard: Heard) -> str:
    error = heard.told.error or {}
    param, message = error.get("param"), error["message"]
    if not param or heard.sent or error["type"] != "invalid_request_error":
        raise WrongError(f"{message} {error}, sent {[sent.body for sent in heard.sent]}")
    if _NOBODY not in message:
        return f"refused: {param}"
    _check_next_candidate(lab, case, column)
    lacking = _LACKS.search(message)
    return f"ruled out: {lacking[1] if lacking else param}"


def _check_next_candidate(lab: Lab, case: Case, column: Column) -> None:
    """In a group another model answers, or all are ruled out. Raises WrongError."""
    body = {"max_tokens": 8000, **case.body, "model": f"first-{column.model}"}
    told = lab.ask(column.provider, PATH, body).told
    if told.status == _OK and told.headers["x-gateway-model"] == column.model:
        raise WrongError("alone it is ruled out, in a group it answers")
    if told.status != _OK and not (told.status == _BAD_REQUEST and (told.error or {}).get("param")):
        raise WrongError(f"nobody takes over: {told.status} {told.error}")


def _unfolded(found: Any, case: Case) -> Cells:
    def by_engine(column: Column) -> dict[str, str]:
        one = found[column.name] if isinstance(found, dict) and column.name in found else found
        return {engine: one[engine] if isinstance(one, dict) else one for engine in ENGINES}

    return {column.name: by_engine(column) for column in columns_of(case)}


def main() -> None:
    """Write the file."""
    made: dict[str, Cells] = {case.id: {} for case in CASES}
    for engine in ENGINES:
        with tempfile.TemporaryDirectory() as folder, Lab(engine, Path(folder)) as lab:
            for case in CASES:
                for column, cells in seen(lab, engine, case).items():
                    made[case.id].setdefault(column, {}).update(cells)
    told = {name: folded(cells) for name, cells in made.items()}
    text = yaml.safe_dump(told, sort_keys=False, width=116, default_flow_style=None, allow_unicode=True)
    FILE.write_text(_HEAD + text)


if __name__ == "__main__":
    main()
