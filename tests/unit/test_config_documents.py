"""Settings of the operator's documents; and what is refused, without giving a secret away."""

from __future__ import annotations

import copy

import pytest

from gateway_core.config.documents import Document, merge
from gateway_core.config.schema import BreakerSection, FailoverSection
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.errors import ConfigError
from gateway_core.routing.retry import RetryPolicy
from gateway_core.store.messages import BreakerPolicy
from tests.unit.configs import NAME, configured


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
