"""Filters are read as django-filter reads them, and `sort` as the framework does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import django_filters.rest_framework as django_filters
import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.filters import OrderingFilter

from emulator.core.errors import ValidationFailed
from emulator.core.exchange import Call
from emulator.core.records import DenialReason
from emulator.params.filters import DENIAL_REASONS, TYPES, asked_order, wanted
from emulator.rules.filters import LOOKUPS, in_order

quick = settings(deadline=None, derandomize=True)
FIELDS = {
    "boolean": django_filters.BooleanFilter,
    "number": django_filters.NumberFilter,
    "words": django_filters.CharFilter,
}
TEXTS = (
    "",
    " ",
    "1",
    "0",
    "true",
    "TRUE",
    "False",
    "yes",
    "1.0",
    " 7 ",
    "1_0",
    "٣",
    "NaN",
    "inf",
    "1e51",
    "a\x00b",
    "x",
)
NAMES = st.sampled_from([row.name for row in DENIAL_REASONS] + ["limit"])
QUERIES = st.lists(st.tuples(NAMES, st.sampled_from(TEXTS) | st.text(max_size=4)), max_size=5)


class Theirs(django_filters.FilterSet):
    """The same table as django-filter would have it."""

    is_active = FIELDS["boolean"](label="")
    title = FIELDS["words"](lookup_expr="icontains", label="")
    priority = FIELDS["number"](label="")
    remote_id = FIELDS["words"](label="")


def call(*pairs: tuple[str, str]) -> Call:
    query: dict[str, list[str]] = {}
    for name, value in pairs:
        query.setdefault(name, []).append(value)
    return Call("list_denial_reasons", "GET", {}, "", query, "en-us", None, "1", lambda: None)


def theirs(pairs: list[tuple[str, str]]) -> Any:
    """Give the errors of django-filter's form, or the values that it would filter by."""
    data = QueryDict(mutable=True)
    for name, value in pairs:
        data.appendlist(name, value)
    form = Theirs(data, queryset=SimpleNamespace(model=None)).form
    if not form.is_valid():
        return {name: list(messages) for name, messages in form.errors.items()}
    return {name: value for name, value in form.cleaned_data.items() if value not in (None, "")}


def ours(pairs: list[tuple[str, str]]) -> Any:
    try:
        return {row.name: value for row, value in wanted(call(*pairs), DENIAL_REASONS).items()}
    except ValidationFailed as error:
        return error.errors


@quick
@given(QUERIES)
def test_values_and_errors_are_those_of_django_filter(pairs: list[tuple[str, str]]) -> None:
    """Every value is taken, refused or passed over alike, with the same words."""
    assert ours(pairs) == theirs(pairs)


@pytest.mark.parametrize("row", DENIAL_REASONS, ids=lambda row: row.name)
def test_the_table_and_its_counterpart_agree(row: Any) -> None:
    """Each row is of a known type and lookup, filters by a column, and is declared alike over there."""
    declared = Theirs.base_filters[row.name]
    assert row.name in DenialReason._fields
    assert (type(declared), declared.lookup_expr) == (FIELDS[row.type], row.lookup)
    assert row.type in TYPES
    assert row.lookup in LOOKUPS


@quick
@given(
    st.lists(st.sampled_from(["id", "-id", "title", " -priority", "size", "--id", "-", ""]), max_size=4).map(",".join)
)
def test_sort_is_read_as_the_framework_does(text: str) -> None:
    """Unknown columns are passed over; without a known one the default counts."""
    backend = OrderingFilter()
    backend.ordering_param = "sort"
    view = SimpleNamespace(ordering_fields=list(DenialReason._fields), ordering="-id")
    request = SimpleNamespace(query_params={"sort": text})
    assert tuple(asked_order(call(("sort", text)), DenialReason._fields, "-id")) == tuple(
        backend.get_ordering(request, None, view)
    )


def test_empty_values_are_the_largest() -> None:
    """As PostgreSQL orders them: last, and first when descending."""
    reasons = [DenialReason(1, remote_id=None), DenialReason(2, remote_id="b"), DenialReason(3, remote_id="a")]
    assert [reason.id for reason in in_order(reasons, ["remote_id"])] == [3, 2, 1]
    assert [reason.id for reason in in_order(reasons, ["-remote_id", "id"])] == [1, 2, 3]
