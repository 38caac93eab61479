"""The requests that both sides answer, generated from tables.

`{package}` and `{transfer}` in a target stand for the ids of the packages and transfer orders in the world;
`{full-access}` and other roles in an `Authorization` for bearer tokens.
"""

from dataclasses import replace

from tests.oracle.asks import access, bodies, fields, formats, forms, order, paging, reference, routing
from tests.oracle.wire import Ask

TABLES = (access, bodies, fields, forms, formats, order, paging, reference, routing)

_MADE = [ask for table in TABLES for ask in table.asks()]

ASKS: tuple[Ask, ...] = tuple({replace(ask, label=""): ask for ask in reversed(_MADE)}.values())[::-1]
"""Every request once, under the name that made it first."""
