"""Settings: environment, operator's file, defaults; and what is refused, without giving a secret away."""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import pytest

from gateway_core.config import catalog_loader, price_list
from gateway_core.config import schema as config_file
from gateway_core.config.documents import Document, merge, read_json, read_yaml
from gateway_core.config.known_providers import known_providers
from gateway_core.config.schema import BreakerSection, FailoverSection
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.base_url import check_base_url
from gateway_core.domain.errors import ConfigError
from gateway_core.routing.retry import RetryPolicy
from gateway_core.store.messages import BreakerPolicy

ROOT = Path(__file__).parents[2]


NAME = "config.yaml"


def configured(text, environ=MappingProxyType({})):
    """The settings that a document of this text makes."""
    return GatewaySettings.from_env(environ, [Document(NAME, text)])


class TestEnvironment:
    def test_defaults(self):
        """An empty environment gives a gateway without keys and without a store."""
        settings = GatewaySettings.from_env({})
        assert dict(settings.provider_keys) == {}
        assert (settings.store, settings.store_url, settings.dev_key) == (None, None, None)
        assert (settings.default_timeout_s, settings.max_timeout_s, settings.max_stream_timeout_s) == (120, 290, 840)
        assert settings.body_limit == 4 * 1024 * 1024
        assert settings.breaker == BreakerPolicy()
        assert settings.log_level == "INFO"

    def test_provider_keys(self):
        """A key counts for its provider; an empty variable, as Docker Compose passes it, is no key."""
        settings = GatewaySettings.from_env(
            {"OPENAI_API_KEY": " sk-1\n", "ANTHROPIC_API_KEY": "", "GEMINI_API_KEY": " "}
        )
        assert {name: key.reveal() for name, key in settings.provider_keys.items()} == {"openai": "sk-1"}

    def test_base_urls(self):
        """A base URL of the environment replaces the default, in the provider and in its deployments."""
        settings = GatewaySettings.from_env({"GEMINI_API_BASE": "http://127.0.0.1:8789/gemini/v1beta/"})
        assert settings.catalog.providers["gemini"].api_base == "http://127.0.0.1:8789/gemini/v1beta"
        assert settings.catalog.models["gemini-flash"].deployment.api_base == "http://127.0.0.1:8789/gemini/v1beta"

    def test_environment_wins_over_the_file(self):
        """Environment before file, for base URLs, the log level and the pace of reloading."""
        text = "providers: {openai: {base_url: 'https://file.example/v1'}}\nlog_level: ERROR\nreload_s: 5\n"
        assert configured(text).catalog.providers["openai"].api_base == "https://file.example/v1"
        assert (configured(text).log_level, configured(text).reload_s) == ("ERROR", 5)
        environ = {"OPENAI_API_BASE": "https://env.example/v1", "LOG_LEVEL": "debug", "GATEWAY_RELOAD_S": "0.5"}
        settings = configured(text, environ)
        assert settings.catalog.providers["openai"].api_base == "https://env.example/v1"
        assert (settings.log_level, settings.reload_s) == ("DEBUG", 0.5)

    def test_store(self):
        """URL and token of the store come together."""
        env = {"UPSTASH_REDIS_REST_URL": "https://eu1.upstash.io/", "UPSTASH_REDIS_REST_TOKEN": "t0ken"}
        settings = GatewaySettings.from_env(env)
        assert settings.store is not None
        assert (settings.store_url, settings.store.token.reveal()) == ("https://eu1.upstash.io", "t0ken")

    def test_dev_key(self):
        """The development key is a key of project dev."""
        settings = GatewaySettings.from_env({"GATEWAY_DEV_KEY": "gk_dev_local"})
        assert settings.dev_key is not None
        assert settings.dev_key.reveal() == "gk_dev_local"

    def test_http_beyond_this_machine(self):
        """Plain http to another host takes an explicit opt-in."""
        env = {"OPENAI_API_BASE": "http://simulator:8789/v1"}
        with pytest.raises(ConfigError, match="OPENAI_API_BASE: plain http"):
            GatewaySettings.from_env(env)
        settings = GatewaySettings.from_env(env | {"GATEWAY_ALLOW_HTTP": "1"})
        assert settings.catalog.providers["openai"].api_base == "http://simulator:8789/v1"

    @pytest.mark.parametrize(
        ("env", "message"),
        [
            ({"UPSTASH_REDIS_REST_URL": "https://x.io"}, "UPSTASH_REDIS_REST_TOKEN belong together"),
            ({"UPSTASH_REDIS_REST_TOKEN": "hidden"}, "UPSTASH_REDIS_REST_URL and"),
            (
                {"UPSTASH_REDIS_REST_URL": "redis://:hidden@x", "UPSTASH_REDIS_REST_TOKEN": "t"},
                "UPSTASH_REDIS_REST_URL",
            ),
            ({"GATEWAY_RELOAD_S": "hidden"}, "GATEWAY_RELOAD_S: is not a number of seconds from 0 to 86400."),
            ({"GATEWAY_RELOAD_S": "-1"}, "GATEWAY_RELOAD_S: is not a number of seconds"),
            ({"GATEWAY_RELOAD_S": "nan"}, "GATEWAY_RELOAD_S: is not a number of seconds"),
            ({"GATEWAY_DEV_KEY": "hidden"}, "GATEWAY_DEV_KEY: is not a key of project dev"),
            ({"GATEWAY_DEV_KEY": "gk_prod_hidden"}, "GATEWAY_DEV_KEY: is not a key of project dev"),
            ({"OPENAI_API_KEY": "sk-hidden\nX: y"}, "OPENAI_API_KEY: has characters"),
            ({"OPENAI_API_KEY": "Bearer hidden"}, "OPENAI_API_KEY: has characters"),
            ({"OPENAI_API_KEY": "hidden\N{SNOWMAN}"}, "OPENAI_API_KEY: has characters"),
            ({"OPENAI_API_BASE": "https://hidden@api.openai.com/v1"}, "OPENAI_API_BASE: the base URL carries userinfo"),
            ({"GATEWAY_ALLOW_HTTP": "hidden"}, "GATEWAY_ALLOW_HTTP: is neither 0 nor 1"),
            ({"LOG_LEVEL": "hidden"}, "LOG_LEVEL: there is no such level. Choose one of DEBUG, INFO"),
        ],
    )
    def test_wrong_environments_are_refused(self, env, message):
        """An error names the variable and the remedy, and never repeats a value that may be a secret."""
        with pytest.raises(ConfigError) as error:
            GatewaySettings.from_env(env)
        assert message in error.value.message
        assert "hidden" not in error.value.message

    def test_printing_settings_shows_no_secret(self):
        """However settings are printed, keys and tokens stay masked."""
        env = {
            "OPENAI_API_KEY": "sk-hidden",
            "GATEWAY_DEV_KEY": "gk_dev_hidden",
            "UPSTASH_REDIS_REST_URL": "https://x.io",
            "UPSTASH_REDIS_REST_TOKEN": "hidden",
        }
        settings = GatewaySettings.from_env(env)
        shown = [repr(settings), str(settings), f"{settings.dev_key}", f"{settings.store!r}"]
        assert all("hidden" not in text for text in shown)

    def test_read_once(self):
        """Settings do not change with the environment that they came from."""
        env = {"OPENAI_API_KEY": "sk-1"}
        settings = GatewaySettings.from_env(env)
        env["OPENAI_API_KEY"] = "sk-2"
        assert settings.provider_keys["openai"].reveal() == "sk-1"
        with pytest.raises(dataclasses.FrozenInstanceError):
            settings.max_timeout_s = 1


