"""Every call of the code is allowed to the role of who makes it, and nothing is allowed that nobody calls."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import boto3
import pytest
from botocore import xform_name

from tests.template.aws_calls import Call, Recorder, calls_before_traffic, calls_of
from tests.template.aws_rights import LISTS_MODELS, LOOKED_UP, rights_of, rights_of_bedrock, rights_of_lambda
from tests.template.deployed import KEY, MANAGED, REGION, SETS, stack
from tests.template.iam import Asked, allowed
from tests.template.test_template import ROOT
from tests.template.transformed import RESOURCES

SOURCES = ROOT / "layers/gateway_core/src/gateway_core"
ENGINE = "aws_durable_execution_sdk_python"
NAMES = sorted(name for name, one in RESOURCES.items() if one["Type"] == "AWS::Lambda::Function")
DURABLE = "AWSLambdaBasicDurableExecutionRolePolicy"


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients want a region and credentials, although nothing is sent."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


@cache
def called(name: str, chosen: str) -> list[Call]:
    """What the function asks AWS for."""
    deployed = stack(chosen)
    if name == "Preflight":
        asked = [deployed.names[other] for other in NAMES if other in deployed.functions]
        unasked = {deployed.names["Preflight"], deployed.names.get("JobWorker")}
        return calls_before_traffic([one for one in asked if one not in unasked], Recorder())
    return _calls_with(frozenset(deployed.environ(name).items()), deployed.arn("BacklogDeadLetters"))


@cache
def _calls_with(environ: frozenset[tuple[str, str]], letters: str) -> list[Call]:
    """Of every function with this environment: no other thing tells them apart."""
    return asyncio.run(calls_of(dict(environ), Recorder(letters)))


def needed(name: str, chosen: str) -> set[Asked]:
    """The rights that the function needs."""
    deployed = stack(chosen)
    found = {right for call in called(name, chosen) for right in rights_of(call, deployed)}
    found |= set(rights_of_lambda(name, deployed))
    environ = deployed.functions[name]["Environment"]["Variables"]
    if environ.get("BEDROCK_REGION"):
        found |= set(rights_of_bedrock(environ["BEDROCK_REGION"]))
    # Whose region may also be in the configuration: who probes lists the models there.
    if name == "Probe" and deployed.parameters.get("Bedrock") == "on":
        found.add(LISTS_MODELS)
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("chosen", SETS)
def test_what_is_called_is_allowed_and_nothing_else(chosen: str, name: str) -> None:
    """Both ways: a call without a right fails, and so does a right without a call."""
    deployed = stack(chosen)
    if name not in deployed.functions:
        assert chosen == "no jobs"
        return
    wanted = needed(name, chosen)
    statements = deployed.rights[name]
    assert [right for right in wanted if not allowed(statements, right)] == []
    parts = [part for statement in deployed.own(f"{name}Role") for part in statement.parts()]
    assert [part for part in parts if not any(part.applies(right) for right in wanted)] == []


@pytest.mark.parametrize("name", NAMES)
def test_of_awss_own_policies_each_has_what_it_needs(name: str) -> None:
    """Logs and traces, and checkpoints for the one that the engine of jobs runs."""
    logs = DURABLE if name == "JobWorker" else "AWSLambdaBasicExecutionRole"
    assert stack("ssm").managed(f"{name}Role") == {logs, "AWSXrayWriteOnlyAccess"}


def test_the_engine_of_jobs_asks_for_nothing_else() -> None:
    """What AWS's policy for it allows is what its client calls."""
    spec = find_spec(ENGINE)
    assert spec
    assert spec.origin
    found = set(_operations(Path(spec.origin).with_name("lambda_service.py").read_text(), {"lambda"}))
    granted = {action.partition(":")[2] for action in MANAGED[DURABLE] if action.startswith("lambda:")}
    assert {operation for _, operation in found} == granted


def test_every_call_in_the_code_is_driven_here() -> None:
    """A new one has to be, or nobody would know whether it may be made."""
    texts = [path.read_text() for path in SOURCES.rglob("*.py")]
    written = {one for text in texts if (services := _services(text)) for one in _operations(text, services)}
    assert len(written) >= 12
    assert written <= LOOKED_UP


def test_every_call_that_is_looked_up_is_made() -> None:
    """By some function, with some parameters."""
    functions = ((chosen, name) for chosen in SETS for name in stack(chosen).functions)
    made = {(call.service, call.operation) for chosen, name in functions for call in called(name, chosen)}
    assert made == LOOKED_UP


def _services(text: str) -> set[str]:
    """Of AWS, of which a module speaks by their names."""
    if "boto3" not in text and "Calls" not in text:
        return set()
    constants = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
    imported = {name for name in _known() if f"mypy_boto3_{name} " in text}
    return imported | ({one for one in constants if isinstance(one, str)} & _known())


@cache
def _known() -> frozenset[str]:
    return frozenset(_session().get_available_services())


@cache
def _session() -> boto3.session.Session:
    """To look at what AWS has; each would read it anew."""
    return boto3.session.Session()


@cache
def _by_method(service: str) -> dict[str, str]:
    """Operations by boto3's names for them, and by their own."""
    names = _session()._session.get_service_model(service).operation_names
    return {xform_name(name): name for name in names} | {name: name for name in names}


def _operations(text: str, services: set[str]) -> Iterator[tuple[str, str]]:
    """Calls of a method or by a name that an operation of these services has."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(func=ast.Attribute(attr="get_paginator" | "call"), args=[ast.Constant(str(name)), *_]):
                pass
            case ast.Call(func=ast.Attribute(attr="_call"), args=[_, ast.Constant(str(name)), *_]):
                pass
            case ast.Call(func=ast.Attribute(attr=name)):
                pass
            case _:
                continue
        yield from ((service, _by_method(service)[name]) for service in services if name in _by_method(service))


def test_a_key_of_ours_is_in_play() -> None:
    """The sets above have one where it changes what is needed."""
    assert any(KEY in values.values() for values in SETS.values())
