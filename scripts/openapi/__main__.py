"""`python -m scripts.openapi`: writes openapi.json and docs/examples.md; `record URL KEY` asks a gateway before."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx

from scripts.openapi.document import document
from scripts.openapi.operations import OPERATIONS
from scripts.openapi.pages import page
from scripts.openapi.recording import record

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "layers/gateway_core/src/gateway_core/data/openapi.json"
PAGE = ROOT / "docs/examples.md"
EXAMPLES = Path(__file__).with_name("examples.json")


def examples() -> Any:
    """What was recorded."""
    return json.loads(EXAMPLES.read_text("utf-8"))


def text() -> str:
    """The document as it is kept."""
    made = document(OPERATIONS, examples())
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["record"]:
        _, url, key = arguments
        with httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=60) as http:
            found = record(OPERATIONS, http)
        EXAMPLES.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    TARGET.write_text(text(), "utf-8")
    PAGE.write_text(page(OPERATIONS, examples()), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
