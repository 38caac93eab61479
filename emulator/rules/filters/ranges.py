"""The filters of delivery ranges; the page has lost their names."""

from __future__ import annotations

from emulator.rules.filters.packages import GUESS
from emulator.rules.filters.table import Filter, Path, at

# fmt: off
FILTERS: tuple[Filter, ...] = (
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
