"""Which tests can tell a mutant from the code: those that run its lines, as coverage saw it.

What a class or a module says of itself, such as an error's status, runs at import, and who only reads it runs no line
of it. There those count, too, whose file names it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from coverage import CoverageData

from scripts.mutants.places import Place, Places

_WORD = re.compile(r"[A-Za-z_]\w*")
_FIELD = re.compile(r"^\s*\w+: [^=]*")


class Reach:
    """What every test of `tree` runs of the package below `root`, and how long the test takes."""

    def __init__(self, root: Path, seconds: Mapping[str, float], tree: Path) -> None:
        self._seconds = seconds
        self._naming: dict[str, set[str]] = defaultdict(set)
        for file, tests in _by_file(seconds).items():
            for word in set(_WORD.findall((tree / file).read_text())):
                self._naming[word] |= tests
        self._places: dict[str, Places] = {}
        self._tests: dict[tuple[str, int], set[str]] = defaultdict(set)
        self._mentions: dict[str, set[tuple[str, int]]] = defaultdict(set)
        for path in root.rglob("*.py"):
            self._read(path.relative_to(root).as_posix(), path.read_text())

    def _read(self, file: str, source: str) -> None:
        places = self._places[file] = Places(source)
        for number, line in enumerate(source.splitlines(), 1):
            # A field's type has no say in its value.
            used = _FIELD.sub("", line) if places.of(number).names else line
            for word in _WORD.findall(used):
                self._mentions[word].add((file, number))

    def add(self, data: Path, root: Path) -> None:
        """Take in what coverage wrote of the package, which was at `root`."""
        covered = CoverageData(str(data))
        covered.read()
        for path in covered.measured_files():
            file = Path(path).relative_to(root).as_posix()
            for line, contexts in covered.contexts_by_lineno(path).items():
                # "" is what runs outside of tests: imports.
                self._tests[file, line] |= {context.rpartition("|")[0] for context in contexts} - {""}

    def tests_of(self, file: str, place: Place) -> list[str]:
        """The tests that reach a place, in their order. Of a class's field, those first that use the class as well."""
        groups = [self._using(name) for name in place.names] or [self._running(file, place.lines)]
        near = set.intersection(*groups)
        return [*self.in_order(near), *self.in_order(set.union(*groups) - near)]

    def in_order(self, tests: Iterable[str]) -> list[str]:
        """The fastest first. But a test's second set of arguments comes after every test has had its first."""
        turns = Counter[str]()
        keys = dict[str, tuple[int, float]]()
        for test in sorted(tests, key=lambda test: (self._seconds[test], test)):
            function = test.partition("[")[0]
            turns[function] += 1
            keys[test] = turns[function], self._seconds[test]
        return sorted(keys, key=keys.__getitem__)

    def _running(self, file: str, lines: Iterable[int]) -> set[str]:
        return {test for line in lines for test in self._tests.get((file, line), ())}

    def _using(self, name: str) -> set[str]:
        """The tests that name it, and that run lines with this name or with names that are made of it at import."""
        tests, seen, waiting = set(self._naming.get(name, ())), set[str](), {name}
        while waiting:
            name = waiting.pop()
            seen.add(name)
            for file, line in self._mentions[name]:
                place = self._places[file].of(line)
                tests |= self._running(file, place.lines)
                waiting |= {*place.names[:1]} - seen
        return tests


def _by_file(tests: Iterable[str]) -> Mapping[str, set[str]]:
    files = defaultdict[str, set[str]](set)
    for test in tests:
        files[test.partition("::")[0]].add(test)
    return files
