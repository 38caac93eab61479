"""The filter oracle: models of the records in an in-memory SQLite database, and django-filter filter sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar, get_type_hints

from tests.oracle import service as protocol  # configures Django, once per process

# isort: split
import django_filters
from django.db import connection, models
from django.db.models import F, Q
from django_filters import rest_framework as drf_filters
from rest_framework import serializers, viewsets
from rest_framework.filters import OrderingFilter
from rest_framework.test import APIRequestFactory

from emulator.api.filters import FILTER_SETS, Filter, FilterSet
from emulator.core import records
from emulator.state.store import Reader
from tests.oracle_filters.tables import ORDERS, SORT, TABLES, DjangoFilter

KINDS = (
    *(records.Country, records.City, records.Township, records.State, records.Channel, records.CargoCompany),
    *(records.LocationAddress, records.StockLocation, records.Product, records.DeliveryRange, records.Customer),
    *(records.Address, records.Shipment, records.Order, records.OrderItem, records.Package, records.PackageItem),
    *(records.TransferOrder, records.TransferItem, records.TransitionLog),
)
EXTRA: dict[type[Any], dict[str, Any]] = {
    records.Package: {"cancellation_failure_status": models.TextField(null=True)}
}
"""Columns that filters use and no record has."""
MODELS: dict[type[Any], type[models.Model]] = {}


def foreign_key(to: type[Any], **settings: Any) -> Any:
    return models.ForeignKey(
        MODELS.get(to) or to.__name__, models.DO_NOTHING, null=True, db_constraint=False, **settings
    )


def model_field(kind: type[Any], column: str, hint: Any) -> Any:
    if column == "id":
        return models.BigIntegerField(primary_key=True)
    if column == "retail_store_id":
        return foreign_key(records.StockLocation, related_name="+")
    if (to := records.REFERENCES[kind].get(column)) in KINDS:
        back = {} if (kind, column) in BACK else {"related_name": "+"}
        return foreign_key(to, **back)
    text = str(hint)
    if "datetime" in text:
        return models.DateTimeField(null=True)
    if "bool" in text:
        return models.BooleanField(null=True)
    return models.BigIntegerField(null=True) if hint in (int, int | None) else models.TextField(null=True)


BACK = {(records.PackageItem, "package"), (records.TransferItem, "transfer_order")}


def model_fields(kind: type[Any]) -> dict[str, str]:
    """Return the record columns that the model of a kind has, and their names in the model."""
    excluded = {"attributes", "snapshot"}
    names = {name: name for name in get_type_hints(kind) if name not in excluded}
    return names | ({"retail_store_id": "retail_store"} if "retail_store_id" in names else {})


def model_class(kind: type[Any]) -> type[models.Model]:
    hints = get_type_hints(kind)
    names = model_fields(kind)
    fields = {names[name]: model_field(kind, name, hints[name]) for name in names}
    meta = type("Meta", (), {"app_label": "oracle_filters"})
    body = {**fields, **EXTRA.get(kind, {}), "Meta": meta, "__module__": __name__}
    return type(kind.__name__, (models.Model,), body)


for record_class in KINDS:
    MODELS[record_class] = model_class(record_class)


def create_tables() -> None:
    with connection.schema_editor() as editor:
        for created in MODELS.values():
            editor.create_model(created)


@contextmanager
def case_sensitive_like() -> Iterator[None]:
    """Compare texts case-sensitively, as PostgreSQL does. Other oracles that share the connection do not."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA case_sensitive_like = ON")
        yield
        cursor.execute("PRAGMA case_sensitive_like = OFF")


def load_records(view: Reader) -> None:
    """Replace all rows by the records of a world."""
    for kind, target in MODELS.items():
        target.objects.all().delete()
        names = {name: target._meta.get_field(field_name).attname for name, field_name in model_fields(kind).items()}
        rows = [
            {attribute: column_value(getattr(record, name)) for name, attribute in names.items()}
            for record in view.all(kind)
        ]
        target.objects.bulk_create([target(**row) for row in rows], batch_size=500)


def column_value(value: Any) -> Any:
    if value is records.OMITTED:
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


def method_filter(definition: DjangoFilter) -> Any:
    """Return the method of a filter that uses several fields."""

    def apply(queryset: Any, _name: str, value: Any) -> Any:
        condition = Q(**{f"{definition.field}__{definition.lookup}": value})
        for other in definition.either:
            condition |= Q(**{f"{other}__{definition.lookup}": value})
        for other, lookup in definition.also:
            condition &= Q(**{f"{other}__{lookup}": value})
        return queryset.filter(condition).distinct()

    return apply


def build_filter(row: Filter, definition: DjangoFilter) -> Any:
    if definition.either or definition.also:
        return CLASSES[row.value_type](method=method_filter(definition))
    return CLASSES[row.value_type](
        field_name=definition.field, lookup_expr=definition.lookup, exclude=definition.exclude, distinct=True
    )


class Filters(django_filters.FilterSet):
    """Filter set that builds its form class only once, because that takes most of the time of a query."""

    forms: ClassVar[dict[type[Any], Any]] = {}

    def get_form_class(self) -> Any:
        kind = type(self)
        if kind not in self.forms:
            self.forms[kind] = super().get_form_class()
        return self.forms[kind]


def filter_set(name: str, table: FilterSet) -> Any:
    filters = {parameter: build_filter(row, TABLES[name][row.name]) for parameter, row in table.names}
    meta = type("Meta", (), {"model": MODELS[table.kind], "fields": []})
    return type("OwnFilters", (Filters,), {**filters, "Meta": meta})


class Sort(OrderingFilter):
    """Ordering filter that places nulls as PostgreSQL does and breaks ties by the newest id."""

    ordering_param = "sort"

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        return queryset.order_by(*map(self.term, [*self.get_ordering(request, queryset, view), "-id"]))

    def term(self, name: str) -> Any:
        column = F(self.fields.get(name.removeprefix("-"), name.removeprefix("-")))
        return column.desc(nulls_first=True) if name.startswith("-") else column.asc(nulls_last=True)

    fields: dict[str, str]


class IdSerializer(serializers.BaseSerializer):
    def to_representation(self, instance: Any) -> Any:
        return instance.pk


def build_view(name: str) -> Any:
    table = FILTER_SETS[name]
    sort = type("OwnSort", (Sort,), {"fields": SORT.get(name, {})})
    body = {
        "queryset": MODELS[table.kind].objects.all(),
        "serializer_class": IdSerializer,
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


VIEWS = {name: build_view(name) for name in TABLES}
REQUESTS = APIRequestFactory()


def list_ids(name: str, query: str) -> tuple[int, Any]:
    """Return the status and either the page of ids that a query finds or the errors."""
    response = VIEWS[name](REQUESTS.get(f"/?{query}"))
    return response.status_code, response.data
