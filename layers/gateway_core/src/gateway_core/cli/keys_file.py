"""Reads a file of keys and budgets, see docs/cli.md. What is wrong in it is told by its line and field.

Values are taken as they are written, by the rules of the command line's options: no amount passes through a float.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from gateway_core.cli import values
from gateway_core.cli.answers import UsageError
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import InvalidRequest
from gateway_core.store.virtual_keys import KeyRecord

type Check = Callable[[Mapping[str, Any]], None]
"""Raises InvalidRequest for a right, by a field of `KeyRecord`, that there is not."""
type Read = Callable[[yaml.Node], Any]
_NULL, _BOOL = "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool"


@dataclass(frozen=True, slots=True)
class WantedProject:
    """What a project is to have: keys by name, and the budgets of itself (`""`) and of users that are named."""

    project_id: str
    keys: Mapping[str, KeyRecord]
    budgets: Mapping[str, Limits]


def read_keys_file(text: str, source: str, check: Check) -> tuple[WantedProject, ...]:
    """The projects, in the file's order; `check` knows which names there are. Raises UsageError."""
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise UsageError(f"{source}, line {line}: {error.problem}.") from None
    except yaml.YAMLError:
        raise UsageError(f"{source}: not readable as YAML. Save it as UTF-8 text.") from None
    except RecursionError:
        raise UsageError(f"{source}: is nested deeper than any file of keys.") from None
    if root is None:
        raise UsageError(f"{source}: the file is empty. It begins with 'projects:'.")
    return _Reader(source, check).projects(root)


class _WrongError(Exception):
    """What is wrong with a node, and where it is."""

    def __init__(self, node: yaml.Node, text: str) -> None:
        super().__init__(text)
        self.line = node.start_mark.line + 1
        self.path: list[str] = []


class _Reader:
    def __init__(self, source: str, check: Check) -> None:
        self._source = source
        self._check = check

    def projects(self, root: yaml.Node) -> tuple[WantedProject, ...]:
        try:
            named = _fields(root, {"projects": _named(values.project)}).get("projects", {})
            return tuple(_within("projects", _within, name, self._project, name, node) for name, node in named.items())
        except _WrongError as error:
            field = ".".join(reversed(error.path))
            text = str(error)
            end = "" if text.endswith((".", "?")) else "."
            raise UsageError(f"{self._source}, line {error.line}: {field or 'the file'}: {text}{end}") from None

    def _project(self, name: str, node: yaml.Node) -> WantedProject:
        found = _fields(node, {"keys": _named(_key_name), "budget": _limits, "users": _named(_user)})
        keys = {
            each: _within("keys", _within, each, self._key, each, below, name)
            for each, below in found.get("keys", {}).items()
        }
        users = {
            each: _within("users", _within, each, _limits, below) for each, below in found.get("users", {}).items()
        }
        own = {"": found["budget"]} if "budget" in found else {}
        return WantedProject(name, keys, {**own, **users})

    def _key(self, name: str, node: yaml.Node, project: str) -> KeyRecord:
        found = _fields(
            node, {**{field: self._known(field, read) for field, read in _RIGHTS.items()}, **_LIMITS, **_RATES}
        )
        limits = {field: found.pop(field) for field in (*_LIMITS, *_RATES) if field in found}
        return KeyRecord(project_id=project, digest="", name=name, limits=_as_limits(limits), **_as_rights(found))

    def _known(self, field: str, read: Read) -> Read:
        def checked(node: yaml.Node) -> Any:
            value = read(node)
            try:
                self._check({field: value})
            except InvalidRequest as error:
                raise _WrongError(node, error.message.removeprefix(f"{field}: ")) from None
            return value

        return checked


def _as_rights(found: Mapping[str, Any]) -> dict[str, Any]:
    renamed = {"user": "user_id", "expires": "expires_ms"}
    return {renamed.get(name, name): value for name, value in found.items()}


def _as_limits(found: Mapping[str, int]) -> Limits:
    return Limits(**{name.replace("_usd", "_nano"): value for name, value in found.items()})


def _limits(node: yaml.Node) -> Limits:
    return _as_limits(_fields(node, _LIMITS))


def _fields(node: yaml.Node, known: Mapping[str, Read]) -> dict[str, Any]:
    """A mapping with these fields, each optional; null is the same as nothing."""
    found: dict[str, Any] = {}
    for key, value in _members(node).items():
        name = key.value
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise _WrongError(key, f"there is no field {name!r}{f'; did you mean {close[0]}?' if close else ''}")
        if value.tag != _NULL:
            found[name] = _within(name, known[name], value)
    return found


def _named(check: Callable[[str], str]) -> Read:
    """A mapping whose names are the user's to choose."""

    def read(node: yaml.Node) -> dict[str, yaml.Node]:
        return {_converted(key, check): value for key, value in _members(node).items()}

    return read


def _members(node: yaml.Node) -> dict[yaml.ScalarNode, yaml.Node]:
    if node.tag == _NULL:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise _WrongError(node, "write 'name: value' lines here")
    found: dict[str, tuple[yaml.ScalarNode, yaml.Node]] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _WrongError(key, "a name is a text")
        if key.value in found:
            raise _WrongError(key, f"{key.value!r} appears twice")
        found[key.value] = key, value
    return dict(found.values())


def _scalar(convert: Callable[[str], Any]) -> Read:
    return lambda node: _converted(node, convert)


def _converted(node: yaml.Node, convert: Callable[[str], Any]) -> Any:
    if not isinstance(node, yaml.ScalarNode):
        raise _WrongError(node, "write one value here")
    try:
        return convert(node.value)
    except argparse.ArgumentTypeError as error:
        raise _WrongError(node, str(error)) from None


def _listed(convert: Callable[[str], tuple[str, ...]]) -> Read:
    """A list of names, or one text with commas."""

    def read(node: yaml.Node) -> tuple[str, ...]:
        if isinstance(node, yaml.SequenceNode):
            return tuple(name for each in node.value for name in _converted(each, convert))
        return _converted(node, convert)  # type: ignore[no-any-return]

    return read


def _flag(node: yaml.Node) -> bool:
    if node.tag != _BOOL:
        raise _WrongError(node, "write true or false")
    return bool(node.value.lower() in {"true", "yes", "on"})


def _expires(text: str) -> int:
    ends = values.expiry(text)
    if ends.at_ms is None:
        raise argparse.ArgumentTypeError("a file means the same at any time: write a day or a moment")
    return ends.at_ms


def _key_name(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("a key is known by its name")
    return values.title(text)


def _user(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("a user has a name")
    return values.user(text)


def _host(text: str) -> tuple[str, ...]:
    return (values.host(text),)


def _within[T](step: str, read: Callable[..., T], *arguments: Any) -> T:
    """What `read` gives; an error in it is told with the way to it."""
    try:
        return read(*arguments)
    except _WrongError as error:
        error.path.append(step)
        raise


_LIMITS: Mapping[str, Read] = {
    "day_usd": _scalar(values.usd),
    "month_usd": _scalar(values.usd),
    "day_tokens": _scalar(values.count),
    "month_tokens": _scalar(values.count),
}
_RATES: Mapping[str, Read] = {"rpm": _scalar(values.rate), "tpm": _scalar(values.rate)}
_RIGHTS: Mapping[str, Read] = {
    "user": _scalar(_user),
    "admin": _flag,
    "groups": _listed(values.names),
    "models": _listed(values.patterns),
    "tools": _listed(values.names),
    "api_base_hosts": _listed(_host),
    "expires": _scalar(_expires),
}
