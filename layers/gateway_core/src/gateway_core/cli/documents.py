"""A report's sections as Markdown, or as one page of HTML without scripts. Pure. Names in it are from callers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from gateway_core.cli.month_page import Section, Table

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!])")
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; }
th, td { padding: .3rem .75rem; border-bottom: 1px solid #8885; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
thead th { white-space: normal; vertical-align: bottom; }
td { font-variant-numeric: tabular-nums; }
tr.sum td { font-weight: 600; border-top: 2px solid; }
p.warning { border-left: .3rem solid #b00020; padding-left: .8rem; font-weight: 600; }
@media print {
  body { margin: 0; padding: 0; max-width: none; } h2 { break-after: avoid; } tr { break-inside: avoid; }
  .wide { overflow: visible; } table { font-size: 8pt; } th, td { padding: .2rem .3rem; }
  td:first-child { white-space: normal; overflow-wrap: anywhere; }
}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def markdown(title: str, sections: Iterable[Section]) -> str:
    """Tables as GitHub has them."""
    parts = [f"# {_plain(title)}"]
    for section in sections:
        parts += [f"## {_plain(section.title)}", *map(_plain, section.texts)]
        if section.table:
            parts.append(_markdown_table(section.table))
    return "\n\n".join(parts) + "\n"


def html(title: str, sections: Iterable[Section]) -> str:
    """A whole document: it loads nothing, runs nothing and can be printed."""
    body = "\n".join(_html_section(section) for section in sections)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _markdown_table(table: Table) -> str:
    head = [_markdown_row(table.columns), "|".join(["", "---", *("---:" for _ in table.columns[1:]), ""])]
    return "\n".join([*head, *map(_markdown_row, table.rows)])


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(_plain, cells))} |"


def _html_section(section: Section) -> str:
    texts = "\n".join(f"<p{_warning(text)}>{escape(text)}</p>" for text in section.texts)
    table = _html_table(section.table) if section.table else ""
    return f"<section>\n<h2>{escape(section.title)}</h2>\n{texts}\n{table}\n</section>"


def _warning(text: str) -> str:
    return ' class="warning"' if text.startswith("WARNING") else ""


def _html_table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.columns)
    last = len(table.rows) - 1
    rows = (
        f"<tr{' class="sum"' if table.has_sum and place == last else ''}>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in row)
        + "</tr>"
        for place, row in enumerate(table.rows)
    )
    listed = "\n".join(rows)
    return f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{listed}\n</tbody>\n</table></div>'
