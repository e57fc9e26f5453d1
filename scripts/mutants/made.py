"""Makes the mutants of some packages with mutmut's operators, and draws a sample that the seed alone decides.

mutmut by itself puts all mutants of a file into one module and switches between them at run time. That leaves out what
is decorated (dataclasses, properties) and all that runs at import. Here each mutant is a whole file of its own.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from operator import eq
from pathlib import Path
from typing import override

import libcst as cst
from libcst.metadata import MetadataWrapper, WhitespaceInclusivePositionProvider
from mutmut.mutation.file_mutation import Mutation, MutationVisitor, deep_replace
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

from scripts.mutants.places import Place, Places


@dataclass(frozen=True)
class Mutant:
    """One change to one file. `nth` tells apart what has the same text in the same function."""

    file: str
    place: Place
    diff: str
    nth: int
    code: str

    @property
    def package(self) -> str:
        return self.file.partition("/")[0]

    @property
    def text(self) -> tuple[str, str, str]:
        """What stays as it is while the lines around it move."""
        return self.file, self.place.function, self.diff


class _Finder(MutationVisitor):
    """Finds mutations inside of decorated functions and classes as well; decorators and types stay as they are."""

    @override
    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            return False
        return isinstance(node, cst.Decorator | cst.TypeAlias) or super()._skip_node_and_children(node)


def _negated(node: cst.If | cst.IfExp) -> Iterator[cst.CSTNode]:
    """`if known:` becomes `if not known:`; mutmut has operators only for conditions with an operator in them."""
    if not isinstance(node.test, cst.UnaryOperation | cst.Comparison | cst.BooleanOperation):
        kept = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        yield node.with_changes(test=cst.UnaryOperation(cst.Not(), kept))


_OPERATORS = (*mutation_operators, (cst.If, _negated), (cst.IfExp, _negated))
_NOTHING_IGNORED = IgnoredCode(set(), set(), set())


def all_mutants(root: Path, packages: Iterable[str]) -> Iterator[Mutant]:
    """All mutants of the packages below `root`."""
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            yield from mutants_of(path.relative_to(root).as_posix(), path.read_text())


def mutants_of(file: str, source: str) -> Iterator[Mutant]:
    """All mutants of one file."""
    wrapper = MetadataWrapper(cst.parse_module(source))
    finder = _Finder(_OPERATORS, _NOTHING_IGNORED)
    wrapper.visit(finder)
    places, lines, seen = Places(source), source.splitlines(), Counter[tuple[str, str]]()
    for code in _codes(wrapper, source, finder.mutations):
        diff, line = _changed(lines, code.splitlines())
        place = places.of(line)
        seen[place.function, diff] += 1
        yield Mutant(file, place, diff, seen[place.function, diff], code)


def _codes(wrapper: MetadataWrapper, source: str, mutations: Iterable[Mutation]) -> Iterator[str]:
    """The source with each mutation. Most nodes are replaced as text: the tree takes ten times as long."""
    module, spans = wrapper.module, wrapper.resolve(WhitespaceInclusivePositionProvider)
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for mutation in mutations:
        if span := spans.get(mutation.original_node):
            start, end = (starts[at.line - 1] + at.column for at in (span.start, span.end))
            if source[start:end] == module.code_for_node(mutation.original_node):
                yield source[:start] + module.code_for_node(mutation.mutated_node) + source[end:]
                continue
        yield cst.ensure_type(deep_replace(module, mutation.original_node, mutation.mutated_node), cst.Module).code


def _changed(before: Sequence[str], after: Sequence[str]) -> tuple[str, int]:
    """The lines that differ, as a diff without its line numbers, and the number of the first."""
    start = _alike(before, after)
    end = _alike(before[start:][::-1], after[start:][::-1])
    gone, come = before[start : len(before) - end], after[start : len(after) - end]
    return "\n".join((*(f"- {line.strip()}" for line in gone), *(f"+ {line.strip()}" for line in come))), start + 1


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    return sum(takewhile(bool, map(eq, one, other)))


def draw(mutants: Sequence[Mutant], size: int, seed: int) -> list[Mutant]:
    """A sample of `size`, spread over the packages by how many mutants each has.

    Each mutant has a lot, made of the seed and its own text: a change to one function leaves the rest of the sample.
    """
    made = Counter(mutant.package for mutant in mutants)
    return [
        mutant
        for package, share in _shares(made, min(size, len(mutants))).items()
        for mutant in islice(_by_lot(mutants, package, seed), share)
    ]


def _by_lot(mutants: Iterable[Mutant], package: str, seed: int) -> Iterator[Mutant]:
    def lot(mutant: Mutant) -> str:
        return hashlib.sha256(repr((seed, mutant.text, mutant.nth)).encode()).hexdigest()

    return filter(_is_python, sorted((mutant for mutant in mutants if mutant.package == package), key=lot))


def _is_python(mutant: Mutant) -> bool:
    try:
        compile(mutant.code, mutant.file, "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def _shares(made: Counter[str], size: int) -> dict[str, int]:
    """Whole numbers that sum up to `size`: the largest remainders are rounded up."""
    exact = {package: size * count / made.total() for package, count in made.items()}
    up = sorted(exact, key=lambda package: int(exact[package]) - exact[package])[: size - sum(map(int, exact.values()))]
    return {package: int(share) + (package in up) for package, share in exact.items()}
