"""`routing/estimate.py`: what an attempt cost at least."""

from dataclasses import replace

from gateway_core.domain.answer import TokenCount, Usage
from gateway_core.domain.chat import Deployment, ProviderCall
from gateway_core.domain.model_rules import ModelRules
from gateway_core.routing.estimate import estimated_usage

SENT = ({"role": "user", "content": "one two three"},)


def count(_deployment, messages, params):
    """A token for each word, and three that frame each message; tools count one each."""
    words = sum(3 + len(message["content"].split()) for message in messages)
    return TokenCount(words + len(params.get("tools", ())), "words")


def test_the_input_as_sent_and_the_output_as_said():
    """What frames a message is input alone."""
    call = ProviderCall(Deployment("p", "m", "https://h"), SENT, {"tools": [{}]}, 10, 1.0, "req")
    assert estimated_usage(count, call, "four words are here") == Usage(3 + 3 + 1, 4)
    assert estimated_usage(count, call, "") == Usage(7, 0)


def test_the_service_tier_that_was_asked_for():
    """Unless the model refuses the option, so that it was left out."""
    call = ProviderCall(Deployment("p", "m", "https://h"), SENT, {"service_tier": "priority"}, 10, 1.0, "req")
    assert estimated_usage(count, call, "two words") == Usage(6, 2, service_tier="priority")
    refusing = replace(call, rules=ModelRules(refuses=frozenset({"service_tier"})))
    assert estimated_usage(count, refusing, "two words") == Usage(6, 2)
