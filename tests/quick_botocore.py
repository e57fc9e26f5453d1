"""What botocore knows of AWS's services. In `make test` each file of it is read once, and not once a session.

Each session reads megabytes anew, moto begins one for each account, and its own parts begin some more.
"""

from __future__ import annotations

import gzip
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

_OPEN = {".json": open, ".json.gz": gzip.open}


@cache
def _read(path: str) -> Any:
    """The file's content, which nobody changes; None where there is no such file."""
    for ending, opened in _OPEN.items():
        if Path(path + ending).is_file():
            with opened(path + ending, "rb") as file:
                return json.loads(file.read())
    return None


def read_once() -> None:
    """From here on, in this process, where botocore is there already."""
    if loaders := sys.modules.get("botocore.loaders"):

        class ReadsOnce(loaders.JSONFileLoader):  # type: ignore[misc, name-defined]
            def load_file(self, file_path: str) -> Any:
                return _read(file_path)

        loaders.Loader.FILE_LOADER_CLASS = ReadsOnce  # type: ignore[attr-defined]