class TestDocument:
    def test_sections(self):
        """Every section reaches the settings, seconds turned into the units of their targets."""
        settings = configured("""
            breaker: {failures: 2, window_s: 1.5, cooldown_s: 0.25, max_cooldown_s: 9, probe_lease_s: 3}
            failover: {retries: 0, same_model_retries: 2, backoff_base_ms: 10, backoff_max_ms: 90}
            limits: {default_timeout_s: 10, max_timeout_s: 20, max_stream_timeout_s: 30.5, queue_timeout_s: 0,
                     body_limit_bytes: 1000}
            store: {timeout_s: 0.5, connect_timeout_s: 0.1}
            pricing: {book: spec-2026-01, per_tokens: 1, models: {mistral: {input: 0.000001, output: "2e-6"}}}
            groups: {cheap: [mistral]}
            batch: {max_questions: 10000, concurrency: 1}
            default_output_cap: 7
            default_agent_output_cap: 8
            prompt_caching: off
            reload_s: 0
            secrets_reload_s: 60
        """)
        assert settings.breaker == BreakerPolicy(2, 1500, 250, 9000, 3000)
        assert settings.retry == RetryPolicy(0, 2, 10, 90)
        assert (settings.default_timeout_s, settings.max_timeout_s, settings.max_stream_timeout_s) == (10, 20, 30.5)
        assert (settings.queue_timeout_s, settings.body_limit) == (0, 1000)
        assert (settings.store_timeout_s, settings.store_connect_timeout_s) == (0.5, 0.1)
        assert settings.catalog.models["mistral"].price.input == 1000
        assert settings.catalog.models["mistral"].price.output == 2000
        assert settings.catalog.models["gpt-5.1"].price.source == "book:spec-2026-01"
        assert settings.catalog.group("cheap") == (settings.catalog.models["mistral"],)
        assert (settings.catalog.default_output_cap, settings.catalog.default_agent_output_cap) == (7, 8)
        assert (settings.batch_max_questions, settings.batch_concurrency) == (10_000, 1)
        assert (settings.reload_s, settings.secrets_reload_s) == (0, 60)
        assert not settings.prompt_caching

    def test_custom_provider_reads_its_own_variables(self):
        """A provider that only the file knows takes key and base URL from the variables that its name implies."""
        text = "providers: {groq: {base_url: 'https://api.groq.com/openai/v1', input_includes_cached: true}}"
        settings = configured(text, {"GROQ_API_KEY": "gsk", "GROQ_API_BASE": "https://proxy.example"})
        assert settings.provider_keys["groq"].reveal() == "gsk"
        assert settings.catalog.providers["groq"].api_base == "https://proxy.example"

    @pytest.mark.parametrize(("text", "hours"), [("", 6), ("36h", 36), ("14d", 336), ("21600", 6)])
    def test_how_long_holds_wait_to_be_booked(self, text, hours):
        """As a length of time or in seconds; six hours by default."""
        settings = configured(f"budgets: {{unconfirmed_after: {text}}}" if text else "")
        assert settings.unconfirmed_after_ms == hours * 3_600_000

    @pytest.mark.parametrize("text", ["", "groups:\nbreaker:\n", "# nothing\n"])
    def test_empty_sections(self, text):
        """A document or a section whose content is commented out changes nothing."""
        assert configured(text) == GatewaySettings.from_env({})

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("breaker: {failures: 0}", "breaker.failures: Input should be greater than 0. Correct it; config.example"),
            ("breaker: {cooldown_s: .inf}", "line 1: not a decimal number"),
            ("limits: {max_timeout_s: 291}", "limits.max_timeout_s: Input should be less than or equal to 290"),
            ("limits: {body_limit_bytes: 5000000}", "limits.body_limit_bytes: Input should be less than or equal"),
            ("limits: {max_timeout_s: 60}", "limits: Value error, default_timeout_s is longer than max_timeout_s"),
            ("breaker: {window_s: 86401}", "breaker.window_s: Input should be less than or equal to 86400."),
            (
                "budgets: {unconfirmed_after: 5h}",
                "budgets.unconfirmed_after: Input should be greater than or equal to 21600",
            ),
            ("budgets: {unconfirmed_after: 15d}", "budgets.unconfirmed_after: Input should be less than or equal to"),
            ("budgets: {unconfirmed_after: soon}", "budgets.unconfirmed_after: Value error, is no length of time"),
            ("batch: {concurrency: 0}", "batch.concurrency: Input should be greater than 0."),
            ("batch: {max_questions: 10001}", "batch.max_questions: Input should be less than or equal to 10000."),
            ("failover: {retries: 6}", "failover.retries: Input should be less than or equal to 5."),
            ("failover: {backoff_base_ms: 3000}", "failover: Value error, backoff_max_ms is shorter than"),
            ("breaker: {cooldown_s: 600}", "breaker: Value error, max_cooldown_s is shorter than cooldown_s"),
            ("default_output_cap: {a: hidden}", "default_output_cap: Input should be a valid integer"),
            ("groups: hidden", "groups: Input should be a valid dictionary"),
            ("? [hidden]\n: 1", "found unhashable key"),
            ("limit: {}", "limit: There is no such field. Did you mean limits?"),
            ("prompt_caching: hidden", "prompt_caching: Input should be 'auto' or 'off'"),
            ("prompt_caching: on", "prompt_caching: Input should be 'auto' or 'off'"),
            ("log_level: hidden", "log_level: Input should be 'DEBUG'"),
            ("api_key: sk-hidden", "api_key: There is no such field"),
            ("a: [hidden", "Correct the YAML, or quote the text."),
            ("a: *hidden", "line 1: found undefined alias"),
            ("a: [1, 2\nb: 3", "line 2: did not find expected ',' or ']'."),
            ("limits: {max_timeout: 1}", "limits.max_timeout: There is no such field. Did you mean max_timeout_s?"),
            ("cache: true", "cache: Should have fields of its own, in lines below it."),
            ("a: !hidden b", "line 1: could not determine a constructor"),
            ("a: 1\na: hidden", "line 1: a key appears twice in one mapping. Correct the YAML"),
            ("- hidden", "the document is not a mapping"),
            ("1: hidden", "the document is not a mapping"),
            ("a: \x01hidden", "not readable as YAML"),
            ("a: " + "[" * 500 + "]" * 500, "is nested deeper"),
            ("pricing: {book: hidden}", "pricing.book: there is no such price book. Choose one of: spec-2026-01."),
            ("groups: {g: [gpt-5.1, none]}", "groups.g: there is no model 'none'"),
        ],
    )
    def test_wrong_documents_are_refused(self, text, message):
        """An error names the document, the field or line, and the remedy; it does not repeat the content."""
        with pytest.raises(ConfigError) as error:
            configured(text)
        assert error.value.message.startswith(NAME)
        assert message in error.value.message
        assert "hidden" not in error.value.message

    def test_defaults_of_the_policies_agree(self):
        """The section's defaults are those of the policy that it stands for."""
        assert BreakerSection().policy() == BreakerPolicy()
        assert FailoverSection().policy() == RetryPolicy()


