"""openapi.json is what the generator makes of the routes' own schemas, and has the routes that there are."""

import json
import re
from importlib import import_module
from importlib.util import find_spec

import pytest
import yaml
from jsonschema import Draft202012Validator
from jsonschema_specifications import REGISTRY

from gateway_core.adapters.feed import EventFeed
from gateway_core.api.admin.routes import admin_router
from gateway_core.mcp_front.app import METADATA, REGISTRATION
from gateway_core.mcp_front.app import PATH as MCP
from local.live_events import events_router
from local.metrics_route import metrics_router
from scripts.openapi.__main__ import EXAMPLES, ROOT, TARGET, text
from scripts.openapi.operations import OPERATIONS

DOCUMENT = json.loads(TARGET.read_text())
RECORDED = json.loads(EXAMPLES.read_text())
METHODS = {"get", "post", "put", "patch", "delete"}


def of_openapi(path):
    """Starlette's way to name the rest of a path is not OpenAPI's."""
    return re.sub(r"\{(\w+):path\}", r"{\1}", path)


def routers():
    """The factories that the functions name, which open nothing until a request comes."""
    for app in sorted(ROOT.glob("functions/*/app.py")):
        source = app.read_text()
        for module, names in re.findall(r"^from (gateway_core\.api[\w.]*) import ([\w, ]+)$", source, re.MULTILINE):
            parts = [
                name for name in names.split(", ") if find_spec(module).submodule_search_locations and name.islower()
            ]
            yield from (import_module(f"{module}.{part}").router for part in parts)
    yield admin_router(None, None)


def served():
    """Method and path of each route that there is, with those of the local stack and MCP's."""
    routes = [
        route
        for router in (*routers(), events_router(EventFeed()), metrics_router(None, None))
        for route in router(None).all
    ]
    return {(method, of_openapi(route.path)) for route in routes for method in route.methods} | {
        ("POST", MCP),
        ("POST", REGISTRATION),
        *(("GET", path) for path in METADATA),
    }


def test_it_is_what_the_generator_makes():
    """`make openapi` was run."""
    assert TARGET.read_text() == text()


def test_it_has_each_route_and_no_other():
    """Those of the functions, of the local stack, and MCP's."""
    described = {(op.upper(), path) for path, item in DOCUMENT["paths"].items() for op in item.keys() & METHODS}
    assert described == {(operation.method, operation.path) for operation in OPERATIONS}
    assert described == served()


def test_it_has_each_path_of_the_template():
    """But the one for what is unknown; what is below a path has a name of its own in each."""

    class Loader(yaml.CSafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda *_: None)
    template = yaml.load((ROOT / "template.yaml").read_text(), Loader)  # noqa: S506 - a safe one
    events = [
        event["Properties"]["Path"]
        for resource in template["Resources"].values()
        for event in resource.get("Properties", {}).get("Events", {}).values()
        if event["Type"] == "Api"
    ]
    paths = {path for path in events if path != "/{proxy+}"}
    described = DOCUMENT["paths"]
    ways = {path: re.compile(re.sub(r"\{\w+\+\}$", ".*", re.sub(r"\{\w+\}", "[^/]+", path))) for path in paths}
    assert [path for path, way in ways.items() if not any(map(way.fullmatch, described))] == []
    assert [path for path in described if not any(way.fullmatch(path) for way in ways.values())] == [
        "/v1/events",
        "/metrics",
    ]


def metaschema():
    """JSON Schema's own, its vocabularies in one: as each of them refers to all, it takes ten times as long."""
    whole = {"type": ["object", "boolean"], "properties": {}, "$defs": {}}
    for vocabulary in Draft202012Validator.META_SCHEMA["allOf"]:
        part = REGISTRY.contents(f"https://json-schema.org/draft/2020-12/{vocabulary['$ref']}")
        for name in ("properties", "$defs"):
            assert not whole[name].keys() & part.get(name, {}).keys()
            whole[name] |= part.get(name, {})
    return json.loads(json.dumps(whole).replace('{"$dynamicRef": "#meta"}', '{"$ref": "#"}'))


def test_every_reference_leads_somewhere_and_every_schema_is_one():
    """What tools generate code from."""
    schemas = DOCUMENT["components"]["schemas"]
    named = set(re.findall(r'"#/components/schemas/(\w+)"', TARGET.read_text()))
    assert named == schemas.keys()
    validator = Draft202012Validator(metaschema())
    for schema in schemas.values():
        validator.validate(schema)
    assert not validator.is_valid({"items": {"properties": {"name": {"type": "text"}}}})


def examples():
    """Each recorded answer with the response that it belongs to."""
    return [(operation, name, one) for operation in OPERATIONS for name, one in RECORDED.get(operation.id, {}).items()]


@pytest.mark.parametrize(("operation", "name", "one"), examples(), ids=lambda value: getattr(value, "id", None))
def test_each_example_has_the_form_of_its_answer(operation, name, one):
    """Status, type and schema."""
    described = DOCUMENT["paths"][operation.path][operation.method.lower()]["responses"][str(one["status"])]
    schema = described["content"][one["type"]]["schema"]
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(one["answer"])
    assert any(example.name == name and example.status == one["status"] for example in operation.examples)


def test_each_operation_that_answers_has_an_example():
    """But what nobody asks for an answer, and streams without an end."""
    without = {operation.id for operation in OPERATIONS if not operation.examples}
    assert without == {
        "delete_response",
        "openapi",
        "events",
        "dashboard",
        "dashboard_elsewhere",
        "dashboard_part",
        "metrics",
    }
    assert RECORDED.keys() == {operation.id for operation in OPERATIONS} - without
