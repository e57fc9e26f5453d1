"""Which database each project lives in, from the documents and the environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway_core.config.environment import PlacementEnvironment, store_variables
from gateway_core.config.schema import StoreSection
from gateway_core.domain.errors import ConfigError
from gateway_core.store.placement import FIRST, Placement, shared_out
from gateway_core.store.virtual_keys import PROJECT_ID


def placement_of(file: StoreSection, env: PlacementEnvironment, known: frozenset[str] | None) -> Placement:
    """What both describe; the environment's lists replace those of the documents.

    `known` are the databases whose addresses are there; None where nobody knows. Raises ConfigError.
    """
    lists = {**{name: tuple(section.projects) for name, section in file.databases.items()}, **env.projects}
    others = env.others or tuple(file.others)
    for name in sorted({*lists, *others} - (known or {*lists, *others})):
        url, token = store_variables(name)
        raise ConfigError(f"store: there is no database {name!r}. Set {url} and {token}, or correct its name.")
    projects = _projects(lists)
    in_use = sorted({*others, *projects.values(), *file.databases})
    return Placement(projects, tuple(dict.fromkeys(others)), _shares(file, in_use))


def _projects(lists: Mapping[str, Sequence[str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for database, projects in lists.items():
        for project in projects:
            if not PROJECT_ID.fullmatch(project):
                raise ConfigError(f"store: {database!r} lists what is no project: up to 32 of a-z, 0-9 and -.")
            if found.setdefault(project, database) != database:
                both = f"{found[project]!r} and {database!r}"
                raise ConfigError(f"store: project {project!r} is listed by {both}. It lives in one database.")
    return found


def _shares(file: StoreSection, in_use: Sequence[str]) -> dict[str, float]:
    """None where all are in one database."""
    if in_use == [FIRST]:
        return {}
    given = {name: section.limits_share for name, section in file.databases.items() if section.limits_share}
    try:
        return shared_out(in_use, given)
    except ValueError:
        raise ConfigError(
            "store: the limits_share of all databases together are 1; leave some to the others."
        ) from None