class TestDocuments:
    def test_each_adds_to_those_before_it(self):
        """Mappings merge field by field and entry by entry; of other values the last one counts."""
        groups = (
            "groups: {cheap: [gpt-5.1-mini], fast: [gemini-flash]}\nlimits: {queue_timeout_s: 1, stall_timeout_s: 9}"
        )
        prices = (
            "pricing: {models: {gemini-flash: {input: 1, output: 2}}}\ngroups: {fast: [gpt-5.1-mini, gemini-flash]}"
        )
        more = "pricing: {models: {gpt-5.1-mini: {input: 3, output: 4}}}\nlimits: {queue_timeout_s: 2}"
        settings = merged(groups, prices, more)
        assert settings.catalog.groups["cheap"] == ("gpt-5.1-mini",)
        assert settings.catalog.groups["fast"] == ("gpt-5.1-mini", "gemini-flash")
        assert [settings.catalog.models[key].price.input for key in ("gemini-flash", "gpt-5.1-mini")] == [1000, 3000]
        assert (settings.queue_timeout_s, settings.stall_timeout_s) == (2, 9)

    def test_a_later_one_can_remove(self):
        """Null removes an entry that an earlier document or the package has."""
        catalog = merged("groups: {cheap: [gpt-5.1-mini]}", "groups: {cheap: null, fast: null}").catalog
        assert not {"cheap", "fast"} & set(catalog.groups)

    def test_what_was_removed_and_comes_again_starts_from_nothing(self):
        """The package is a document like the others: nothing of a removed entry returns, whoever had it."""
        with pytest.raises(ConfigError, match=r"models.gpt-5.1.provider: Field required"):
            merged("models: {gpt-5.1: null}", "models: {gpt-5.1: {tier: 1}}")
        entry = "{provider: openai, upstream: up, tier: 1, context_window: 9, max_output_tokens: 9}"
        priced = "pricing: {models: {mine: {input: 1, output: 1}}}"
        with pytest.raises(ConfigError, match=r"models.mine.provider: Field required"):
            merged(f"models: {{mine: {entry}}}\n{priced}", "models: {mine: null}", "models: {mine: {tier: 2}}")

    def test_mappings_merge_at_every_depth(self):
        """A later document changes one fixed parameter and keeps the others."""
        entry = "{provider: openai, upstream: up, tier: 1, context_window: 9, max_output_tokens: 9"
        first = f"models: {{mine: {entry}, fixed_params: {{top_p: 0.5, seed: 1}}}}}}"
        priced = "pricing: {models: {mine: {input: 1, output: 1}}}"
        catalog = merged(f"{first}\n{priced}", "models: {mine: {fixed_params: {seed: 2}}}").catalog
        assert catalog.models["mine"].fixed_params == {"top_p": 0.5, "seed": 2}

    def test_the_one_at_fault_is_named(self):
        """By its own name for what is wrong in it, by all names for what is wrong between them."""
        with pytest.raises(ConfigError, match=r"^2: limit: There is no such field"):
            merged("groups: {}", "limit: {}")
        with pytest.raises(ConfigError, match=r"^1, 2: groups.cheap: there is no model 'gpt-5.1-mini'"):
            merged("groups: {cheap: [gpt-5.1-mini], fast: null}", "models: {gpt-5.1-mini: null}")


