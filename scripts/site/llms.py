"""llms.txt: what there is to read, for models. https://llmstxt.org has the form."""

from __future__ import annotations

from scripts.site.pages import FOLDERS, ROOT, SECTIONS, below, summary_of, title_of

TARGET = ROOT / "llms.txt"
OPENAPI = "layers/gateway_core/src/gateway_core/data/openapi.json"


def text() -> str:
    """The file as it is kept; links are relative to it."""
    readme = ROOT / "README.md"
    lines = [f"# {title_of(readme)}", "", f"> {summary_of(readme)}.", ""]
    for section, pages in SECTIONS.items():
        lines += [f"## {section}", "", *map(_line, pages)]
        lines += [f"- [OpenAPI document]({OPENAPI}): every route, field, status and error"] * (section == "Reference")
        lines.append("")
    lines += ["## Optional", ""]
    lines += [_line(page) for _, folder in FOLDERS.values() for page in below(folder)]
    return "\n".join(lines) + "\n"


def _line(page: str) -> str:
    path = ROOT / page
    summary = summary_of(path)
    return f"- [{title_of(path)}]({page})" + (f": {summary}" if summary else "")
