"""Checks that the installed awslambdaric has the seams that `runtime` widens, before anything is built on them."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from functools import reduce
from typing import Any

_SIGNATURES = {
    "lambda_config.LambdaConfigProvider": ("args", "environ"),
    "lambda_runtime_client.LambdaRuntimeClient": ("lambda_runtime_address", "use_thread_for_polling_next"),
    "lambda_runtime_client.LambdaMultiConcurrentRuntimeClient": (
        "lambda_runtime_address",
        "use_thread_for_polling_next",
    ),
    "lambda_runtime_client.BaseLambdaRuntimeClient.post_invocation_result": (
        "self",
        "invoke_id",
        "result_data",
        "content_type",
        "invocation_id",
    ),
    "lambda_runtime_marshaller.LambdaMarshaller.unmarshal_request": ("self", "request", "content_type"),
    "lambda_runtime_marshaller.LambdaMarshaller.marshal_response": ("self", "response"),
    "lambda_multi_concurrent_utils.MultiConcurrentRunner.run_single": (
        "handler",
        "api_addr",
        "use_thread",
        "socket_path",
    ),
    "bootstrap.run": ("handler", "lambda_runtime_client"),
}
_USED_BY_THE_LOOP = {"marshaller", "unmarshal_request", "marshal_response", "post_invocation_result"}


class UnknownRuntimeError(RuntimeError):
    """This awslambdaric cannot be widened. The message says where it differs."""


def check_seams(package: str = "awslambdaric") -> None:
    """Raises UnknownRuntimeError when awslambdaric is not built the way that `runtime` relies on."""
    if differences := list(_differences(package)):
        version = importlib.import_module(package).__version__
        raise UnknownRuntimeError(
            f"awslambdaric {version} has other seams than the streaming runtime knows: {'; '.join(differences)}. "
            "Install the version that layers/gateway_core/pyproject.toml pins, and start it by stream-runtime."
        )


def _differences(package: str) -> Iterator[str]:
    for path, expected in _SIGNATURES.items():
        found = _signature(package, path)
        if found != expected:
            yield f"{path} takes {found}, not {expected}"
    loop = _attribute(package, "bootstrap.handle_event_request")
    if missing := _USED_BY_THE_LOOP - set(getattr(getattr(loop, "__code__", None), "co_names", ())):
        yield f"bootstrap.handle_event_request does not use {sorted(missing)}"


def _signature(package: str, path: str) -> tuple[str, ...] | None:
    found = _attribute(package, path)
    return tuple(inspect.signature(found).parameters) if callable(found) else None


def _attribute(package: str, path: str) -> Any:
    module, *names = path.split(".")
    try:
        return reduce(getattr, names, importlib.import_module(f"{package}.{module}"))
    except (ImportError, AttributeError):
        return None
