"""What botocore knows of AWS's services. In `make test` it is read, listed and renamed once, and not once a session.

Each session reads megabytes anew, moto begins one for each account, and its own parts begin some more.
"""

from __future__ import annotations

import gzip
import importlib
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
    if not (loaders := sys.modules.get("botocore.loaders")):
        return
    loader, listed = loaders.Loader, loaders.Loader.list_available_services

    class ReadsOnce(loaders.JSONFileLoader):  # type: ignore[misc, name-defined]
        def load_file(self, file_path: str) -> Any:
            return _read(file_path)

    @cache
    def services(type_name: str, *search_paths: str) -> list[str]:
        return listed(loader([*search_paths], include_default_search_paths=False), type_name)

    loader.FILE_LOADER_CLASS = ReadsOnce
    loader.list_available_services = lambda self, type_name: [*services(type_name, *self.search_paths)]
    _share_names()


def _share_names() -> None:
    hooks = importlib.import_module("botocore.hooks")
    known: dict[str, str] = {}

    class KnowsNames(hooks.EventAliaser):  # type: ignore[misc, name-defined]
        def __init__(self, event_emitter: Any, event_aliases: Any = None) -> None:
            super().__init__(event_emitter, event_aliases)
            if self._event_aliases == hooks.EVENT_ALIASES:
                self._alias_name_cache = known

    importlib.import_module("botocore.session").EventAliaser = KnowsNames
