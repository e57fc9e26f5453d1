"""Which values of the template's parameters are linted together: every two of them in some combination.

What a parameter switches is seen with each value of each other one; all at once would be thousands of templates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

_ACCOUNT = "eu-central-1:123456789012"
KEY = f"arn:aws:kms:{_ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
_DOMAIN = {"DomainName": "llm.example.com", "CertificateArn": f"arn:aws:acm:{_ACCOUNT}:certificate/1234abcd"}

type Values = Mapping[str, str]
"""Parameters by name."""
type Choices = Sequence[Values]
"""What goes together, one of which is taken; the first is the default."""

CHOICES: Sequence[Choices] = (
    ({}, {"ConfigSource": "s3://the-config/llm/config.yaml"}, {"ConfigSource": "appconfig://abc1234/def5678/gh90123"}),
    ({}, _DOMAIN, {**_DOMAIN, "HostedZoneId": "Z0123456789ABCDEFGHIJ"}),
    ({}, {"Stage": "staging"}, {"Stage": "prod"}),
    ({}, {"Architecture": "x86_64"}),
    ({}, {"SecretsIn": "secretsmanager"}),
    ({}, {"SecretsPath": "/of/ours"}),
    ({}, {"SecretsKeyArn": KEY}),
    ({}, {"ConfigKeyArn": KEY}),
    ({}, {"WebAclArn": f"arn:aws:wafv2:{_ACCOUNT}:regional/webacl/ours/1234abcd"}),
    ({}, {"StreamConcurrency": "100"}),
    ({}, {"Jobs": "off"}),
    ({}, {"Bedrock": "on", "ModelMemory": "1024"}),
    ({}, {"SnapStart": "on"}),
    ({}, {"ApiLogsRole": "keep"}),
    ({}, {"AlarmTopicArn": f"arn:aws:sns:{_ACCOUNT}:llm-gateway"}),
)

type Pick = tuple[int, ...]
"""For each of CHOICES the place of what is taken."""
type Pair = tuple[int, int, int, int]
"""Two of CHOICES, each with the place of what is taken."""


def cover(sizes: Sequence[int]) -> list[Pick]:
    """Few picks that have every pair, the defaults first; the same ones each time."""
    picks, left = [], set(_pairs(sizes))
    pick: Pick = (0,) * len(sizes)
    while True:
        picks.append(pick)
        left -= set(pairs_of(pick))
        if not left:
            return picks
        pick = _next(sizes, left)


def pairs_of(pick: Pick) -> Iterator[Pair]:
    """What is together in it."""
    for (one, taken), (other, also) in combinations(enumerate(pick), 2):
        yield one, taken, other, also


def parameters_of(pick: Pick, choices: Sequence[Choices] = CHOICES) -> dict[str, str]:
    """What is to be given to the template."""
    found: dict[str, str] = {}
    for place, alternatives in zip(pick, choices, strict=True):
        found |= alternatives[place]
    return found


def _pairs(sizes: Sequence[int]) -> Iterator[Pair]:
    for one, other in combinations(range(len(sizes)), 2):
        for taken in range(sizes[one]):
            yield from ((one, taken, other, also) for also in range(sizes[other]))


def _next(sizes: Sequence[int], left: set[Pair]) -> Pick:
    """The one with the most missing pairs, of those that begin with one of them."""
    return max((_begun(pair, sizes, left) for pair in sorted(left)), key=lambda pick: len(left & set(pairs_of(pick))))


def _begun(pair: Pair, sizes: Sequence[int], left: set[Pair]) -> Pick:
    """Takes everywhere else what adds the most."""
    one, taken, other, also = pair
    fixed = {one: taken, other: also}
    for at in (at for at in range(len(sizes)) if at not in fixed):
        fixed[at] = max(range(sizes[at]), key=lambda place: (_gain(at, place, fixed, left), -place))
    return tuple(fixed[at] for at in range(len(sizes)))


def _gain(at: int, place: int, fixed: Mapping[int, int], left: set[Pair]) -> int:
    pairs = ((at, place, k, fixed[k]) if at < k else (k, fixed[k], at, place) for k in fixed)
    return sum(pair in left for pair in pairs)
