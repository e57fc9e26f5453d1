"""A stand-in for the Upstash Redis REST API: the same wire over a Redis or Valkey on this machine."""

from local.upstash.app import create_app
from local.upstash.faults import Fault, FaultKind, Faults

__all__ = ["Fault", "FaultKind", "Faults", "create_app"]
