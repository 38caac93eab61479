"""The fields of each request body."""

from __future__ import annotations

from emulator.core.fields import CharField, DictField, Field, IntegerField
from emulator.params.hooks import HOOK, RETRY

LONGEST_TEXT = 255
"""How long a number given by another system may be (assumed: the usual length of such a column)."""

COMMAND: dict[str, Field] = {
    "transition": IntegerField(required=False),
    "slug": CharField(required=False),
    "input_parameters": DictField(),
}
INVOICE_NUMBER: dict[str, Field] = {"invoice_number": CharField(max_length=LONGEST_TEXT)}
REMOTE_ID: dict[str, Field] = {"remote_id": CharField(max_length=LONGEST_TEXT)}
EXTRA_INFORMATION: dict[str, Field] = {"extra_information": DictField()}
LOGIN: dict[str, Field] = {"username": CharField(), "password": CharField(trim_whitespace=False)}

FIELDS: dict[str, dict[str, Field]] = {
    "command": COMMAND,
    "set-invoice-number": INVOICE_NUMBER,
    "set-remote-id": REMOTE_ID,
    "extra-information": EXTRA_INFORMATION,
    "login": LOGIN,
    "hook": HOOK,
    "hook-change": HOOK,
    "hook-retry": RETRY,
}
"""Request body (as in `schemas/requests/`) -> its fields."""
