"""The filters of every list, by the name in the route table."""

from __future__ import annotations

from emulator.api.filters import tables
from emulator.api.filters.filter_set import LOOKUPS, Condition, Filter, FilterSet, ListQuery, Path
from emulator.core.records import (
    DeliveryRange,
    DenialReason,
    Package,
    PackageItem,
    TransferOrder,
    TransitionLog,
    Webhook,
    WebhookEvent,
)

FILTER_SETS: dict[str, FilterSet] = {
    "package": FilterSet(Package, tables.PACKAGE_FILTERS, tables.PACKAGE_SORTABLE),
    "package_simple": FilterSet(Package, (tables.STATE, tables.STATE_VALUE, tables.ORDER_NUMBER)),
    "transfer": FilterSet(TransferOrder, tables.TRANSFER_FILTERS, tables.TRANSFER_SORTABLE),
    "delivery_range": FilterSet(DeliveryRange, tables.DELIVERY_RANGE_FILTERS, order=("lower", "upper", "id")),
    "denial_reason": FilterSet(DenialReason, tables.DENIAL_REASON_FILTERS, tables.DENIAL_REASON_SORTABLE),
    "package_denial_reason": FilterSet(DenialReason, order=("priority", "-id")),
    "package_item": FilterSet(PackageItem, tables.PACKAGE_ITEM_FILTERS, tables.PACKAGE_ITEM_SORTABLE),
    "transition_log": FilterSet(TransitionLog, tables.TRANSITION_LOG_FILTERS, tables.TRANSITION_LOG_SORTABLE),
    "hook": FilterSet(Webhook, tables.HOOK_FILTERS, tables.HOOK_SORTABLE, tables.OLDEST_FIRST),
    "hook_event": FilterSet(WebhookEvent, tables.EVENT_FILTERS, tables.EVENT_SORTABLE, tables.OLDEST_FIRST),
    "event_queue": FilterSet(WebhookEvent, tables.EVENT_QUEUE_FILTERS, {"id": "id"}, tables.OLDEST_FIRST),
}
"""To add the filters of a list, add a row here and `filter_set="<its name>"` to its route."""

__all__ = ["FILTER_SETS", "LOOKUPS", "Condition", "Filter", "FilterSet", "ListQuery", "Path"]
