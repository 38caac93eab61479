"""The filters of every list, by the name in the route table."""

from emulator.api.filters.filter_set import FILTER_SETS, LOOKUPS, Condition, Filter, FilterSet, ListQuery, Path

__all__ = ["FILTER_SETS", "LOOKUPS", "Condition", "Filter", "FilterSet", "ListQuery", "Path"]
