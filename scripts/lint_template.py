"""Lint what CloudFormation gets: the template as SAM transforms it, and what becomes of it for each combination.

What another combination had just like this is left out, as each resource takes time.

Usage: python -m scripts.lint_template [NAME=VALUE ...], one combination; without any, those of `parameter_choices`.
Exit code 1 if there is a finding.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from scripts.parameter_choices import CHOICES, cover, parameters_of
from scripts.resolved_template import references, resolved
from scripts.transform_template import REGION, transform

_IMPLIED = "W3005"
"""SAM names in DependsOn what a reference implies already."""


def findings(template: str) -> list[str]:
    """What cfn-lint says of a template, as JSON."""
    from cfnlint.api import ManualArgs, lint  # noqa: PLC0415 - it takes seconds, and each process does it

    found = lint(template, config=ManualArgs(regions=[REGION], ignore_checks=[_IMPLIED]))
    return [f"{one.rule.id} {'/'.join(map(str, getattr(one, 'path', None) or ()))}: {one.message}" for one in found]


def forms(made: Mapping[str, Any], combinations: Iterable[Mapping[str, str]]) -> Iterator[dict[str, Any]]:
    """What becomes of the template with each: resources that none before it had like this, and what they refer to."""
    seen: set[str] = set()
    for parameters in combinations:
        whole = resolved(made, parameters)
        resources = whole["Resources"]
        texts = {name: json.dumps([name, one], sort_keys=True) for name, one in resources.items()}
        wanted = _with_what_they_name({name for name, text in texts.items() if text not in seen}, resources)
        wanted |= _with_what_they_name(references(whole["Outputs"]) & set(resources), resources)
        seen |= set(texts.values())
        yield whole | {"Resources": {name: one for name, one in resources.items() if name in wanted}}


def _with_what_they_name(names: set[str], resources: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    while names:
        found |= names
        names = set[str]().union(*(references(resources[name]) for name in names)) & set(resources) - found
    return found


def main(arguments: Sequence[str]) -> int:
    """Prints each combination with what is wrong with it."""
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    named = dict(pair.split("=", 1) for pair in arguments)
    combinations = [named] if named else [parameters_of(pick) for pick in cover([len(one) for one in CHOICES])]
    made = transform({})
    titles = [" ".join(f"{name}={value}" for name, value in one.items()) or "defaults" for one in combinations]
    texts = [json.dumps(form) for form in (made, *forms(made, combinations))]
    wrong = 0
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for title, found in zip(("as transformed", *titles), pool.map(findings, texts), strict=True):
            print(f"{'FAIL' if found else 'ok'}  {title}", *found, sep="\n      ", flush=True)
            wrong += len(found)
    print(f"{wrong} findings." if wrong else f"What CloudFormation gets is valid, in {len(texts)} forms.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