def merged(*texts):
    return GatewaySettings.from_env({}, [Document(str(number), text) for number, text in enumerate(texts, 1)])


class TestExamples:
    def test_config_example_is_the_default(self):
        """config.example.yaml as it is changes nothing."""
        assert configured((ROOT / "config.example.yaml").read_text("utf-8")) == GatewaySettings.from_env({})

    def test_config_example_loads_with_its_examples(self):
        """With its examples uncommented it loads, and every one of them has its effect."""
        text = re.sub(r"^#: ", "", (ROOT / "config.example.yaml").read_text("utf-8"), flags=re.MULTILINE)
        catalog = configured(text).catalog
        assert catalog.resolve("house-model").price.tiers[0].input == 4000
        assert [model.key for model in catalog.group("cheap")] == ["gpt-5.1-mini", "deepseek-v3.2"]
        assert catalog.models["claude-opus-4.5"].fallbacks == ("gpt-5.1",)
        assert catalog.models["gpt-5.1"].price.source == "book:spec-2026-01"

    def test_config_example_documents_every_option(self):
        """Each field of each schema is named in the example."""
        text = (ROOT / "config.example.yaml").read_text("utf-8")
        schemas = [catalog_loader.ProviderEntry, catalog_loader.ModelEntry, config_file.ConfigFile]
        schemas += [config_file.BreakerSection, config_file.FailoverSection, config_file.LimitsSection]
        schemas += [config_file.StoreSection, config_file.HealthSection]
        schemas += [price_list.PricingSection, price_list.PriceEntry, price_list.TierEntry]
        assert [name for schema in schemas for name in schema.model_fields if not re.search(rf"\b{name}\b", text)] == []

    def test_env_example_loads(self):
        """.env.example as it is describes a gateway with default settings."""
        assert GatewaySettings.from_env(example_variables()) == GatewaySettings.from_env({})

    def test_env_example_names_every_variable(self):
        """.env.example has every variable that the settings read, but for those of providers without models."""
        read: set[str] = set()

        class Recorder(Mapping[str, str]):
            def __getitem__(self, name):
                read.add(name)
                raise KeyError(name)

            def __iter__(self):
                return iter(())

            def __len__(self):
                return 0

        GatewaySettings.from_env(Recorder())
        read.discard("AWS_LAMBDA_FUNCTION_NAME")  # Lambda's own
        rows = known_providers().items()
        others = {
            key for name, row in rows for key in (f"{name.upper()}_API_BASE", f"{name.upper()}_API_KEY", *row.keys)
        }
        assert read - others <= example_variables().keys()
        assert len(read) > 10


