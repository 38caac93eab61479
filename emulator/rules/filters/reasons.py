"""The filters of denial reasons. All names are documented."""

from __future__ import annotations

from emulator.core.records import DenialReason
from emulator.rules.filters.table import Filter, at

FILTERS: tuple[Filter, ...] = (
    Filter("is_active", "boolean", at("is_active"), doc="whether it is active", provenance="documented"),
    Filter("title", "char", at("title"), "icontains", doc="part of the title, in any case", provenance="documented"),
    Filter("priority", "number", at("priority"), doc="priority", provenance="documented"),
    Filter("remote_id", "char", at("remote_id"), doc="remote ID", provenance="documented"),
)

SORTABLE = {name: name for name in DenialReason._fields}
