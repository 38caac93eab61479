"""The requests that the emulator and the oracle both answer, generated from tables.

Targets contain `{package}` and `{transfer}` in place of the ids of existing records.
`Authorization` headers contain `{full-access}` and other roles in place of bearer tokens.
"""

from dataclasses import replace

from tests.oracle.asks import access, bodies, fields, formats, forms, order, paging, reference, routing
from tests.oracle.wire import Ask

TABLES = (access, bodies, fields, forms, formats, order, paging, reference, routing)

_ALL = [ask for table in TABLES for ask in table.asks()]

ASKS: tuple[Ask, ...] = tuple({replace(ask, label=""): ask for ask in reversed(_ALL)}.values())[::-1]
"""All requests without duplicates; a duplicate keeps its first label."""
