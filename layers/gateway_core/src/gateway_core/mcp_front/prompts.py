"""Prompts that a user picks in the client: tasks for its model that take several tools of the gateway."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, override

from fastmcp.exceptions import ValidationError
from fastmcp.prompts.base import Prompt, PromptArgument
from mcp_types import Prompt as ListedPrompt
from pydantic import PrivateAttr

from gateway_core.access.rights import check_tool
from gateway_core.domain.errors import LLMError
from gateway_core.mcp_front.complete import COMPLETE
from gateway_core.mcp_front.models import MODELS
from gateway_core.mcp_front.report import describe, describe_error
from gateway_core.mcp_front.usage import USAGE
from gateway_core.mcp_front.visitor import current_visitor


@dataclass(frozen=True, slots=True)
class Task:
    """`text` has a place `{name}` for each argument, and `defaults` what stands there for those that may be left out.

    `uses` is the tool that it cannot do without.
    """

    name: str
    title: str
    description: str
    text: str
    uses: str
    arguments: Mapping[str, str]
    defaults: Mapping[str, str]


COMPARE = Task(
    name="compare_models",
    title="Compare models on a question",
    description="Asks several models the same and lays answers, cost and time side by side.",
    text=(
        "Compare language models on this question:\n\n"
        "{question}\n\n"
        "Models or groups: {models}.\n"
        "Call the tool complete once for each, at the same time, with the question as the only message, nothing "
        "else changed: a group by model_group, a model by model and with fallback false. Then show a table of the "
        "model that answered, cost.total_usd, latency_ms and output tokens, say where the answers differ in "
        "substance and which is right, and name the cheapest that is good enough. A call that fails is a row with "
        "its error."
    ),
    uses=COMPLETE.name,
    arguments={"question": "What to ask", "models": "Models or groups, with commas between them"},
    defaults={"models": "fast, code, reasoning"},
)
SPEND = Task(
    name="explain_spend",
    title="Explain this month's spending",
    description="Who and what cost how much this month, how that goes on, and what is left of the budgets.",
    text=(
        "Explain what this gateway project has spent this month. Look above all at: {about}.\n"
        "Call get_usage with start_date the first day of the month (UTC), once for each group_by of day, model, "
        "agent and user. Read the resource usage://budgets too, if you can read resources. Then tell: the sum and "
        "how much of it is estimated (estimated_usd); the three models and the three agents or users that cost "
        "most, with their shares; days that stand out; what the month will have cost at this pace, and whether a "
        "budget ends before. Close with the one change that would save most. Say which numbers are yours and "
        "which are the gateway's."
    ),
    uses=USAGE.name,
    arguments={"about": "What to look at above all, such as an agent"},
    defaults={"about": "what costs most"},
)
PICK = Task(
    name="pick_model",
    title="Pick a model for a task within a budget",
    description="Names the model or group that fits a task and its price.",
    text=(
        "Pick a model of this gateway for this task:\n\n"
        "{task}\n\n"
        "The most that one call may cost, in USD: {budget_usd}.\n"
        "Call list_models. Leave out what lacks an ability that the task needs, has too small a context window, "
        "is about to be retired or whose breaker is open. Estimate input and output tokens (count_tokens helps "
        "with a sample) and price each that is left. Name the first choice and a cheaper one, with the price of a "
        "call, and the group in which they fail over if there is one; if none fits, say what would have to give."
    ),
    uses=MODELS.name,
    arguments={"task": "What the model is to do", "budget_usd": "Most that one call may cost"},
    defaults={"budget_usd": "not said, so the less the better"},
)
TASKS: Sequence[Task] = (COMPARE, SPEND, PICK)


class TaskPrompt(Prompt):
    """A task as FastMCP's prompt."""

    _task: Task = PrivateAttr()

    @classmethod
    def of(cls, task: Task) -> TaskPrompt:
        arguments = [
            PromptArgument(name=name, description=description, required=name not in task.defaults)
            for name, description in task.arguments.items()
        ]
        prompt = cls(name=task.name, title=task.title, description=task.description, arguments=arguments)
        prompt._task = task
        return prompt

    @property
    def right(self) -> str:
        """The tool that a key has to be allowed."""
        return self._task.uses

    @override
    async def render(self, arguments: dict[str, Any] | None = None) -> str:
        visitor = current_visitor()
        try:
            check_tool(visitor.caller, self.right)
        except LLMError as error:
            raise _refused(describe_error(error, visitor.request_id)) from None
        return self._filled({name: text for name, text in (arguments or {}).items() if text})

    @override
    def to_mcp_prompt(self, **overrides: Any) -> ListedPrompt:
        return super().to_mcp_prompt(**{**overrides, "_meta": None})

    def _filled(self, given: Mapping[str, str]) -> str:
        """No place is read twice: what stands in an argument stays as it is."""
        task = self._task
        if unknown := given.keys() - task.arguments.keys():
            raise _refused(describe("invalid_request", f"{min(unknown)[:64]}: there is no such argument"))
        if missing := [name for name in task.arguments if name not in {**task.defaults, **given}]:
            raise _refused(describe("invalid_request", f"{missing[0]}: argument required"))
        return task.text.format_map({**task.defaults, **given})


def _refused(text: str) -> ValidationError:
    return ValidationError(text, log_level=logging.DEBUG)
