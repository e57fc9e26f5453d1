"""The records of all wires, and where their code is."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

import gateway_core
from gateway_core.wires.table import WIRES
from gateway_core.wires.wire import Reason

CORE = Path(gateway_core.__file__).parent
REASONS = get_args(Reason.__value__)
each_wire = pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
