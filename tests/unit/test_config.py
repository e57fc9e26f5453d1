"""Settings: the environment, the defaults, and the examples that describe them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway_core.config import catalog_loader, price_list
from gateway_core.config import schema as config_file
from gateway_core.config.known_providers import known_providers
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.errors import ConfigError
from gateway_core.store.messages import BreakerPolicy
from tests.unit.configs import configured

ROOT = Path(__file__).parents[2]


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
