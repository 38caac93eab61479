"""The filters of every list, by the name in the route table."""

from __future__ import annotations

from emulator.core.records import DeliveryRange, DenialReason, Package, TransferOrder, Webhook, WebhookEvent
from emulator.rules.filters import other_filters as other
from emulator.rules.filters import package_filters, transfer_filters
from emulator.rules.filters.filter_set import LOOKUPS, Condition, Filter, FilterSet, ListQuery, Path

FILTER_SETS: dict[str, FilterSet] = {
    "package": FilterSet(Package, package_filters.PACKAGE_FILTERS, package_filters.PACKAGE_SORTABLE),
    "package_simple": FilterSet(
        Package, (package_filters.STATE, package_filters.STATE_VALUE, package_filters.ORDER_NUMBER)
    ),
    "transfer": FilterSet(TransferOrder, transfer_filters.TRANSFER_FILTERS, transfer_filters.TRANSFER_SORTABLE),
    "delivery_range": FilterSet(DeliveryRange, other.DELIVERY_RANGE_FILTERS, order=("lower", "upper", "id")),
    "denial_reason": FilterSet(DenialReason, other.DENIAL_REASON_FILTERS, other.DENIAL_REASON_SORTABLE),
    "hook": FilterSet(Webhook, other.HOOK_FILTERS, other.HOOK_SORTABLE, other.OLDEST_FIRST),
    "hook_event": FilterSet(WebhookEvent, other.EVENT_FILTERS, other.EVENT_SORTABLE, other.OLDEST_FIRST),
}
"""To add the filters of a list, add a row here and `filters="<its name>"` to its route."""

__all__ = ["FILTER_SETS", "LOOKUPS", "Condition", "Filter", "FilterSet", "ListQuery", "Path"]
