"""The reference: models of the records in a SQLite database in memory, and filter sets of django-filter over them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar, get_type_hints

from tests.oracle import service as protocol  # configures Django: once in a process

# isort: split
import django_filters
from django.db import connection, models
from django.db.models import F, Q
from django_filters import rest_framework as drf_filters
from rest_framework import serializers, viewsets
from rest_framework.filters import OrderingFilter
from rest_framework.test import APIRequestFactory

from emulator.core import records
from emulator.core.store import View
from emulator.rules.filters import FILTER_SETS, Filter, FilterSet
from tests.oracle_filters.tables import ORDERS, SORT, TABLES, Of

KINDS = (
    *(records.Country, records.City, records.Township, records.State, records.Channel, records.CargoCompany),
    *(records.LocationAddress, records.StockLocation, records.Product, records.DeliveryRange, records.Customer),
    *(records.Address, records.Shipment, records.Order, records.OrderItem, records.Package, records.PackageItem),
    *(records.TransferOrder, records.TransferItem),
)
EXTRA: dict[type[Any], dict[str, Any]] = {
    records.Package: {"cancellation_failure_status": models.TextField(null=True)}
}
"""Columns that no record has."""
MODELS: dict[type[Any], type[models.Model]] = {}


def reference(to: type[Any], **settings: Any) -> Any:
    return models.ForeignKey(
        MODELS.get(to) or to.__name__, models.DO_NOTHING, null=True, db_constraint=False, **settings
    )


def field(kind: type[Any], column: str, hint: Any) -> Any:
    if column == "id":
        return models.BigIntegerField(primary_key=True)
    if column == "retail_store_id":
        return reference(records.StockLocation, related_name="+")
    if (to := records.REFERENCES[kind].get(column)) in KINDS:
        back = {} if (kind, column) in BACK else {"related_name": "+"}
        return reference(to, **back)
    text = str(hint)
    if "datetime" in text:
        return models.DateTimeField(null=True)
    if "bool" in text:
        return models.BooleanField(null=True)
    return models.BigIntegerField(null=True) if hint in (int, int | None) else models.TextField(null=True)


BACK = {(records.PackageItem, "package"), (records.TransferItem, "transfer_order")}


def columns(kind: type[Any]) -> dict[str, str]:
    """Give the columns of a kind that the models have, and their names there."""
    left_out = {"attributes", "told_from"}
    names = {name: name for name in get_type_hints(kind) if name not in left_out}
    return names | ({"retail_store_id": "retail_store"} if "retail_store_id" in names else {})


def model(kind: type[Any]) -> type[models.Model]:
    hints = get_type_hints(kind)
    names = columns(kind)
    fields = {names[name]: field(kind, name, hints[name]) for name in names}
    meta = type("Meta", (), {"app_label": "oracle_filters"})
    body = {**fields, **EXTRA.get(kind, {}), "Meta": meta, "__module__": __name__}
    return type(kind.__name__, (models.Model,), body)


for each in KINDS:
    MODELS[each] = model(each)


def make_tables() -> None:
    with connection.schema_editor() as editor:
        for one in MODELS.values():
            editor.create_model(one)


@contextmanager
def case_told_apart() -> Iterator[None]:
    """Compare texts as PostgreSQL does; the other oracles of this process share the connection, and do not."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA case_sensitive_like = ON")
        yield
        cursor.execute("PRAGMA case_sensitive_like = OFF")


def fill(view: View) -> None:
    """Take over the records of a world; those of the last one go."""
    for kind, one in MODELS.items():
        one.objects.all().delete()
        names = {name: one._meta.get_field(there).attname for name, there in columns(kind).items()}
        rows = [{there: clean(getattr(record, name)) for name, there in names.items()} for record in view.all(kind)]
        one.objects.bulk_create([one(**row) for row in rows], batch_size=500)


def clean(value: Any) -> Any:
    if value is records.ABSENT:
        return None
    return value if isinstance(value, (int, str, datetime, type(None))) else value.decode()


class NumberIn(django_filters.BaseInFilter, django_filters.NumberFilter):
    pass


class CharIn(django_filters.BaseInFilter, django_filters.CharFilter):
    pass


CLASSES: dict[str, Any] = {
    "number": django_filters.NumberFilter,
    "boolean": drf_filters.BooleanFilter,
    "char": django_filters.CharFilter,
    "date": django_filters.DateFilter,
    "datetime": django_filters.IsoDateTimeFilter,
    "number_list": NumberIn,
    "char_list": CharIn,
}


def either(of: Of) -> Any:
    """Give the method of a filter that looks at several fields."""

    def narrowed(queryset: Any, _name: str, value: Any) -> Any:
        found = Q(**{f"{of.field}__{of.lookup}": value})
        for other in of.either:
            found |= Q(**{f"{other}__{of.lookup}": value})
        for other, lookup in of.also:
            found &= Q(**{f"{other}__{lookup}": value})
        return queryset.filter(found).distinct()

    return narrowed


def made(one: Filter, of: Of) -> Any:
    if of.either or of.also:
        return CLASSES[one.type](method=either(of))
    return CLASSES[one.type](field_name=of.field, lookup_expr=of.lookup, exclude=of.exclude, distinct=True)


class Filters(django_filters.FilterSet):
    """Makes the class of its form once: the filters stay what they are, and most of a query's time would go there."""

    forms: ClassVar[dict[type[Any], Any]] = {}

    def get_form_class(self) -> Any:
        kind = type(self)
        if kind not in self.forms:
            self.forms[kind] = super().get_form_class()
        return self.forms[kind]


def filter_set(name: str, table: FilterSet) -> Any:
    filters = {each: made(one, TABLES[name][one.name]) for each, one in table.names}
    meta = type("Meta", (), {"model": MODELS[table.kind], "fields": []})
    return type("OwnFilters", (Filters,), {**filters, "Meta": meta})


class Sort(OrderingFilter):
    """DRF's, with what a database leaves open decided: empty values as PostgreSQL has them, then the newest first."""

    ordering_param = "sort"

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        return queryset.order_by(*map(self.term, [*self.get_ordering(request, queryset, view), "-id"]))

    def term(self, name: str) -> Any:
        column = F(self.fields.get(name.removeprefix("-"), name.removeprefix("-")))
        return column.desc(nulls_first=True) if name.startswith("-") else column.asc(nulls_last=True)

    fields: dict[str, str]


class Identity(serializers.BaseSerializer):
    def to_representation(self, instance: Any) -> Any:
        return instance.pk


def view_of(name: str) -> Any:
    table = FILTER_SETS[name]
    sort = type("OwnSort", (Sort,), {"fields": SORT.get(name, {})})
    body = {
        "queryset": MODELS[table.kind].objects.all(),
        "serializer_class": Identity,
        "pagination_class": protocol.Pages,
        "filterset_class": filter_set(name, table),
        "filter_backends": [drf_filters.DjangoFilterBackend, sort],
        "ordering_fields": [*SORT.get(name, {})],
        "ordering": ORDERS.get(name, ("-id",)),
        "authentication_classes": [],
        "permission_classes": [],
    }
    view: Any = type("View", (viewsets.ReadOnlyModelViewSet,), body)
    return view.as_view({"get": "list"})


VIEWS = {name: view_of(name) for name in TABLES}
REQUESTS = APIRequestFactory()


def ask(name: str, query: str) -> tuple[int, Any]:
    """Give status and body of the page of ids that a query finds, or the errors."""
    response = VIEWS[name](REQUESTS.get(f"/?{query}"))
    return response.status_code, response.data
