"""What users of gateways reported of streams, of answers without usage, and of prices."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.wires.asking import EVERY_MODEL, PROVIDERS, STREAMED, Q, answer, chat
from tests.wires.case import assistant, system, user
from tests.wires.gateway import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab("native", tmp_path_factory.mktemp("cases")) as made:
        yield made


class TestStreamsAndUsage:
    """F11, F13 and F15."""

    @EVERY_MODEL
    @pytest.mark.parametrize("form", ["empty", "blank", "ping", "multiline", "cr", "crlf", "bom", "comments", "ids"])
    def test_forms_of_streams(self, lab: Lab, model: str, form: str) -> None:
        """All that the standard allows."""
        told = answer(chat(lab, model, [user(f"[[sse={form}]] hello")], streamed=True))
        assert (told.text.endswith("hello"), told.finish) == (True, "stop")

    @STREAMED
    def test_content_in_parts(self, lab: Lab, *, streamed: bool) -> None:
        """As Mistral's servers say it."""
        assert answer(chat(lab, "gpt-5.1", [user("[[parts]] hello")], streamed=streamed)).text.endswith("hello")

    @STREAMED
    @EVERY_MODEL
    def test_an_answer_without_usage(self, lab: Lab, model: str, *, streamed: bool) -> None:
        """One call, and what was sent and said is charged."""
        options = {"stream_options": {"include_usage": True}} if streamed else {}
        heard = chat(lab, model, [user("[[no_usage]] hello")], streamed=streamed, **options)
        assert len(heard.sent) == 1
        usage = answer(heard).usage
        assert usage
        assert min(usage["prompt_tokens"], usage["completion_tokens"]) > 0

    @pytest.mark.parametrize("model", PROVIDERS)
    def test_a_system_message_keeps_its_place(self, lab: Lab, model: str) -> None:
        """In one group, one meaning."""
        talk = [user("one"), assistant("two"), system("Speak French."), user("three")]
        (sent,) = chat(lab, model, talk).sent
        assert sent.says("one", "two", "Speak French.", "three")

    @EVERY_MODEL
    def test_nothing_is_put_into_anybodys_mouth(self, lab: Lab, model: str) -> None:
        """For a turn of white space."""
        (sent,) = chat(lab, model, [Q, assistant("  "), user("go on")]).sent
        assert {value.strip() for value in sent.texts("model")} <= {""}


class TestPrices:
    """F14."""

    @STREAMED
    def test_what_is_written_for_an_hour_costs_twice_the_input(self, lab: Lab, *, streamed: bool) -> None:
        """Not 1.25 times, as for five minutes: at Claude Opus 4.5, of 5 USD for a million tokens."""
        costs = [self.input_usd(lab, f"[[{kind}=1000]] {'word ' * 1200}", streamed=streamed) for kind in KINDS]
        assert costs[1] - costs[0] == Decimal("0.00375")

    def input_usd(self, lab: Lab, said: str, *, streamed: bool) -> Decimal:
        path = "/v1/stream" if streamed else "/v1/complete"
        told = answer(lab.ask("anthropic", path, {"model": "claude-opus-4.5", "messages": [user(said)]}))
        return Decimal(told.raw["cost"]["input_usd"])

    def test_a_tier_is_billed_as_the_answer_names_it(self, lab: Lab) -> None:
        """Nobody gets the account's own by chance: without a word on it the default is asked for."""
        costs = []
        for asked in (None, "priority"):
            body = {"model": "gpt-5.1", "messages": [user("word " * 100)], "service_tier": asked}
            heard = lab.ask("openai", "/v1/complete", body)
            assert heard.sent[0].options["service_tier"] == (asked or "default")
            costs.append(Decimal(answer(heard).raw["cost"]["total_usd"]))
        assert costs[1] == 2 * costs[0]


KINDS = ("cache_write", "cache_write_1h")
