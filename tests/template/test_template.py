"""What template.yaml promises, read as data; `make validate` lets SAM and cfn-lint judge the rest."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway_core.store.probes import interval_s
from local.front import LOCAL_ROUTES, function_of

ROOT = Path(__file__).parents[2]


class Loader(yaml.CSafeLoader):
    """Reads CloudFormation's short forms (`!Ref x`) as one-entry mappings."""


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {suffix: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", _intrinsic)
TEMPLATE = yaml.load((ROOT / "template.yaml").read_text(), Loader)  # noqa: S506 - a SafeLoader with tags
FUNCTIONS = {
    name: resource["Properties"]
    for name, resource in TEMPLATE["Resources"].items()
    if resource["Type"] == "AWS::Serverless::Function" and name != "Preflight"
}
"""Of the gateway. What looks at their new versions is none of them: it reads no secret, and nothing of the store."""
CALL_MODELS = {"Ask", "Complete", "Embed", "JobWorker", "Stream"}
MAY_READ_KEYS = CALL_MODELS | {"Probe"}


def routes(properties):
    """(method, path) of a function's API events."""
    events = properties.get("Events", {}).values()
    return [(e["Properties"]["Method"], e["Properties"]["Path"]) for e in events if e["Type"] == "Api"]


def schedules(properties):
    """The inputs of a function's schedules, by name."""
    events = properties.get("Events", {})
    return {name: e["Properties"]["Input"] for name, e in events.items() if e["Type"] == "ScheduleV2"}


def variables(properties):
    return properties.get("Environment", {}).get("Variables", {})


def memory_mb(name):
    """Of a function, by default: the template's own, or a parameter's."""
    given = FUNCTIONS[name].get("MemorySize", TEMPLATE["Globals"]["Function"]["MemorySize"])
    return TEMPLATE["Parameters"][given["Ref"]]["Default"] if isinstance(given, dict) else given


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_is_a_folder_with_a_handler(name):
    """`app.handler`, as the globals say, or another module of it."""
    folder = ROOT / FUNCTIONS[name]["CodeUri"]
    module, _, attribute = FUNCTIONS[name].get("Handler", "app.handler").partition(".")
    assert attribute == "handler"
    assert (folder / f"{module}.py").is_file()
    assert not (folder / "__init__.py").exists()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_local_front_sends_each_path_to_the_same_function(name):
    """What API Gateway does on AWS and what `make run` does are the same."""
    folder = Path(FUNCTIONS[name]["CodeUri"]).name
    for _method, path in routes(FUNCTIONS[name]):
        assert (
            function_of(
                path.replace("{model_id+}", "gpt-5.1")
                .replace("{proxy+}", "no/such/route")
                .replace("{request_id}", "req_1")
            )
            == folder
        )


def test_whatever_comes_is_answered_by_the_gateway_itself():
    """API Gateway takes the key of a caller whose method or path it does not know for a signature of AWS: a 403."""
    every = [route for properties in FUNCTIONS.values() for route in routes(properties)]
    assert {method for method, _path in every} == {"ANY"}
    assert {("ANY", "/"), ("ANY", "/{proxy+}")} <= set(every)


def test_what_one_process_has_alone_is_not_deployed():
    """A feed or the counters of this process would show a fraction of a fleet's."""
    deployed = {path for properties in FUNCTIONS.values() for _method, path in routes(properties)}
    assert set(LOCAL_ROUTES) == {"/v1/events", "/metrics"}
    assert not set(LOCAL_ROUTES) & deployed


def test_every_function_is_deployed():
    """No module is forgotten."""
    modules = {(path.parent.name, path.stem) for path in (ROOT / "functions").glob("*/*.py")}
    handlers = {
        (Path(p["CodeUri"]).name, p.get("Handler", "app.handler").partition(".")[0]) for p in FUNCTIONS.values()
    }
    assert handlers | {("preflight", "app")} == modules


def test_what_reads_keys_for_a_schedule_has_no_route():
    """They are started by their schedules and nobody else, and load no LiteLLM."""
    for name in ("Probe", "Invoices"):
        assert routes(FUNCTIONS[name]) == []
        assert len(schedules(FUNCTIONS[name])) == len(FUNCTIONS[name]["Events"])
        assert "Layers" not in FUNCTIONS[name]
    assert [name for name in FUNCTIONS if schedules(FUNCTIONS[name])] == ["Probe", "Invoices"]


def test_keys_that_administer_are_read_by_one_function_and_are_not_below_the_others():
    """Whoever reads the others reads all that is below their path."""
    named = [name for name in FUNCTIONS if "GATEWAY_SECRETS_BILLING" in variables(FUNCTIONS[name])]
    assert named == ["Invoices"]
    text, values = variables(FUNCTIONS["Invoices"])["GATEWAY_SECRETS_BILLING"]["Sub"]
    assert text == "${SecretsIn}:${Path}-billing"
    policies = str(FUNCTIONS["Invoices"]["Policies"])
    assert "parameter${Path}-billing/*" in policies
    assert "secret:${Path}-billing-??????" in policies
    others = str({name: properties for name, properties in TEMPLATE["Resources"].items() if name != "Invoices"})
    assert "-billing" not in others
    assert values == {"Path": variables(FUNCTIONS["Probe"])["GATEWAY_SECRETS_PROVIDERS"]["Sub"][1]["Path"]}


def test_the_events_are_what_the_schedules_send():
    """`sam local invoke` starts the probe as the schedules do."""
    sent = schedules(FUNCTIONS["Probe"])
    every = TEMPLATE["Parameters"]["ProbeSchedule"]["Default"]
    texts = {"probe": sent["Providers"]["Sub"].replace("${ProbeSchedule}", every), "probe_catalog": sent["Catalog"]}
    texts["probe_holds"] = sent["Holds"]
    texts["invoices_check"] = schedules(FUNCTIONS["Invoices"])["Daily"]
    for name, text in texts.items():
        assert json.loads((ROOT / f"events/{name}.json").read_text()) == json.loads(text)


@pytest.mark.parametrize(
    ("schedule", "is_allowed"),
    [
        ("rate(1 minute)", True),
        ("rate(5 minutes)", True),
        ("rate(12 hours)", True),
        ("rate(1 minutes)", False),
        ("rate(5 minute)", False),
        ("rate(0 minutes)", False),
        ("cron(0 8 * * ? *)", False),
    ],
)
def test_a_schedule_that_may_be_chosen_is_one_that_the_probe_understands(schedule, is_allowed):
    """It tells how long results count."""
    pattern = TEMPLATE["Parameters"]["ProbeSchedule"]["AllowedPattern"]
    assert bool(re.search(pattern, schedule)) == is_allowed
    assert interval_s(schedule) or not is_allowed


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_only_functions_that_call_providers_may_read_provider_keys(name):
    """In the environment and in the role alike."""
    properties = FUNCTIONS[name]
    assert ("GATEWAY_SECRETS_PROVIDERS" in variables(properties)) == (name in MAY_READ_KEYS)
    assert ({"Ref": "ProviderSecrets"} in properties["Policies"]) == (name in MAY_READ_KEYS)
    assert {"Ref": "StoreSecrets"} in properties["Policies"]


def test_layers_are_built_for_the_functions_processor():
    """SAM puts x86-64 binaries into an arm64 layer unless it is told."""
    for resource in TEMPLATE["Resources"].values():
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            assert resource["Metadata"]["BuildArchitecture"] == {"Ref": "Architecture"}
            assert resource["Properties"]["CompatibleArchitectures"] == [{"Ref": "Architecture"}]
    assert TEMPLATE["Globals"]["Function"]["Architectures"] == [{"Ref": "Architecture"}]


LOOKS = {"/ask/{job_id}", "/v1/responses/{response_id}"}
"""Of a function that waits for models, the routes that wait for none, and have to answer soon."""
AGENTS = {"/v1/messages", "/v1/responses"}
LARGE = {"/v1/embeddings", "/v1/usage", "/v1/usage/records", "/v1/usage/records/{request_id}", "/v1/budgets"}
LARGE |= {"/v1/holds", "/v1/invoices", "/v1/key", "/dashboard", "/dashboard/{proxy+}"}
"""Of functions some of whose answers may grow beyond the 6 MB of one that does not stream."""
OAUTH = {
    "/register",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
}
"""Beside `/mcp`, and so of a function that streams."""
STREAMED = {"/ask", "/v1/complete", "/v1/stream", "/v1/chat/completions", "/mcp"} | OAUTH | AGENTS | LOOKS | LARGE


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_what_somebody_waits_for_starts_by_our_runtime(name):
    """Which can stream, and does not look for garbage while a function loads; what the engine of jobs runs does not."""
    is_asked = any(event["Type"] == "Api" for event in FUNCTIONS[name].get("Events", {}).values())
    wrapper = variables(FUNCTIONS[name]).get("AWS_LAMBDA_EXEC_WRAPPER")
    assert wrapper == ("/opt/stream-runtime" if is_asked else None)


@pytest.mark.parametrize(
    "name", [name for name in FUNCTIONS if name not in {"Probe", "Invoices", "Replay", "JobWorker"}]
)
def test_the_handler_answers_as_the_route_passes_it_on(name):
    """A route that buffers wants a document, and one that streams a prelude; Mangum's reader alone is nowhere."""
    properties = FUNCTIONS[name]
    code = (ROOT / properties["CodeUri"] / "app.py").read_text()
    events = [event["Properties"] for event in properties["Events"].values() if event["Type"] == "Api"]
    (streams,) = {event["Path"] in STREAMED for event in events}
    assert f"handler = {'streaming' if streams else 'whole'}_handler(app)" in code


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_what_waits_for_a_model_streams(name):
    """SAM takes only this spelling; any other is silently buffered."""
    properties = FUNCTIONS[name]
    for event in (event for event in properties.get("Events", {}).values() if event["Type"] == "Api"):
        streams = event["Properties"]["Path"] in STREAMED
        assert (event["Properties"].get("ResponseTransferMode") == "RESPONSE_STREAM") == streams
        if event["Properties"]["Path"] in LOOKS:
            assert event["Properties"]["TimeoutInMillis"] == 60_000
        elif streams:
            assert event["Properties"]["TimeoutInMillis"] >= properties["Timeout"] * 1000