def example_variables():
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


class TestBaseUrl:
    @pytest.mark.parametrize(
        ("url", "plain"),
        [
            ("https://api.openai.com/v1", "https://api.openai.com/v1"),
            ("HTTPS://API.OpenAI.com/v1/", "https://api.openai.com/v1"),
            ("http://127.0.0.1:8789", "http://127.0.0.1:8789"),
            ("http://127.9.9.9/", "http://127.9.9.9"),
            ("http://localhost:1/a/b//", "http://localhost:1/a/b"),
            ("http://[::1]:8789/v1", "http://[::1]:8789/v1"),
        ],
    )
    def test_accepted(self, url, plain):
        """Equal bases become equal text: lower case, no trailing slash."""
        assert check_base_url(url, "X", allow_http=False) == plain

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "api.openai.com",
            "ftp://host",
            "file:///etc/passwd",
            "https://",
            "https:///path",
            "https://:443",
            "https://user@host",
            "https://user:hidden@host",
            "https://@host",
            "https://host?key=hidden",
            "https://host?",
            "https://host/#",
            "https://host:99999",
            "https://host:port",
            "https://[::1",
            "https://ho st",
            "https://host\n.evil",
            "https://h\N{SNOWMAN}st",
            "https://127.0.0.1\\@evil.example",
            "http://api.openai.com",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "http://10.0.0.1",
            "http://0.0.0.0",
        ],
    )
    def test_refused(self, url):
        """Anything else is refused by name, without repeating the URL."""
        with pytest.raises(ConfigError, match=r"^OPENAI_API_BASE: ") as error:
            check_base_url(url, "OPENAI_API_BASE", allow_http=False)
        assert "hidden" not in error.value.message
        assert "evil" not in error.value.message


