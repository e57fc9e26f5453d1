"""How the sources on AWS call: briefly, as a Lambda may be frozen or billed meanwhile."""

from __future__ import annotations

from botocore.config import Config
from botocore.exceptions import ClientError

BRIEF = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})


def reason(error: BaseException) -> str:
    """AWS's own word for a failure, else the exception's name; never its text."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "")) or type(error).__name__
    return type(error).__name__
