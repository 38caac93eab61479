"""The filters of every list, by the name in the route table."""

from __future__ import annotations

from emulator.api.filters import tables
from emulator.api.filters import tables as other
from emulator.api.filters.filter_set import LOOKUPS, Condition, Filter, FilterSet, ListQuery, Path
from emulator.core.records import DeliveryRange, DenialReason, Package, TransferOrder, Webhook, WebhookEvent

FILTER_SETS: dict[str, FilterSet] = {
    "package": FilterSet(Package, tables.PACKAGE_FILTERS, tables.PACKAGE_SORTABLE),
    "package_simple": FilterSet(Package, (tables.STATE, tables.STATE_VALUE, tables.ORDER_NUMBER)),
    "transfer": FilterSet(TransferOrder, tables.TRANSFER_FILTERS, tables.TRANSFER_SORTABLE),
    "delivery_range": FilterSet(DeliveryRange, other.DELIVERY_RANGE_FILTERS, order=("lower", "upper", "id")),
    "denial_reason": FilterSet(DenialReason, other.DENIAL_REASON_FILTERS, other.DENIAL_REASON_SORTABLE),
    "hook": FilterSet(Webhook, other.HOOK_FILTERS, other.HOOK_SORTABLE, other.OLDEST_FIRST),
    "hook_event": FilterSet(WebhookEvent, other.EVENT_FILTERS, other.EVENT_SORTABLE, other.OLDEST_FIRST),
}
"""To add the filters of a list, add a row here and `filters="<its name>"` to its route."""

__all__ = ["FILTER_SETS", "LOOKUPS", "Condition", "Filter", "FilterSet", "ListQuery", "Path"]
