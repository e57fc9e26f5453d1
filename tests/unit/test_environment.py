"""The environment is read in one place, so the gateway and the command line take the same values for the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core import bootstrap
from gateway_core.cli import opening as cli
from gateway_core.config.environment import Environment, McpEnvironment, ProcessEnvironment, backlog_folder, completed
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.errors import ConfigError
from tests.unit.sources import texts_of

ROOT = Path(__file__).parents[2]
CORE = ROOT / "layers/gateway_core/src/gateway_core"
READER = CORE / "config/environment.py"
READERS = {READER, CORE / "config/client_environment.py"}
"""The second reads what the command line alone takes."""
NAME = re.compile(r"_?[A-Z][A-Z0-9]*(_[A-Z0-9]+)+_?")
READ = re.compile(r"""(?:environ(?:\.\w+)?|getenv)[\[(]["'](\w+)["']""")
MAYBE = re.compile(r"""["']_?[A-Z][A-Z0-9]*[_"']""")
"""How a text begins that may be a name, or a part of one: where none does, nobody need look closer."""
EXCEPTIONS = {
    # A room below `config`, which knows Lambda and nothing else.
    "lambda_stream/__main__.py": {"AWS_LAMBDA_RUNTIME_API"},
    "lambda_stream/runtime.py": {"AWS_SAM_LOCAL"},
    # OpenSSL's own, where the certificates of those are that may be trusted.
    "http1/tls.py": {"SSL_CERT_DIR", "SSL_CERT_FILE"},
    # What AWS's own SDKs read; a room beside `config`.
    "adapters/aws/account.py": {
        "AWS_ACCESS_KEY_ID",
        "AWS_CA_BUNDLE",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_USE_FIPS_ENDPOINT",
    },
    # Set for LiteLLM, which reads it when it is loaded.
    "adapters/litellm/library.py": {"LITELLM_LOCAL_MODEL_COST_MAP"},
}

BOTH = "UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN"
TEXTS = st.text("htps:/.x1@? \n\xa0ß\0", max_size=9)
STORE = {"UPSTASH_REDIS_REST_URL": "http://127.0.0.1:9", "UPSTASH_REDIS_REST_TOKEN": "t0ken"}
PADS = st.sampled_from(["", " ", "\n", "\t "])
URLS = [
    "https://eu1.upstash.io",
    "HTTP://127.0.0.1:9/",
    "http://redis.example.com",
    "redis://x",
    "x",
    "https://u:p@x.io",
]
FLAGS = ["", "0", "1", "true", "2", "1 1"]


def padded(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """With white space around, as it comes from files and from copying."""
    return st.tuples(PADS, values, PADS).map("".join)


def mostly(value: str, *others: str) -> st.SearchStrategy[str]:
    """A value that is taken, so that not all is refused for the first variable; else others, or any text."""
    return padded(st.just(value) | st.sampled_from(["", value, *others]) | TEXTS)


ENVIRONS = st.fixed_dictionaries(
    {
        "UPSTASH_REDIS_REST_URL": mostly("https://eu1.upstash.io", *URLS),
        "UPSTASH_REDIS_REST_TOKEN": mostly("t0ken", "a b", "tök"),
    },
    optional={"GATEWAY_ALLOW_HTTP": mostly("1", *FLAGS)},
)


def names_in(path: Path) -> set[str]:
    """Texts that are a variable's name and nothing else, and whatever the environment is asked for."""
    # Keys of tables are words of a provider, parts of a longer text are a message or a name made from a provider's.
    source = path.read_text("utf-8")
    alone = texts_of(path).alone if MAYBE.search(source) else ()
    return {name for name in alone if NAME.fullmatch(name)} | set(READ.findall(source))


def test_one_module_knows_the_names_of_variables():
    """Nobody else has one as a text, but for the exceptions; messages may speak of them."""
    paths = {*CORE.rglob("*.py"), *ROOT.glob("functions/*/*.py")} - READERS
    found = {path: names_in(path) for path in paths}
    elsewhere = {path.relative_to(CORE).as_posix(): names for path, names in found.items() if names}
    assert elsewhere == EXCEPTIONS
    assert {"UPSTASH_REDIS_REST_URL", "GATEWAY_FUNCTION_", "_X_AMZN_TRACE_ID"} <= names_in(READER)


def told(read):
    """URL and token that a store was opened with, or the message with which none was."""
    try:
        store = read()
    except ConfigError as error:
        return error.message
    client = store._client
    return getattr(client, "_redis", client)._url, client._token  # the SDK's own, where there is one


@given(ENVIRONS)
def test_the_gateway_and_the_command_line_agree(environ):
    """On every value: both work with the same store, or both refuse with the same words."""
    gateway = told(lambda: bootstrap.open_store(GatewaySettings.from_env(environ)))
    assert told(lambda: cli.open_store(environ)) == gateway


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, ("http://127.0.0.1:9", "t0ken")),
        ({"UPSTASH_REDIS_REST_URL": "http://127.0.0.1:9 "}, ("http://127.0.0.1:9", "t0ken")),
        ({"UPSTASH_REDIS_REST_TOKEN": "\tt0ken\n"}, ("http://127.0.0.1:9", "t0ken")),
        ({"UPSTASH_REDIS_REST_URL": "http://redis:1", "GATEWAY_ALLOW_HTTP": "1 "}, ("http://redis:1", "t0ken")),
        ({"GATEWAY_ALLOW_HTTP": "true"}, "GATEWAY_ALLOW_HTTP: is neither 0 nor 1. Set it to 1 to allow, or unset it."),
        ({"UPSTASH_REDIS_REST_URL": " "}, f"{BOTH} belong together. Set UPSTASH_REDIS_REST_URL as well, or neither."),
        (
            {"UPSTASH_REDIS_REST_URL": "", "UPSTASH_REDIS_REST_TOKEN": ""},
            f"Set {BOTH} to the store's REST address.",
        ),
    ],
)
def test_what_the_command_line_makes_of_a_value(changes, outcome):
    """White space around it counts for nothing, a flag is 0 or 1, and half an address is told from none."""
    assert told(lambda: cli.open_store(STORE | changes)) == outcome


def test_both_spread_projects_alike(tmp_path):
    """Over the databases that the environment names, by documents that it names; one without its address is told."""
    document = tmp_path / "config.yaml"
    document.write_text("store: {databases: {east: {projects: [big]}}}")
    further = {"UPSTASH_REDIS_REST_URL_EAST": "http://127.0.0.1:8 ", "UPSTASH_REDIS_REST_TOKEN_EAST": "other"}
    environ = STORE | further | {"GATEWAY_CONFIG": str(document)}
    gateway, operator = bootstrap.open_store(bootstrap.read_settings(environ)), cli.open_store(environ)
    for store in (gateway, operator):
        assert [told(lambda found=found: found)[0] for found in store.databases.values()] == [
            "http://127.0.0.1:9",
            "http://127.0.0.1:8",
        ]
        assert store._homes.placement.database_of("big") == "east"
    gateway.forget_connections()
    for opened in (bootstrap.read_settings, cli.open_store):
        with pytest.raises(ConfigError, match=r"no database 'east'. Set UPSTASH_REDIS_REST_URL_EAST"):
            opened(STORE | {"GATEWAY_CONFIG": str(document)})


def test_white_space_is_no_value():
    """Nor does it hide a secret of that name."""
    assert Environment({"A": " \n"}).text("A") is None
    assert completed({"A": " ", "B": " ", "C": "c"}, {"A": "secret", "C": "secret"}) == {
        "A": "secret",
        "B": " ",
        "C": "c",
    }


def test_who_needs_the_bucket_of_jobs_is_told_that_it_is_not_named():
    """By its variable; white space names none."""
    named = ProcessEnvironment.from_env({"GATEWAY_JOBS_BUCKET": " the-jobs\n"})
    assert (named.jobs_bucket, named.needed_bucket) == ("the-jobs", "the-jobs")
    with pytest.raises(ConfigError, match="GATEWAY_JOBS_BUCKET"):
        _ = ProcessEnvironment.from_env({"GATEWAY_JOBS_BUCKET": " "}).needed_bucket


def test_where_a_process_runs():
    """On Lambda, from a snapshot or not, and what the template points it to."""
    at_home = ProcessEnvironment.from_env({"AWS_LAMBDA_FUNCTION_NAME": " ", "GATEWAY_FUNCTION_USAGE": ""})
    assert (at_home.on_lambda, at_home.restores, at_home.log_format, at_home.functions) == (False, False, "text", {})
    deployed = ProcessEnvironment.from_env(
        {
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
            "GATEWAY_SECRETS_PROVIDERS": "ssm:/providers ",
            "GATEWAY_SECRETS_STORE": "ssm:/store",
            "GATEWAY_FUNCTION_COMPLETE": "arn:complete\n",
            "GATEWAY_EVENT_BUS": "bus",
        }
    )
    assert (deployed.on_lambda, deployed.restores, deployed.log_format, deployed.event_bus) == (
        True,
        True,
        "json",
        "bus",
    )
    assert deployed.secret_sources == ("ssm:/store", "ssm:/providers")
    assert deployed.functions == {"complete": "arn:complete"}


def test_the_backlog_is_a_queue_or_a_folder():
    """No other URL; under `sam local` there is none, whatever name is passed on."""
    queue = "https://sqs.eu-central-1.amazonaws.com/1/q"
    for named, folder in ((queue, None), ("/data/backlog", "/data/backlog"), (" ", None)):
        assert ProcessEnvironment.from_env({"GATEWAY_BACKLOG": named}).backlog == (named.strip() or None)
        assert backlog_folder({"GATEWAY_BACKLOG": named}) == folder
    assert ProcessEnvironment.from_env({"GATEWAY_BACKLOG": "Backlog", "AWS_SAM_LOCAL": "true"}).backlog is None
    with pytest.raises(ConfigError, match="GATEWAY_BACKLOG"):
        ProcessEnvironment.from_env({"GATEWAY_BACKLOG": "s3://bucket/secret"})


def test_names_stand_between_commas():
    """Empty ones are none."""
    environ = {"GATEWAY_ALLOWED_HOSTS": " a.example, ,b.example,"}
    assert McpEnvironment.from_env(environ) == McpEnvironment(("a.example", "b.example"), (), is_local=True)
