"""The figures as one picture, in SVG: a panel for each, a bar for each server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.side_by_side.contestants import CONTESTANTS, DIRECT, LOADED, MAKE_RUN, OURS
from benchmarks.side_by_side.report import number
from benchmarks.side_by_side.results import ADDED, CPU, FIRST, RATE, STREAM, Results, memory

_WIDTH, _COLUMNS = 960, 3
_PANEL_WIDTH, _LABEL, _NUMBER = _WIDTH // _COLUMNS, 128, 44
_BAR, _HEAD, _GAP = 18, 34, 22
_OURS, _OTHERS, _INK = "#1a7f5a", "#9aa5b1", "#1f2933"
_MEASURES = (CPU, ADDED, RATE, STREAM, FIRST)

type Figure = Callable[[Results, str], float | None]


@dataclass(frozen=True, slots=True)
class _Panel:
    """One figure of all who have it."""

    title: str
    bars: Sequence[tuple[str, float]]

    def drawn(self) -> str:
        most = max((value for _, value in self.bars), default=1.0) or 1.0
        room = _PANEL_WIDTH - _LABEL - _NUMBER - _GAP
        lines = [f'<text x="4" y="20" font-weight="600">{escape(self.title)}</text>']
        for index, (name, value) in enumerate(self.bars):
            top, length = _HEAD + index * _BAR, max(1.0, value / most * room)
            color = _OURS if name in {OURS, LOADED, MAKE_RUN} else _OTHERS
            lines += [
                f'<text x="{_LABEL - 6}" y="{top + 11}" text-anchor="end">{escape(name.replace("`", ""))}</text>',
                f'<rect x="{_LABEL}" y="{top}" width="{length:.1f}" height="{_BAR - 5}" fill="{color}"/>',
                f'<text x="{_LABEL + length + 4:.1f}" y="{top + 11}">{number(value)}</text>',
            ]
        return "".join(lines)


def picture(results: Results) -> str:
    """The whole file."""
    panels = [_panel(f"{one.name}, {one.unit}", results, one.median) for one in _MEASURES]
    panels.append(_panel("memory, MiB", results, memory))
    height = _HEAD + _BAR * max(len(panel.bars) for panel in panels) + _GAP
    drawn = [
        f'<g transform="translate({index % _COLUMNS * _PANEL_WIDTH},{index // _COLUMNS * height})">{panel.drawn()}</g>'
        for index, panel in enumerate(panels)
    ]
    size = f'width="{_WIDTH}" height="{-(-len(panels) // _COLUMNS) * height}"'
    style = f'font-family="system-ui,sans-serif" font-size="12" fill="{_INK}"'
    lines = "\n".join(drawn)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n<rect {size} fill="#ffffff"/>\n{lines}\n</svg>\n'


def _panel(title: str, results: Results, of: Figure) -> _Panel:
    found = [(one.name, of(results, one.name)) for one in CONTESTANTS if one.name != DIRECT]
    return _Panel(title, [(name, value) for name, value in found if value is not None])
