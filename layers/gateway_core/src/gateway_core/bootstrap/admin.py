"""Administration over HTTP, for the one process that may have it."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp

from gateway_core.api.admin.operator import signed_by, with_dev_key
from gateway_core.api.admin.routes import admin_router
from gateway_core.api.app import create_app
from gateway_core.bootstrap import light_services
from gateway_core.config.environment import ProcessEnvironment, backlog_folder
from gateway_core.ports.replaying import BacklogKeeper
from gateway_core.services import Current, Services


def admin_app(environ: Mapping[str, str]) -> ASGIApp:
    """On Lambda for whom IAM lets in, elsewhere for who has the development key. Reads no provider's key."""
    process, source = ProcessEnvironment.from_env(environ), light_services(environ)
    gate = signed_by if process.on_lambda else with_dev_key
    return create_app(source, admin_router(gate, _keeper(process, environ, source)))


def _keeper(process: ProcessEnvironment, environ: Mapping[str, str], source: Current[Services]) -> BacklogKeeper | None:
    """Of what backlog there is, None if there is none. What it needs of AWS is loaded when somebody asks."""
    if process.admin_backlog:
        from gateway_core.adapters.backlog_keepers import QueueKeeper  # noqa: PLC0415 - for AWS only

        return QueueKeeper(process.admin_backlog)
    if folder := backlog_folder(environ):
        from gateway_core.adapters.backlog_keepers import FileKeeper  # noqa: PLC0415 - not on AWS
        from gateway_core.triggers.replay import Replayer  # noqa: PLC0415 - as above

        return FileKeeper(folder, Replayer(source).replay)
    return None
