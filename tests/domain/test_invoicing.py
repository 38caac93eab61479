"""The purchase invoice of a package has a line for each item, with the tax that the amount includes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from emulator import Emulator
from emulator.core.records import Invoice, InvoiceItem, OrderItem, Package, PackageItem
from emulator.domain.shipments import included_tax
from tests.support.worlds import all_tables, changed_records


@pytest.mark.parametrize(
    ("amount", "rate", "tax"),
    [
        ("65.00", "14.00", "7.98"),  # the page's sample
        ("100.00", "0.00", "0.00"),
        ("0.00", "18.00", "0.00"),
        ("118.00", "18.00", "18.00"),
        ("0.03", "100.00", "0.02"),
    ],
)
def test_tax_is_included_in_the_amount(amount: str, rate: str, tax: str) -> None:
    """The tax is rounded half up, to the cent."""
    assert included_tax(amount, rate) == tax


def test_invoice_has_a_line_for_each_item() -> None:
    oms = Emulator("demo")
    root = oms.world.records
    package = next(one for one in root.all(Package) if len(root.find(PackageItem, "package", one.id)) > 1)
    before = all_tables(root)
    answer = oms.session().post(f"/api/v1/oms/packages/{package.id}/invoice/")
    assert answer.status_code == 201
    after = oms.world.records
    (invoice,) = after.find(Invoice, "package", package.id)
    lines = after.find(InvoiceItem, "invoice", invoice.id)
    bought = [root.get_existing(OrderItem, item.order_item) for item in root.find(PackageItem, "package", package.id)]
    assert [(line.order_item, line.total_amount, line.tax_rate) for line in lines] == [
        (item.id, item.net_amount, item.tax_rate) for item in bought
    ]
    for line in lines:
        net = Decimal(line.total_amount) - Decimal(str(line.tax_amount))
        assert abs(net * (100 + Decimal(line.tax_rate)) / 100 - Decimal(line.total_amount)) <= Decimal("0.01")
    assert changed_records(before, all_tables(after)) == {
        ("Invoice", invoice.id): invoice,
        **{("InvoiceItem", line.id): line for line in lines},
        ("Package", package.id): {"invoice": invoice.id, "modified_date": oms.world.clock.now()},
    }
    document = answer.json()
    assert (document["id"], document["package_number"], document["invoice_type"], document["status"]) == (
        *(invoice.id, package.number, "purchased", "waiting"),
    )
    assert [line["order_item"] for line in document["invoiceitem_set"]] == [item.id for item in bought]
    assert (len(document["number"]), document["number"].isdigit()) == (10, True)


def test_second_invoice_is_refused() -> None:
    oms = Emulator("demo")
    url = f"/api/v1/oms/packages/{oms.world.records.ids(Package)[0]}/invoice/"
    assert oms.session().post(url).status_code == 201
    root = oms.world.records
    again = oms.session().post(url)
    assert (again.status_code, again.json()) == (
        *(400, {"non_field_errors": ["The package already has a purchase invoice."]}),
    )
    assert oms.world.records is root
