"""The template that SAM's local Lambda runs: what was built, with layers by ARN and as much time as Lambda gives.

SAM makes an image anew for each function whose layers are in its template, which takes twenty seconds of CPU where
LiteLLM's is among them. Functions whose layers have an ARN share one. SAM has a cache of those, and asks AWS for no
other ones.

The emulator's clock for an invocation runs while the function starts, as Lambda's does not: on a busy machine a start
alone may last as long as most functions are given.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

_ARN = "arn:aws:lambda:eu-central-1:123456789012:layer"
_REFERENCE = re.compile(r"- Ref: (\w+Layer)$", re.MULTILINE)
_TIMEOUT = re.compile(r"^( +Timeout:) \d+$", re.MULTILINE)
_LONGEST_S = 900


@dataclass(frozen=True)
class Layers:
    """A template that names them, and the cache where they are."""

    template: Path
    cache: Path


def named_layers(built: Path, name: str) -> Layers:
    """Those of the template of a build, in a folder with this name beside it. A build is a version of them."""
    version = int(built.stat().st_mtime)
    folder = built.parent.with_name(f"{built.parent.name}-{name}")
    shutil.rmtree(folder, ignore_errors=True)
    text = built.read_text()
    for layer in set(_REFERENCE.findall(text)):
        cached = folder / _name_in_cache(f"{_ARN}:{layer}:{version}")
        shutil.copytree(built.parent / layer, cached, copy_function=os.link)
    template = built.with_name(f"named-{name}.yaml")
    named = _REFERENCE.sub(rf"- {_ARN}:\1:{version}", text)
    template.write_text(_TIMEOUT.sub(rf"\1 {_LONGEST_S}", named))
    return Layers(template, folder)


def _name_in_cache(arn: str) -> str:
    """Where SAM looks for a layer."""
    _, layer, version = arn.rsplit(":", 2)
    return f"{layer}-{version}-{hashlib.sha256(arn.encode()).hexdigest()[:10]}"
