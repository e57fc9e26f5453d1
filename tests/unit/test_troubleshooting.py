"""What docs/troubleshooting.md quotes is what the code says: a text that was changed is found by nobody."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
QUOTED = re.compile(r"`([^`]+)`")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PLACES = ("layers/gateway_core/src", "local", "functions", "scripts")
VARIABLE = re.compile(
    r"\w+:/\S*|\.\.\.|\d+|'[^']*'|\{[^}]*\}|\b[A-Z_]{2,}\b|\b[\w.-]*[._/]\w[\w.-]*|\b[A-Z]\b|\balpha\b|\([A-Z]\w+\)|[:|<>]"
)
"""What is put in: numbers, names, placeholders."""
LEAST_WORDS = 3
NOT_OURS = (
    "URL refuses: User:",
    "there is no model group",
    "There's an issue with the selected model",
    "Incomplete response returned",
    "ERR max requests",
    "Failed to export",
    "ERR DB",
    "A version for this Lambda function",
)
"""Texts of clients, of AWS and of the store's provider, and one that is made of pieces."""


@cache
def said():
    """All texts of the product, pieces of a literal joined."""
    files = [path for place in PLACES for kind in ("*.py", "*.sh", "*.lua") for path in (ROOT / place).rglob(kind)]
    files.append(ROOT / "template.yaml")
    source = "\n".join(path.read_text("utf-8") for path in sorted(files))
    return " ".join(re.sub(r'"\s*\n\s*f?"', "", source).split())


def fragments():
    """The longest piece of each quoted text that has no variable part, if it is long enough to tell anything."""
    page = (ROOT / "docs/troubleshooting.md").read_text("utf-8")
    for text in (" ".join(found.split()) for found in QUOTED.findall(FENCED.sub("", page))):
        if not text.startswith((*NOT_OURS, "gateway ", "docker ", "make ", "curl ", ".venv", "aws ", "scripts/")):
            longest = max(map(str.strip, VARIABLE.split(text)), key=len).strip(" .,;")
            if len(longest.split()) >= LEAST_WORDS:
                yield longest


def test_each_text_is_in_the_code():
    """As it is quoted, but for what is put in."""
    found = sorted(set(fragments()))
    assert len(found) > 25
    assert [text for text in found if text not in said()] == []
