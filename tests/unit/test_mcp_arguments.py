"""Arguments of tools: their errors, and the schema that clients pay for."""

import json
from typing import Any

import pytest

from gateway_core.api.embeddings import EmbeddingsBody
from gateway_core.api.schemas import DEFAULT_MAX_TOKENS, DEFAULT_TEMPERATURE, CompleteBody
from gateway_core.api.tokens import TokensBody
from gateway_core.api.usage import UsageQuery
from gateway_core.domain.errors import InvalidRequest
from gateway_core.mcp_front.complete import CompleteArguments
from gateway_core.mcp_front.embed import EmbedArguments
from gateway_core.mcp_front.server import OPERATIONS
from gateway_core.mcp_front.tokens import TokensArguments
from gateway_core.mcp_front.usage import UsageArguments

HELLO = [{"role": "user", "content": "my secret plan"}]


def fault_of(model: type[Any], **given: Any) -> str:
    """The message of a refusal."""
    with pytest.raises(InvalidRequest) as caught:
        model.parse(given)
    return caught.value.message


def test_each_wrong_argument_is_named():
    """Missing, unknown and of the wrong type; no value is quoted."""
    told = fault_of(CompleteArguments, mesages=HELLO, temperature="my secret plan")
    assert told == (
        "messages: field required; temperature: input should be a valid number; mesages: there is no such argument."
    )


def test_a_place_inside_a_list_is_named():
    """By its index."""
    told = fault_of(CompleteArguments, messages=[*HELLO, "my secret plan"])
    assert told == "messages.1: input should be a valid dictionary."


def test_a_choice_is_named_with_its_options():
    """So that the next call can be right."""
    told = fault_of(CompleteArguments, messages=HELLO, routing="my secret plan")
    assert told == "routing: input should be 'order', 'cost' or 'latency'."


def test_many_faults_and_long_names_are_cut():
    """An error is no mirror."""
    told = fault_of(UsageArguments, **{f"{number}{'x' * 200}": 1 for number in range(9)})
    assert told.count("there is no such argument") == 3
    assert len(told) < 400


def test_types_are_not_turned_into_one_another():
    """As on the routes."""
    assert "max_tokens" in fault_of(CompleteArguments, messages=HELLO, max_tokens="100")
    assert "max_tokens" in fault_of(CompleteArguments, messages=HELLO, max_tokens=True)


def test_only_what_was_given_is_sent_on():
    """The routes know the defaults."""
    assert CompleteArguments.parse({"messages": HELLO, "model": None}).given() == {"messages": HELLO, "model": None}


@pytest.mark.parametrize(
    ("arguments", "route"),
    [(CompleteArguments, CompleteBody), (TokensArguments, TokensBody), (UsageArguments, UsageQuery)],
)
def test_arguments_are_fields_of_their_route(arguments, route):
    """Under the same name, required or not, with the same default; what nobody asked for is apart there."""
    defaults = {"temperature": DEFAULT_TEMPERATURE, "max_tokens": DEFAULT_MAX_TOKENS} if route is CompleteBody else {}
    for name, field in arguments.model_fields.items():
        assert name in route.model_fields, name
        assert field.is_required() == route.model_fields[name].is_required(), name
        expected = route.model_fields[name].get_default(call_default_factory=True)
        assert field.get_default(call_default_factory=True) == defaults.get(name, expected), name


def test_embeddings_are_sent_on_openais_wire():
    """Whom the request counts for travels in headers, the user in OpenAI's field."""
    body = set(EmbedArguments.model_fields) - {"project_id", "agent_id", "user_id"}
    assert body <= set(EmbeddingsBody.model_fields)


def test_schemas_hold_no_titles_and_no_nulls():
    """They cost every session tokens and tell a model nothing."""
    text = json.dumps([operation.arguments.schema_for_clients() for operation, _kind in OPERATIONS])
    assert '"title"' not in text
    assert "null" not in text


def test_every_tool_and_argument_is_described():
    """A model asks for it. An argument is described where it stands first, unless its name says it all."""
    described = {"id", "input", "limit"}
    for operation, _kind in OPERATIONS:
        assert operation.title
        assert operation.description
        properties = operation.arguments.schema_for_clients()["properties"]
        described |= {name for name, field in properties.items() if field.get("description")}
        assert properties.keys() <= described, operation.name
