"""Tables as CSV (RFC 4180, UTF-8, CRLF) that a spreadsheet may open.

Names come from callers, and a spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula. Such a cell
gets an apostrophe before it (https://owasp.org/www-community/attacks/CSV_Injection), and every text is in quotes, so
that neither a comma nor a semicolon in it begins another cell. Amounts and numbers are left as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")  # noqa: RUF001 - Excel takes these, too
_AMOUNT = "_usd"
"""Columns of decimal strings end like this: what we write there is a number."""


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A header and a line for each row. What a row lacks, or has as None, is an empty cell."""
    lines = [",".join(columns), *(",".join(_cell(name, row.get(name)) for name in columns) for row in rows)]
    return "\r\n".join(lines) + "\r\n"


def _cell(column: str, value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case _ if column.endswith(_AMOUNT):
            return str(value)
        case _:
            return f'"{_harmless(str(value)).replace('"', '""')}"'


def _harmless(text: str) -> str:
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
