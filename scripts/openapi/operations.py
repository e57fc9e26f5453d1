"""All operations, in the order of the document. A test compares them with the routes that there are."""

from __future__ import annotations

from scripts.openapi import administering, asking, looking, reporting, tools, wires

OPERATIONS = (
    *asking.OPERATIONS,
    *wires.OPERATIONS,
    *reporting.OPERATIONS,
    *looking.OPERATIONS,
    *administering.OPERATIONS,
    *tools.OPERATIONS,
)
