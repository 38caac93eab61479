"""The requests that the emulator and the oracle both answer, generated from tables.

Targets contain `{package}` and `{transfer}` in place of the ids of existing records.
`Authorization` headers contain `{full-access}` and other roles in place of bearer tokens.
"""

from dataclasses import replace

from tests.oracle.request_tables import (
    access,
    bodies,
    everywhere,
    fields,
    formats,
    forms,
    hooks,
    mounted,
    order,
    paging,
    reference,
    routing,
)
from tests.oracle.wire import RawRequest

TABLES = (access, bodies, fields, forms, formats, order, paging, reference, routing, everywhere, hooks, mounted)

ALL_REQUESTS = [request for table in TABLES for request in table.build_requests()]

REQUESTS: tuple[RawRequest, ...] = tuple(
    {replace(request, label=""): request for request in reversed(ALL_REQUESTS)}.values()
)[::-1]
"""All requests without duplicates; a duplicate keeps its first label."""
