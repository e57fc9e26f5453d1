"""What is told of models and health, and pages."""

from __future__ import annotations

from typing import Any

from scripts.openapi import looks
from scripts.openapi.operation import ANTHROPIC, FAILED, LOOKS, OWN, UNKNOWN, Example, Operation
from scripts.openapi.queries import AnthropicPage

VERSION = {"anthropic-version": "Its presence asks for Anthropic's form"}

PAGE = ("text/html", "text/css", "text/javascript", "text/plain")

OPERATIONS = (
    Operation(
        "models",
        "GET",
        "/v1/models",
        "Models and health",
        "What the key may use: capabilities, prices, lifecycle, health",
        {200: (looks.ModelList, looks.AnthropicModelList)},
        LOOKS,
        description="With the header `anthropic-version` in Anthropic's form, a page at a time.",
        queries=(AnthropicPage,),
        headers=VERSION,
        errors_as=OWN + ANTHROPIC,
        examples=(
            Example(
                "anthropic", "In Anthropic's form", query={"limit": "1"}, headers={"anthropic-version": "2023-06-01"}
            ),
        ),
    ),
    Operation(
        "model",
        "GET",
        "/v1/models/{model_id}",
        "Models and health",
        "One model or group",
        {200: (looks.ModelAnswer, looks.AnthropicModelAnswer)},
        (*LOOKS, UNKNOWN),
        headers=VERSION,
        errors_as=OWN + ANTHROPIC,
        examples=(
            Example("model", "A model", path={"model_id": "gpt-5.1-mini"}),
            Example("group", "A group", path={"model_id": "fast"}),
        ),
    ),
    Operation(
        "root",
        "GET",
        "/",
        "Models and health",
        "Name and version",
        {200: (looks.RootAnswer,)},
        (FAILED,),
        is_open=True,
        examples=(Example("root", "No key"),),
    ),
    Operation(
        "health",
        "GET",
        "/health",
        "Models and health",
        "The process lives; no key, no I/O",
        {200: (looks.HealthAnswer,)},
        (FAILED,),
        is_open=True,
        examples=(Example("health", "No key"),),
    ),
    Operation(
        "health_providers",
        "GET",
        "/health/providers",
        "Models and health",
        "What the fleet knows of its providers",
        {200: (looks.ProvidersAnswer,)},
        LOOKS,
        examples=(Example("providers", "All of them"),),
    ),
    Operation(
        "openapi",
        "GET",
        "/openapi.json",
        "Models and health",
        "This document, where `serve_openapi` allows it",
        {200: (dict[str, Any],)},
        (UNKNOWN, FAILED),
        is_open=True,
    ),
    Operation(
        "events",
        "GET",
        "/v1/events",
        "Local only",
        "What happens, live; with `make run` and in the container",
        {200: ()},
        LOOKS,
        headers={"Last-Event-ID": "Resumes behind this event; 0 gives all that are kept"},
        streams="Named by their type, see docs/events.md.",
    ),
    Operation(
        "metrics",
        "GET",
        "/metrics",
        "Local only",
        "For Prometheus; with `make run` and in the container",
        {200: ()},
        (*LOOKS, UNKNOWN),
        description="With an admin key, or the token of `GATEWAY_METRICS_TOKEN` as a bearer token.",
        files=("text/plain",),
    ),
    Operation(
        "dashboard",
        "GET",
        "/dashboard",
        "Dashboard",
        "A page that shows what the API tells; the browser asks with a key",
        {200: (), 304: ()},
        (FAILED,),
        files=PAGE[:1],
        headers={"if-none-match": "The tag of what the browser has"},
        is_open=True,
    ),
    Operation(
        "dashboard_elsewhere",
        "GET",
        "/dashboard/",
        "Dashboard",
        "Leads to the page",
        {308: ()},
        (FAILED,),
        is_open=True,
    ),
    Operation(
        "dashboard_settings",
        "GET",
        "/dashboard/settings.json",
        "Dashboard",
        "Where the page finds what is new",
        {200: (looks.DashboardSettings,)},
        (FAILED,),
        is_open=True,
        examples=(Example("settings", "With `make run`"),),
    ),
    Operation(
        "dashboard_part",
        "GET",
        "/dashboard/{name}",
        "Dashboard",
        "A part of the page",
        {200: (), 304: ()},
        (UNKNOWN, FAILED),
        files=PAGE,
        headers={"if-none-match": "The tag of what the browser has"},
        is_open=True,
    ),
)
