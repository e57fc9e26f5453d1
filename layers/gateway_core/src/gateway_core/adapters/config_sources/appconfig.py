"""A configuration profile of AWS AppConfig, through Powertools' parameters."""

from __future__ import annotations

from typing import Any

import boto3
from aws_lambda_powertools.utilities.parameters import AppConfigProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from gateway_core.adapters.config_sources.aws import BRIEF, reason
from gateway_core.adapters.config_sources.reading import decoded, unreadable

MIN_POLL_S = 15
"""AppConfig refuses to be asked more often within one session (PollIntervalNotSatisfied)."""


class AppConfigSource:
    """Implements the port `ConfigSource`. `client` is boto3's for AppConfig's data plane.

    Powertools keeps the session's token, and the document for when AppConfig answers that it has not changed. A token
    lives for 24 hours and is good for one call: after a failure it may be spent, and a new session is begun.
    """

    def __init__(
        self, application: str, environment: str, profile: str, client: Any = None, *, poll_s: int = MIN_POLL_S
    ) -> None:
        self._client = client or boto3.session.Session().client("appconfigdata", config=BRIEF)
        self._application, self._environment, self._profile = application, environment, profile
        self._poll_s = poll_s
        self._session = self._begin()

    @property
    def name(self) -> str:
        return f"appconfig://{self._application}/{self._environment}/{self._profile}"

    def read(self) -> str:
        try:
            raw = self._get()
        except GetParameterError:
            self._session = self._begin()
            try:
                raw = self._get()
            except GetParameterError as error:
                self._session = self._begin()
                raise unreadable(self.name, _why(error)) from error
        return decoded(raw, self.name)

    def _begin(self) -> AppConfigProvider:
        return AppConfigProvider(self._environment, self._application, boto3_client=self._client)

    def _get(self) -> bytes:
        found = self._session.get(
            self._profile, max_age=self._poll_s, RequiredMinimumPollIntervalInSeconds=max(self._poll_s, MIN_POLL_S)
        )
        return found if isinstance(found, bytes) else b""


def _why(error: GetParameterError) -> str:
    cause = error.__context__ or error
    # Powertools looks for the last document when AppConfig has none to give.
    return "nothing is deployed there" if isinstance(cause, KeyError) else reason(cause)
