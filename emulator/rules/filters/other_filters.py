"""The filters of delivery ranges, denial reasons, webhook subscriptions and webhook events."""

from __future__ import annotations

from emulator.core.records import DenialReason, State, Webhook, WebhookEvent
from emulator.core.store import View
from emulator.rules.filters.filter_set import Filter, Path, at, via
from emulator.rules.filters.package_filters import GUESS

# fmt: off
DELIVERY_RANGE_FILTERS: tuple[Filter, ...] = (
    Filter("date", "date", (Path("lower", lookup="date__lte"), Path("upper", lookup="date__gte")), both=True,
           aliases=("exact_date", "delivery_range_date"),
           doc="exact date within delivery range", reason=GUESS),
    Filter("lower__date__gte", "date", at("lower"), "date__gte",
           aliases=("lower_start_date", "lower_bound_start_date", "lower_bound_start", "lower__gte"),
           doc="lower bound start date", reason=GUESS),
    Filter("lower__date__lte", "date", at("lower"), "date__lte",
           aliases=("lower_end_date", "lower_bound_end_date", "lower_bound_end", "lower__lte"),
           doc="lower bound end date", reason=GUESS),
    Filter("upper__date__gte", "date", at("upper"), "date__gte",
           aliases=("upper_start_date", "upper_bound_start_date", "upper_bound_start", "upper__gte"),
           doc="upper bound start date", reason=GUESS),
    Filter("upper__date__lte", "date", at("upper"), "date__lte",
           aliases=("upper_end_date", "upper_bound_end_date", "upper_bound_end", "upper__lte"),
           doc="upper bound end date", reason=GUESS),
)
# fmt: on
"""The page has lost the names of these filters."""

DENIAL_REASON_FILTERS: tuple[Filter, ...] = (
    Filter("is_active", "boolean", at("is_active"), doc="whether it is active", provenance="documented"),
    Filter("title", "char", at("title"), "icontains", doc="part of the title, in any case", provenance="documented"),
    Filter("priority", "number", at("priority"), doc="priority", provenance="documented"),
    Filter("remote_id", "char", at("remote_id"), doc="remote ID", provenance="documented"),
)
"""All names are documented."""
DENIAL_REASON_SORTABLE = {name: name for name in DenialReason._fields}

# --- webhooks: the filters of the sender's published code (dj-whisperer) -------------------------------------------

# fmt: off
HOOK_FILTERS: tuple[Filter, ...] = (
    Filter("target_url", "char", at("target_url"), "iexact", doc="address, in any case", provenance="observed"),
    Filter("event_type", "char", at("event_type"), "iexact", doc="type of event, in any case", provenance="observed"),
    Filter("is_active", "null_boolean", at("is_active"), doc="whether it is active", provenance="observed"),
)


def is_hook(view: View, id_: int) -> bool:
    return view.has(Webhook, id_)


def is_content_type(view: View, id_: int) -> bool:
    """Return whether this is a content type of the installation: of a kind with states, or of stock locations."""
    return id_ == LOCATION_CONTENT_TYPE or any(state.content_type == id_ for state in view.all(State))


LOCATION_CONTENT_TYPE = 9
"""The content type of stock locations, which have no states (assumed: no source shows it)."""

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
"""The conditions that restrict a list to the caller's own records. No query names them."""

OLDEST_FIRST = ("id",)
HOOK_SORTABLE = {
    name: name for name in ("id", "target_url", "event_type", "is_active", "created_date", "modified_date")
}
EVENT_SORTABLE = {
    name: name for name in ("id", "created_date", "modified_date", "response_http_status", "delivered", "retry_count")
}
"""The sender can order by every column. The name of the parameter is the guide's (assumed)."""
