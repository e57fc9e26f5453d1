"""An answer whose status and headers are known and whose body is still being made."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from gateway_core.lambda_stream import prelude, trailers
from gateway_core.lambda_stream.exchange import LambdaExchange
from gateway_core.lambda_stream.failure import describe
from gateway_core.lambda_stream.post import AnswerRefusedError, Post, Target, open_post

_log = logging.getLogger(__name__)


class StreamableEvent(dict[str, Any]):
    """An event from a runtime that takes a `Stream` for an answer."""


class Stream:
    """What a handler returns instead of a whole answer."""

    def __init__(self, runner: asyncio.Runner, exchange: LambdaExchange, head: prelude.Head) -> None:
        self._runner = runner
        self._exchange = exchange
        self._prelude = prelude.encode(head)

    def send(self, target: Target) -> None:
        """Send the answer while the app makes it; returns when both are done.

        A cut answer is reported to Lambda by trailers and in the log; it is not an exception, as the next invocation
        can be served. Raises OSError when the Runtime API cannot be reached at all.
        """
        self._runner.run(self._send(target))

    async def _send(self, target: Target) -> None:
        failure: BaseException | None
        try:
            async with asyncio.timeout_at(self._exchange.deadline.drop_at):
                failure = await self._deliver(target)
        except TimeoutError as error:  # the Runtime API takes no more, and Lambda's own end is near
            failure = error
        finally:
            await self._exchange.stop()
        if failure is not None:
            _log_cut(target.request_id, failure)

    async def _deliver(self, target: Target) -> BaseException | None:
        """Returns why the answer was cut. Raises OSError when there is no connection."""
        async with open_post(target, self._exchange.hang_up) as post:
            try:
                return await self._play(post)
            except ConnectionError as error:
                return error

    async def _play(self, post: Post) -> BaseException | None:
        await post.write(self._prelude)
        failure = await self._exchange.play(post)
        if self._exchange.is_lost:
            raise await post.refusal()
        if failure is None and self._exchange.allows_body and not self._exchange.has_written:
            # A streamed answer without any byte of body hangs behind function URLs and CloudFront.
            await post.write(b"\n")
        await post.end(trailers.encode(failure) if failure else b"")
        return failure


def _log_cut(request_id: str, error: BaseException) -> None:
    # The platform's own words hold no prompt.
    detail = f" ({error})" if isinstance(error, AnswerRefusedError) else ""
    _log.error("The answer of %s was cut: %s%s", request_id, describe(error), detail)
