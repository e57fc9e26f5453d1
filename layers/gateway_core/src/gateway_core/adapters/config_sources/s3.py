"""An object in S3, transferred only when it has changed."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from gateway_core.adapters.config_sources.aws import BRIEF, reason
from gateway_core.adapters.config_sources.reading import decoded, unreadable

_NOT_MODIFIED = 304


class S3Source:
    """Implements the port `ConfigSource` by a GET that is conditional on the ETag. `client` is boto3's for S3."""

    def __init__(self, bucket: str, key: str, client: Any = None) -> None:
        self._client = client or boto3.session.Session().client("s3", config=BRIEF)
        self._bucket, self._key = bucket, key
        self._etag, self._text = "", ""

    @property
    def name(self) -> str:
        return f"s3://{self._bucket}/{self._key}"

    def read(self) -> str:
        condition: dict[str, Any] = {"IfNoneMatch": self._etag} if self._etag else {}
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key, **condition)
            raw: bytes = answer["Body"].read()
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == _NOT_MODIFIED:
                return self._text
            raise unreadable(self.name, reason(error)) from error
        except BotoCoreError as error:
            raise unreadable(self.name, reason(error)) from error
        self._text = decoded(raw, self.name)
        self._etag = answer["ETag"]
        return self._text
