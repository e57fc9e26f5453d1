"""As much of S3 as jobs use, for functions in processes of their own: objects are put, got, listed and deleted.

What boto3 makes of it is held against moto in `tests/contract/test_job_files.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_PAGE = 1000


@dataclass
class Bucket:
    """Objects by key. `kinds` are the requests that came."""

    objects: dict[str, bytes] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)

    def app(self) -> Starlette:
        """S3 with this bucket and no other."""
        return Starlette(
            routes=[
                Route("/{bucket}", self._list),
                Route("/{bucket}/{key:path}", self._get),
                Route("/{bucket}/{key:path}", self._put, methods=["PUT"]),
                Route("/{bucket}/{key:path}", self._delete, methods=["DELETE"]),
            ]
        )

    async def _put(self, request: Request) -> Response:
        self.kinds.append("put")
        self.objects[request.path_params["key"]] = await request.body()
        return Response(headers={"etag": '"0"'})

    async def _delete(self, request: Request) -> Response:
        self.kinds.append("delete")
        self.objects.pop(request.path_params["key"], None)
        return Response(status_code=204)

    async def _get(self, request: Request) -> Response:
        self.kinds.append("get")
        found = self.objects.get(request.path_params["key"])
        if found is None:
            text = "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"
            return Response(text, 404, media_type="application/xml")
        return Response(found)

    async def _list(self, request: Request) -> Response:
        self.kinds.append("list")
        prefix, after = request.query_params["prefix"], request.query_params.get("continuation-token", "")
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        contents = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in keys[:_PAGE])
        more = f"<NextContinuationToken>{escape(keys[_PAGE - 1])}</NextContinuationToken>" if keys[_PAGE:] else ""
        is_cut = "true" if more else "false"
        text = f"<ListBucketResult><IsTruncated>{is_cut}</IsTruncated>{more}{contents}</ListBucketResult>"
        return Response(text, media_type="application/xml")
