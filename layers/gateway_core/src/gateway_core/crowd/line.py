"""A line that is fair by project: each project in turn, and within one in the order of coming. Pure."""

from __future__ import annotations

from collections import OrderedDict


class FairLine[T]:
    """Waiting items by project. A project's crowd delays another's single item by one turn at most."""

    def __init__(self) -> None:
        self._projects: OrderedDict[str, dict[T, None]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, project: str, item: T) -> None:
        """At the end of its project's items; a project that had none comes after all others."""
        self._projects.setdefault(project, {})[item] = None
        self._size += 1

    def pop(self) -> T:
        """The next item. Raises KeyError for an empty line."""
        project, items = next(iter(self._projects.items()), (None, None))
        if project is None or items is None:
            raise KeyError("nobody waits")
        item = next(iter(items))
        self._projects.move_to_end(project)
        self.discard(project, item)
        return item

    def discard(self, project: str, item: T) -> None:
        """Without this item, which may be gone already."""
        items = self._projects.get(project)
        if items is None or item not in items:
            return
        del items[item]
        self._size -= 1
        if not items:
            del self._projects[project]
