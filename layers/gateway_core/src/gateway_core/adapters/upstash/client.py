"""What the parts of the store send commands through: `RestClient` for requests, `SdkClient` for the command line."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from gateway_core.adapters.upstash.scripts import Script
from gateway_core.domain.errors import StoreUnavailable, StoreUnreadable

type Reply = str | int | list[Reply] | None

_RETRY_AFTER_S = 5.0
_DETAIL_LENGTH = 160
_UNREADABLE = "unreadable: "


class CommandError(Exception):
    """Redis answered with an error; the text starts with its code."""


class Client(ABC):
    """Sends commands.

    Every method raises StoreUnavailable when there is no usable answer within the deadline, and when the server
    refuses. An answer that got lost may be asked for again, so a command may run twice: send only what may.
    """

    def __init__(self, token: str) -> None:
        self._token = token

    async def execute(self, *command: str | int) -> Reply:
        """The reply to one command."""
        try:
            return await self._execute(command)
        except CommandError as error:
            raise self._refused(error) from None

    @abstractmethod
    async def pipeline(self, commands: Sequence[Sequence[str | int]]) -> list[Reply]:
        """The replies to several commands, not atomic. One error among them is an error of all."""

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[str]) -> Reply:
        """The reply of a script, which the server is sent in full only if it does not know it."""
        tail: tuple[str | int, ...] = (len(keys), *keys, *arguments)
        try:
            return await self._execute(("EVALSHA", script.sha, *tail))
        except CommandError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise self._refused(error) from None
        # Not SCRIPT LOAD: another replica may serve the EVALSHA that follows it.
        return await self.execute("EVAL", script.text, *tail)

    @abstractmethod
    async def close(self) -> None:
        """Close the connections."""

    @abstractmethod
    async def _execute(self, command: Sequence[str | int]) -> Reply:
        """As `execute`, but raises CommandError where the server answers with an error."""

    def _refused(self, error: CommandError) -> StoreUnavailable:
        text = str(error).replace(self._token, "***") if self._token else str(error)
        _, found, what = text.partition(_UNREADABLE)
        if found:  # a script says so; the server adds where in the script
            return StoreUnreadable.of(what.partition(" script: ")[0][:_DETAIL_LENGTH])
        return unavailable(text[:_DETAIL_LENGTH])


def unavailable(why: str) -> StoreUnavailable:
    """The error for a store that cannot be used; `why` is for the operator."""
    return StoreUnavailable("The gateway's store does not answer.", detail=why, retry_after_s=_RETRY_AFTER_S)
