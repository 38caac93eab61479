"""The list of denial reasons, which a client needs before it refuses a package."""

from __future__ import annotations

from emulator.core.exchange import Call, Reply
from emulator.core.records import DenialReason
from emulator.core.world import World
from emulator.params.filters import DENIAL_REASONS, chosen, ordered
from emulator.params.paging import page_of
from emulator.shapes.documents import page, rendered

PAGE_SIZE, SIZE_PARAMETER = 20, "page_size"
"""Documented: this list alone calls it so, and starts from 20."""
NEWEST_FIRST = "-id"
"""Assumed: the order in which the vendor's other modules list."""


def list_denial_reasons(call: Call, world: World) -> Reply:
    """Answer with a page of the reasons that pass the filters, in the order asked for."""
    root = world.root
    passing = chosen(root.all(DenialReason), call, DENIAL_REASONS)
    ids = [reason.id for reason in ordered(passing, call, DenialReason._fields, NEWEST_FIRST)]
    asked = page_of(call, ids, PAGE_SIZE, newest_first=False, size_parameter=SIZE_PARAMETER)
    results = (rendered("denial-reason", id_, root, call.language, world.kept) or b"" for id_ in asked.ids)
    return Reply(200, page(asked.count, asked.next, asked.previous, results))
