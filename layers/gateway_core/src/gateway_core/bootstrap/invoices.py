"""The check of what providers bill, for the one function that holds the keys which may ask."""

from __future__ import annotations

from collections.abc import Mapping

from gateway_core.adapters.billing import HttpBillingReader
from gateway_core.bootstrap import light_services
from gateway_core.config.environment import ProcessEnvironment
from gateway_core.domain.errors import ConfigError
from gateway_core.triggers.invoices import InvoiceChecks, admin_keys

_MISSING = "ResourceNotFoundException"


def invoice_checks(environ: Mapping[str, str]) -> InvoiceChecks:
    """Checks the providers whose admin key is set, in the environment or among the secrets of billing; maybe none."""
    known = {**environ, **_secrets(environ)}
    return InvoiceChecks(light_services(known), HttpBillingReader(), admin_keys(known))


def _secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """That there are none is how it is until somebody gives them."""
    source = ProcessEnvironment.from_env(environ).billing_source
    if source is None:
        return {}
    from gateway_core.adapters.secrets import connector, read_secrets  # noqa: PLC0415 - for AWS only

    try:
        return read_secrets([source], connector(environ))
    except ConfigError as error:
        if error.detail in ("", _MISSING):
            return {}
        raise
