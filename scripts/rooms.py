"""Counts the core's rooms, the arrows between them and the floors that they stand on. Run by `make arch`.

A room is a module or a folder at the root of `gateway_core`. An arrow leads from a room to one that it imports,
however many of its files do. A room stands one floor above the highest room that it imports.
"""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import TopologicalSorter

import grimp

ROOT = "gateway_core"

type Arrow = tuple[str, str]
"""Who imports, and who is imported."""


def room_of(module: str) -> str:
    """The room that a module is in: `store` for `gateway_core.store.budget`."""
    return module.split(".")[1]


def arrows_of(imports: Iterable[Arrow]) -> set[Arrow]:
    """The arrows between rooms that imports of modules make; the root itself is no room."""
    inside = [pair for pair in imports if ROOT not in pair]
    between = {(room_of(importer), room_of(imported)) for importer, imported in inside}
    return {(importer, imported) for importer, imported in between if importer != imported}


def floors_of(rooms: Iterable[str], arrows: Iterable[Arrow]) -> dict[str, int]:
    """The floor of each room, 1 for those that import no other. Raises CycleError for a circle."""
    below: dict[str, set[str]] = {room: set() for room in rooms}
    for importer, imported in arrows:
        below[importer].add(imported)
    floors: dict[str, int] = {}
    for room in TopologicalSorter(below).static_order():
        floors[room] = 1 + max((floors[other] for other in below[room]), default=0)
    return floors


def main() -> None:
    """Print the three numbers."""
    graph = grimp.build_graph(ROOT, cache_dir=None)
    modules = graph.modules - {ROOT}
    arrows = arrows_of((m, other) for m in modules for other in graph.find_modules_directly_imported_by(m))
    floors = floors_of({room_of(module) for module in modules}, arrows)
    print(f"{len(floors)} rooms on {max(floors.values())} floors, {len(arrows)} arrows between them, no circle.")


if __name__ == "__main__":
    main()