class TestReading:
    def test_yaml_fractions_are_exact(self):
        """Fractions in YAML keep every digit, in each of YAML's notations."""
        document = read_yaml("a: 0.1\nb: 1.5e-7\nc: 1_000.5\nd: 3", "x")
        assert document == {"a": Decimal("0.1"), "b": Decimal("1.5e-7"), "c": Decimal("1000.5"), "d": 3}
        assert isinstance(document["a"], Decimal)

    def test_yaml_runs_no_code(self):
        """A tag that would build a Python object is an error."""
        with pytest.raises(ConfigError, match="could not determine a constructor"):
            read_yaml("a: !!python/object/apply:os.getcwd []", "x")

    def test_yaml_merge_keys(self):
        """A mapping may take over another and override parts of it; that is no duplicate."""
        assert read_yaml("a: &a {x: 1, y: 1}\nb: {<<: *a, y: 2}", "x")["b"] == {"x": 1, "y": 2}

    def test_nested_duplicates(self):
        """A key may appear once at any depth."""
        with pytest.raises(ConfigError, match="line 2: a key appears twice"):
            read_yaml("a:\n  {b: 1, b: 2}", "x")

    @pytest.mark.parametrize("text", ["{", "[1]", '"text"', "\ud800"])
    def test_wrong_json(self, text):
        """What is not a JSON object is an error that names the document."""
        with pytest.raises(ConfigError, match=r"^prices\.json"):
            read_json(text, "prices.json")


@pytest.mark.parametrize(
    ("old", "new", "merged"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"d": 3}}}, {"a": {"b": {"c": 1, "d": 3}}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": {"b": 1}}, {"a": "text"}, {"a": "text"}),
    ],
)
def test_mappings_merge_and_all_else_is_replaced(old, new, merged):
    """One rule at every depth, and the inputs stay as they are."""
    before = copy.deepcopy(old)
    assert merge(old, new) == merged
    assert old == before
