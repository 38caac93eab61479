"""The filters of webhook subscriptions and of their events: those of the sender's published code (dj-whisperer)."""

from __future__ import annotations

from emulator.core.records import State, Webhook, WebhookEvent
from emulator.core.store import View
from emulator.rules.filters.table import Filter, at, via

# fmt: off
HOOK_FILTERS: tuple[Filter, ...] = (
    Filter("target_url", "char", at("target_url"), "iexact", doc="address, in any case", provenance="observed"),
    Filter("event_type", "char", at("event_type"), "iexact", doc="type of event, in any case", provenance="observed"),
    Filter("is_active", "null_boolean", at("is_active"), doc="whether it is active", provenance="observed"),
)


def is_hook(view: View, id_: int) -> bool:
    return view.has(Webhook, id_)


def is_content_type(view: View, id_: int) -> bool:
    """Tell whether the installation numbers some kind of record so: those with states, and stock locations."""
    return id_ == LOCATION_CONTENT_TYPE or any(state.content_type == id_ for state in view.all(State))


LOCATION_CONTENT_TYPE = 9
"""The content type of stock locations, which have no state that would tell it (assumed: no source shows one)."""

EVENT_FILTERS: tuple[Filter, ...] = (
    Filter("uuid", "uuid", at("uuid"), doc="UUID", provenance="observed"),
    Filter("response_http_status", "number", at("response_http_status"), doc="status of the last answer",
           provenance="observed"),
    Filter("delivered", "null_boolean", at("delivered"), doc="whether it was delivered", provenance="observed"),
    Filter("created_date", "datetime", at("created_date"), doc="creation time", provenance="observed"),
    Filter("created_date__gt", "datetime", at("created_date"), "gt", doc="created after", provenance="observed"),
    Filter("created_date__gte", "datetime", at("created_date"), "gte", doc="created at or after",
           provenance="observed"),
    Filter("created_date__lt", "datetime", at("created_date"), "lt", doc="created before", provenance="observed"),
    Filter("created_date__lte", "datetime", at("created_date"), "lte", doc="created at or before",
           provenance="observed"),
    Filter("object_id", "number", at("object_id"), doc="ID of the record that it tells of", provenance="observed",
           reason="a number, as the samples have it; a text from version 0.4.0 of the sender on"),
    Filter("content_type", "choice", at("content_type"), doc="content type of that record", provenance="observed",
           choices=is_content_type),
    Filter("webhook", "choice", at("webhook"), doc="ID of the hook", provenance="observed", choices=is_hook),
    Filter("event_type", "char", via("webhook", Webhook, "event_type"), "iexact",
           doc="type of event, in any case", provenance="observed"),
)
# fmt: on

OWN: dict[type[object], Filter] = {
    Webhook: Filter("owner", "char", at("owner")),
    WebhookEvent: Filter("owner", "char", via("webhook", Webhook, "owner")),
}
"""What keeps a list to the caller's own records; no query names it."""

OLDEST_FIRST = ("id",)
HOOK_SORTABLE = {
    name: name for name in ("id", "target_url", "event_type", "is_active", "created_date", "modified_date")
}
EVENT_SORTABLE = {
    name: name for name in ("id", "created_date", "modified_date", "response_http_status", "delivered", "retry_count")
}
"""The sender lets every column sort; the name of the parameter is the guide's (assumed)."""
