"""The examples of openapi.json are what a running gateway answers, and it gives the document itself."""

import json

import pytest
from jsonschema import Draft202012Validator

from scripts.openapi.__main__ import EXAMPLES, TARGET
from scripts.openapi.operations import OPERATIONS
from scripts.openapi.recording import answered, content, media_type

pytestmark = pytest.mark.xdist_group("e2e")

DOCUMENT = json.loads(TARGET.read_text())
RECORDED = json.loads(EXAMPLES.read_text())


def members(answer):
    """What an answer has at its top; a stream its events."""
    if isinstance(answer, dict):
        return set(answer)
    return {line.partition(":")[2] for line in answer.splitlines() if line.startswith("event:")}


def test_the_examples_are_real(gateway, providers):
    """Each has the status, the type, the members and the form that it is documented with."""
    for operation, example, response in answered(OPERATIONS, gateway):
        recorded, answer = RECORDED[operation.id][example.name], content(response)
        assert (response.status_code, media_type(response)) == (recorded["status"], recorded["type"]), answer
        assert members(answer) == members(recorded["answer"])
        described = DOCUMENT["paths"][operation.path][operation.method.lower()]["responses"][str(recorded["status"])]
        schema = {**described["content"][recorded["type"]]["schema"], "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(answer)


def test_the_document_is_served(gateway):
    """To anybody, on this machine."""
    response = gateway.get("/openapi.json", headers={"authorization": ""})
    assert (response.status_code, response.json()) == (200, DOCUMENT)
