"""Who calls AWS, in which region, and where its services are: by the variables that AWS's own SDKs read.

https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html. Lambda sets what is needed. Where it is not set
(a container on Fargate, a function with SnapStart, a developer's profile), boto3 is asked, if it is installed; it knows
all the other ways. Why: docs/decisions/0023.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway_core.adapters.aws.errors import AwsError
from gateway_core.adapters.aws.signature import Credentials

if TYPE_CHECKING:
    from botocore.credentials import Credentials as SdkCredentials
    from botocore.credentials import ReadOnlyCredentials
    from botocore.session import Session

_SUFFIXES = (
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("", "amazonaws.com"),
)
"""Of host names, by the beginning of the region's."""
_REGION = re.compile(r"[a-z]{2,5}(-[a-z0-9]+)+")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*/?")


@dataclass(frozen=True, slots=True)
class Service:
    """One of AWS's services that speak JSON.

    `name` is part of its host and of signatures, `id` of the variable that says where it is instead; `target` comes
    before the names of its operations.
    """

    name: str
    id: str
    target: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service is. `path` is at least a slash."""

    secure: bool
    host: str
    port: int | None
    path: str

    @property
    def authority(self) -> str:
        """As the header `host` has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port in (None, 443 if self.secure else 80) else f"{host}:{self.port}"


class Account:
    """Asked anew for each call, as credentials may change. Raises AwsError for what is not to be found."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._sdk: Session | None = None
        self._found: SdkCredentials | None = None

    def credentials(self) -> Credentials:
        """Those of the environment, else what boto3 finds."""
        key_id, secret = self._text("AWS_ACCESS_KEY_ID"), self._text("AWS_SECRET_ACCESS_KEY")
        if key_id and secret:
            return Credentials(key_id, secret, self._text("AWS_SESSION_TOKEN") or None)
        fresh = self._ask_sdk(self._frozen)
        if fresh is None or not (fresh.access_key and fresh.secret_key):
            raise AwsError("NoCredentials")
        return Credentials(fresh.access_key, fresh.secret_key, fresh.token)

    def region(self) -> str:
        """As above."""
        found = self._text("AWS_DEFAULT_REGION") or self._text("AWS_REGION")
        found = found or self._ask_sdk(lambda sdk: sdk.get_config_variable("region")) or ""
        if not _REGION.fullmatch(found):
            raise AwsError("NoRegion")
        return found

    def endpoint(self, service: Service) -> Endpoint:
        """What the environment says of the service, or of all; else the service's own host in the region."""
        found = "" if self._flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") else self._named(service)
        if not found and (self._flag("AWS_USE_FIPS_ENDPOINT") or self._flag("AWS_USE_DUALSTACK_ENDPOINT")):
            # Their names have no rule that holds for all regions.
            region = self.region()
            found = self._ask_sdk(lambda sdk: sdk.create_client(service.name, region).meta.endpoint_url) or ""
        return _endpoint(found or f"https://{service.name}.{self.region()}.{_suffix(self.region())}/")

    def certificates(self) -> str | None:
        """A file of those that may be trusted in place of the usual ones."""
        return self._text("AWS_CA_BUNDLE") or None

    def _named(self, service: Service) -> str:
        return self._text(f"AWS_ENDPOINT_URL_{service.id.replace(' ', '_').upper()}") or self._text("AWS_ENDPOINT_URL")

    def _text(self, name: str) -> str:
        return self._environ.get(name, "").strip()

    def _flag(self, name: str) -> bool:
        return self._text(name).lower() == "true"

    def _frozen(self, sdk: Session) -> ReadOnlyCredentials | None:
        """They are renewed as soon as they have to be."""
        self._found = self._found or sdk.get_credentials()
        return self._found.get_frozen_credentials() if self._found else None

    def _ask_sdk[T](self, question: Callable[[Session], T]) -> T | None:
        """Where the environment says too little. None where there is no SDK to ask."""
        try:
            from botocore.session import Session  # noqa: PLC0415 - half a second of CPU
        except ImportError:
            return None
        try:
            self._sdk = self._sdk or Session()
            return question(self._sdk)
        except Exception as error:  # noqa: BLE001 - it raises dozens, and what their texts hold is not known
            raise AwsError(type(error).__name__, passing=True) from None


def _suffix(region: str) -> str:
    return next(suffix for start, suffix in _SUFFIXES if region.startswith(start))


def _endpoint(url: str) -> Endpoint:
    """Raises AwsError, which does not repeat the URL: it may hold what is private."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise AwsError("BadEndpoint") from None
    odd = parts.query or parts.fragment or parts.username is not None or not _PATH.fullmatch(parts.path)
    if parts.scheme not in {"http", "https"} or not host or odd:
        raise AwsError("BadEndpoint")
    return Endpoint(parts.scheme == "https", host, port, parts.path or "/")
