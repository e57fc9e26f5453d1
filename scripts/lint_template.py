"""Lint what CloudFormation gets: the template as SAM transforms it, and what becomes of it for each combination.

Usage: python -m scripts.lint_template [NAME=VALUE ...], one combination; without any, those of `parameter_choices`.
Exit code 1 if there is a finding.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from scripts.parameter_choices import CHOICES, cover, parameters_of
from scripts.resolved_template import resolved
from scripts.transform_template import REGION, transform

_IMPLIED = "W3005"
"""SAM names in DependsOn what a reference implies already."""


def findings(parameters: Mapping[str, str] | None) -> list[str]:
    """What cfn-lint says of the template with these parameters in it; None for as it is transformed."""
    from cfnlint.api import ManualArgs, lint  # noqa: PLC0415 - it takes seconds, and each process does it

    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    made = transform(parameters or {})
    whole = made if parameters is None else resolved(made, parameters)
    found = lint(json.dumps(whole), config=ManualArgs(regions=[REGION], ignore_checks=[_IMPLIED]))
    return [f"{one.rule.id} {'/'.join(map(str, getattr(one, 'path', None) or ()))}: {one.message}" for one in found]


def main(arguments: Sequence[str]) -> int:
    """Prints each combination with what is wrong with it."""
    picks = cover([len(choices) for choices in CHOICES])
    named = dict(pair.split("=", 1) for pair in arguments)
    wanted: list[Mapping[str, str] | None] = [named] if named else [None, *map(parameters_of, picks)]
    wrong = 0
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for parameters, found in zip(wanted, pool.map(findings, wanted), strict=True):
            told = "as transformed" if parameters is None else " ".join(f"{k}={v}" for k, v in parameters.items())
            print(f"{'FAIL' if found else 'ok'}  {told or 'defaults'}", *found, sep="\n      ", flush=True)
            wrong += len(found)
    print(f"{wrong} findings." if wrong else f"What CloudFormation gets is valid, in {len(wanted)} forms.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
