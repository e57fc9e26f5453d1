"""One request from its plan to its settlement: read `gateway` first."""
