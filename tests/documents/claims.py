"""Who runs or checks which block of the documents."""

from __future__ import annotations

from dataclasses import dataclass

from tests.documents.fences import Fence
from tests.documents.selections import (
    CLIENT_PROGRAMS,
    CONFIGURATIONS,
    FOR_DOCKER,
    REHEARSED,
    STARTS,
    Fits,
    is_policy,
    of,
)
from tests.e2e.commands import commands, fragments, programs

_TYPED = frozenset(block.code for block in commands())
_SHOWN = frozenset((block.page, block.output) for block in commands() if block.output)
_PROGRAMS = frozenset(block.code for block in programs())
_FRAGMENTS = frozenset(block.code for block in fragments())


@dataclass(frozen=True, slots=True)
class Claim:
    """Blocks that `by`, a `file::function`, runs or checks."""

    by: str
    fits: Fits


def _is_typed(fence: Fence) -> bool:
    return fence.code in _TYPED or (fence.page, fence.code) in _SHOWN


def _is_administration(fence: Fence) -> bool:
    return of("docs/administration.md", "sh", "json")(fence) and not is_policy(fence)


_E2E, _UNIT, _HERE = "tests/e2e/", "tests/unit/", "tests/documents/"
_SETTINGS = f"{_UNIT}test_document_settings.py::"
CLAIMS: tuple[Claim, ...] = (
    Claim(f"{_E2E}test_pages.py::test_commands", _is_typed),
    Claim(f"{_E2E}test_pages.py::test_programs", lambda fence: fence.code in _PROGRAMS),
    Claim(f"{_E2E}test_pages.py::test_fragments", lambda fence: fence.code in _FRAGMENTS),
    Claim(f"{_E2E}test_run_page.py::test_it_starts", lambda fence: fence in STARTS),
    Claim(f"{_HERE}test_operators_commands.py::test_commands", lambda fence: fence in REHEARSED),
    Claim(f"{_HERE}test_policies.py::test_policies_are_sound", is_policy),
    Claim(
        f"{_E2E}test_administration_page.py::test_each_request_is_answered_as_the_page_says",
        _is_administration,
    ),
    Claim(f"{_E2E}test_ask.py::test_the_documented_calls", of("docs/ask.md", "sh", having="/ask \\")),
    Claim(f"{_E2E}test_jobs.py::test_the_documented_calls", of("docs/ask.md", "sh", having="job=$(")),
    Claim(f"{_E2E}test_jobs.py::test_the_documented_calls", of("docs/ask.md", "python")),
    Claim(f"{_E2E}test_ask_validation.py::test_an_invalid_answer_is_mended", of("docs/validation.md", "json")),
    Claim(f"{_E2E}test_cli_page.py::test_the_page_shows_what_is_printed", of("docs/cli.md", "console", "yaml")),
    Claim(f"{_E2E}test_reports_page.py::test_the_report_is_printed", of("docs/reports.md", "console")),
    Claim(
        f"{_E2E}test_holds_page.py::test_the_documented_commands", of("docs/cost.md", "sh", having="REQUEST.ATTEMPT")
    ),
    Claim(f"{_E2E}test_mcp_page.py::test_each_example_is_answered", of("docs/mcp.md", having='"arguments"')),
    Claim(
        f"{_UNIT}test_server_json.py::test_it_is_taken_with_the_changes_that_the_documentation_tells",
        of("docs/mcp.md", "json", having='"remotes"'),
    ),
    Claim(f"{_E2E}test_openapi.py::test_the_examples_are_real", of("docs/examples.md")),
    Claim(
        "tests/clients/test_page_programs.py::test_a_program_of_the_page_runs", lambda fence: fence in CLIENT_PROGRAMS
    ),
    Claim("tests/clients/test_coding_agents.py::stack", of("docs/clients/claude-code.md", "json")),
    Claim("tests/clients/test_coding_agents.py::stack", of("docs/clients/codex.md", "toml")),
    Claim("tests/docker/test_page.py::test_commands_of_the_page", lambda fence: fence in FOR_DOCKER),
    Claim(f"{_SETTINGS}test_each_configuration_is_taken", lambda fence: fence in CONFIGURATIONS),
    Claim(f"{_SETTINGS}test_a_strategy_of_ones_own_is_loaded_and_used", of("docs/validation.md", "python")),
    Claim(
        f"{_SETTINGS}test_the_variables_for_sams_functions_are_ones_that_they_have",
        of("docs/deploy.md", "json", having='"Parameters"'),
    ),
    Claim(f"{_SETTINGS}test_an_override_of_compose_changes_the_service_that_there_is", of("docs/docker.md", "yaml")),
    Claim(f"{_SETTINGS}test_the_row_of_a_budget_has_all_its_members", of("docs/api.md", "json")),
    Claim(f"{_SETTINGS}test_codex_has_the_same_settings_everywhere", of("docs/responses.md", "toml")),
    Claim(f"{_UNIT}test_events.py::test_the_documented_example_is_what_is_sent", of("docs/events.md", "json")),
    Claim(f"{_HERE}test_policies.py::test_the_rule_takes_the_events_that_it_is_for", of("docs/events.md", "yaml")),
    Claim(f"{_E2E}test_run_page.py::test_the_simulator_alone", of("local/providers/README.md", "sh")),
    Claim(
        f"{_E2E}test_run_page.py::test_prometheus_gets_what_it_is_told_to_scrape",
        of("docs/observability.md", "yaml"),
    ),
    Claim(
        "tests/functions/test_invoices_page.py::test_the_documented_answer_is_what_is_said",
        of("docs/reports.md", "json"),
    ),
    Claim(
        f"{_UNIT}test_mcp_client_settings.py::test_tools_that_are_always_allowed_exist",
        of("docs/mcp.md", having="mcpServers"),
    ),
    Claim(
        f"{_UNIT}test_mcp_client_pages.py::test_each_client_is_led_to_the_endpoint_with_a_key",
        of("docs/clients/mcp.md"),
    ),
    Claim(
        f"{_UNIT}test_mcp_client_pages.py::test_pages_that_say_the_same_agree", of("docs/clients/claude-code.md", "sh")
    ),
)
