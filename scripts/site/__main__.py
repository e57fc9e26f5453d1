"""`python -m scripts.site llms` writes llms.txt; `stage FOLDER` puts what zensical builds into a folder."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from scripts.site import llms
from scripts.site.pages import FOLDERS, ROOT, SECTIONS, all_pages, below, title_of

SETTINGS = Path(__file__).with_name("zensical.toml")
LINK = re.compile(r"\]\(([^)\s#]+)(#[^)\s]*)?\)")
HEAD = '[project]\nsite_name = "Serverless LLM gateway"\ndocs_dir = "pages"\nsite_dir = "html"\n'


def stage(folder: Path) -> None:
    """Pages, and files that they link to, at their paths; a link to a folder leads to its list."""
    shutil.rmtree(folder, ignore_errors=True)
    for page in all_pages():
        put(folder, page, _with_lists(page))
        for target in _files_of(page):
            put(folder, target, target.read_bytes())
    for title, (_, name) in FOLDERS.items():
        if not (ROOT / name / "README.md").exists():
            lines = [f"- [{title_of(ROOT / page)}]({Path(page).name})" for page in below(name)]
            put(folder, ROOT / name / "README.md", f"# {title}\n\n" + "\n".join(lines) + "\n")
    put(folder, llms.TARGET, llms.text())
    settings = f"{HEAD}nav = [\n{_nav()}]\n\n" + SETTINGS.read_text("utf-8")
    (folder.parent / "zensical.toml").write_text(settings, "utf-8")


def put(folder: Path, path: Path, content: str | bytes) -> None:
    """A file at its place."""
    target = folder / path.relative_to(ROOT)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)


def _files_of(page: Path) -> list[Path]:
    """What it links to and is no page."""
    links = [link for link, _ in LINK.findall(page.read_text("utf-8")) if "://" not in link]
    targets = [(page.parent / link).resolve() for link in links]
    return [target for target in targets if target.is_file() and target.suffix != ".md"]


def _with_lists(page: Path) -> str:
    def at_list(found: re.Match[str]) -> str:
        is_folder = "://" not in found[1] and (page.parent / found[1]).is_dir()
        return f"]({found[1].rstrip('/')}/README.md)" if is_folder else found[0]

    return LINK.sub(at_list, page.read_text("utf-8"))


def _nav() -> str:
    """Sections with their pages, as TOML."""
    lines = []
    for section, pages in SECTIONS.items():
        entries = [f'"{page}"' for page in pages]
        for title, (parent, folder) in FOLDERS.items():
            if parent == section:
                entries.append(f'{{ "{title}" = [{", ".join(f'"{page}"' for page in below(folder))}] }}')
        lines.append(f'  {{ "{section}" = [{", ".join(entries)}] }},\n')
    return "".join(lines)


def main(arguments: list[str]) -> None:
    match arguments:
        case ["llms"]:
            llms.TARGET.write_text(llms.text(), "utf-8")
        case ["stage", folder]:
            stage(Path(folder).resolve())
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
