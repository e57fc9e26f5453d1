"""Show the versions of a stack's functions, delete those that nobody needs any more, or go back to the ones before.

    python -m scripts.versions STACK                  what there is
    python -m scripts.versions STACK prune            delete old versions, but for the one before each in service
    python -m scripts.versions STACK prune --taken-back   and those of a release that was taken back
    python -m scripts.versions STACK back --since 2h  send callers to what was there before releases of two hours

Both only show what they would do without --yes. By `make versions STAGE=prod DO='back --since 2h --yes'`, for instance.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError

from scripts.version_plan import Function, left_over, stale, way_back

ALIAS = "live"
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
type Clients = Callable[[str], Any]


def functions_of(stack: str, clients: Clients) -> Iterator[Function]:
    """Those of the stack that have the alias. Raises ClientError, as for a stack that is not there."""
    pages = clients("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    found = [one for page in pages for one in page["StackResourceSummaries"]]
    for one in found:
        # One that is just being made has no name yet.
        if one["ResourceType"] == "AWS::Lambda::Function" and (name := one.get("PhysicalResourceId")):
            yield from _function(name, _held(name, found), clients("lambda"))


def _held(name: str, resources: Sequence[Mapping[str, str]]) -> frozenset[int]:
    """The versions of a function that CloudFormation has, by their ARNs."""
    arns = [one.get("PhysicalResourceId", "") for one in resources if one["ResourceType"] == "AWS::Lambda::Version"]
    return frozenset(int(arn.rpartition(":")[2]) for arn in arns if arn.split(":")[-2:-1] == [name])


def _function(name: str, held: frozenset[int], by_lambda: Any) -> Iterator[Function]:
    try:
        alias = by_lambda.get_alias(FunctionName=name, Name=ALIAS)
    except by_lambda.exceptions.ResourceNotFoundException:
        return
    pages = by_lambda.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    known = [one for page in pages for one in page["Versions"]]
    longest_s = max(one.get("DurableConfig", {}).get("ExecutionTimeout", one["Timeout"]) for one in known)
    yield Function(
        name=name,
        live=int(alias["FunctionVersion"]),
        published={int(one["Version"]): _time(one["LastModified"]) for one in known if one["Version"] != "$LATEST"},
        longest=timedelta(seconds=longest_s),
        beside=frozenset(map(int, alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}))),
        held=held,
    )


def _time(text: str) -> datetime:
    """As Lambda writes it, `2026-11-29T17:43:23.035+0000`."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _client(service: str) -> Any:
    return boto3.session.Session().client(service)


def main(arguments: Sequence[str], clients: Clients = _client, now: datetime | None = None) -> int:
    """Exit code 1 where AWS refuses."""
    asked = _parser().parse_args(arguments)
    now = now or datetime.now(UTC)
    try:
        for function in functions_of(asked.stack, clients):
            print(_line(function, now))
            _do(asked, function, clients("lambda"), now)
    except ClientError as error:
        print(f"Stopped: {error.response['Error']['Code']} at {error.operation_name}.", file=sys.stderr)
        return 1
    if asked.do and not asked.yes:
        print("Nothing was changed: repeat it with --yes.")
    return 0


def _do(asked: argparse.Namespace, function: Function, by_lambda: Any, now: datetime) -> None:
    if asked.do == "prune":
        gone = stale(function, now, asked.keep) + (left_over(function, now) if asked.taken_back else ())
        for number in sorted(gone):
            print(f"    delete {number}")
            if asked.yes:
                by_lambda.delete_function(FunctionName=function.name, Qualifier=str(number))
    elif asked.do == "back" and (earlier := way_back(function, now - asked.since)):
        print(f"    back to {earlier}")
        if asked.yes:
            by_lambda.update_alias(
                FunctionName=function.name,
                Name=ALIAS,
                FunctionVersion=str(earlier),
                RoutingConfig={"AdditionalVersionWeights": {}},
            )


def _line(function: Function, now: datetime) -> str:
    others = [f"before: {', '.join(map(str, function.before))}"] if function.before else []
    others += [f"taken back: {', '.join(map(str, function.taken_back))}"] if function.taken_back else []
    others += [f"beside it: {', '.join(map(str, sorted(function.beside)))}"] if function.beside else []
    age = now - function.published[function.live]
    hours = int(age.total_seconds()) // 3600
    return f"{function.name}  {function.live}, published {hours} h ago  {'; '.join(others)}".rstrip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stack", help="the stack's name")
    parser.set_defaults(do="", yes=True)
    does = parser.add_subparsers(dest="do")
    prune, back = does.add_parser("prune"), does.add_parser("back")
    prune.add_argument("--keep", type=int, default=1, help="how many before the one in service stay (1)")
    prune.add_argument("--taken-back", action="store_true", help="also those that a release left that was taken back")
    back.add_argument("--since", type=_age, required=True, help="only what was published in this time: 30m, 2h, 1d")
    for one in (prune, back):
        one.add_argument("--yes", action="store_true", help="do it")
    return parser


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9]\d{0,3})([mhd])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text}: write 30m, 2h or 1d.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
