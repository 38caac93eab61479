"""The filters of every list, by the name that a row of a route gives."""

from __future__ import annotations

from emulator.core.records import DeliveryRange, DenialReason, Package, TransferOrder, Webhook, WebhookEvent
from emulator.rules.filters import hooks, packages, ranges, reasons, transfers
from emulator.rules.filters.lookups import LOOKUPS
from emulator.rules.filters.table import Condition, Filter, FilterSet, Path, Wanted

FILTER_SETS: dict[str, FilterSet] = {
    "package": FilterSet(Package, packages.FILTERS, packages.SORTABLE),
    "package_simple": FilterSet(Package, (packages.STATE, packages.STATE_VALUE, packages.ORDER_NUMBER)),
    "transfer": FilterSet(TransferOrder, transfers.FILTERS, transfers.SORTABLE),
    "delivery_range": FilterSet(DeliveryRange, ranges.FILTERS, order=("lower", "upper", "id")),
    "denial_reason": FilterSet(DenialReason, reasons.FILTERS, reasons.SORTABLE),
    "hook": FilterSet(Webhook, hooks.HOOK_FILTERS, hooks.HOOK_SORTABLE, hooks.OLDEST_FIRST),
    "hook_event": FilterSet(WebhookEvent, hooks.EVENT_FILTERS, hooks.EVENT_SORTABLE, hooks.OLDEST_FIRST),
}
"""A new list: a row here, and `filters="<its name>"` in its route."""

__all__ = ["FILTER_SETS", "LOOKUPS", "Condition", "Filter", "FilterSet", "Path", "Wanted"]
