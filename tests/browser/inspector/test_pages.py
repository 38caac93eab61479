"""Each page does its task, and the API shows the result."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Page, expect

import emulator
from emulator import Emulator
from emulator.core.credentials import CREDENTIALS
from tests.browser.inspector.conftest import MonitoredPage, Opener

PACKAGES = "/api/v1/oms/packages/"
DEFAULT = Path(emulator.__file__).parent / "fixtures" / "installation" / "default"


def newest_package_in_state(oms: Emulator, value: str) -> Any:
    """Return the newest package whose state has this enum value."""
    found = oms.session().get(PACKAGES, params={"state__enum_value": value, "limit": 1})
    return found.json()["results"][0]


def current_detail(oms: Emulator, package: Any) -> Any:
    return oms.session().get(f"{PACKAGES}{package['id']}/").json()


def test_the_state_graph_shows_current_counts(oms: Emulator, inspector: MonitoredPage) -> None:
    """Each state is a link to its list and has its current count as a label."""
    page = inspector.open()
    graph = oms.session().get("/__admin/graph").json()["packages"]["states"]
    picture = page.get_by_label("State graph of packages")
    expect(picture.locator("a")).to_have_count(len(graph))
    waiting = picture.get_by_role("link", name=re.compile(r"^Waiting: 9 packages, observed"))
    expect(waiting).to_be_visible()
    oms.package(state="Waiting")
    expect(picture.get_by_role("link", name=re.compile(r"^Waiting: 10 packages"))).to_be_visible()
    picture.get_by_role("link", name=re.compile(r"^Waiting: ")).click()
    expect(page.get_by_role("status").get_by_text("10 packages").first).to_be_visible()


def test_the_state_graph_shows_actors_and_provenance(oms: Emulator, inspector: MonitoredPage) -> None:
    """Transitions of the carrier can be hidden. Assumed transitions are dashed. The tables have the same content."""
    page = inspector.open()
    card = page.locator("section", has=page.get_by_role("heading", name="Packages", exact=True))
    expect(card.locator(".canvas path.edge.carrier")).not_to_have_count(0)
    card.get_by_label("carrier").uncheck()
    expect(card.locator(".canvas path.edge.carrier")).to_have_count(0)
    dashes = "each => getComputedStyle(each).strokeDasharray"
    assert card.locator(".canvas path.edge.assumed").first.evaluate(dashes) != "none"
    assert card.locator(".canvas path.edge:not(.assumed)").first.evaluate(dashes) == "none"
    card.get_by_text("Show as tables").click()
    transitions = oms.session().get("/__admin/graph").json()["packages"]["transitions"]
    table = card.get_by_role("table", name="Transitions of packages")
    expect(table.get_by_role("row")).to_have_count(len(transitions) + 1)
    expect(table.get_by_role("row").filter(has_text="CARRIER_FAILED").first).to_contain_text("carrier")


def test_tokens_and_the_example_request_can_be_copied(oms: Emulator, inspector: MonitoredPage) -> None:
    """The copied request runs in a shell. The copied JWT works on the reference surface."""
    page = inspector.open()
    shown = page.get_by_role("table", name="Tokens").get_by_role("row")
    expect(shown).to_have_count(len(CREDENTIALS) + 1)
    for token in CREDENTIALS:
        expect(page.get_by_role("button", name=f"Copy: token {token}", exact=True)).to_be_visible()
    page.get_by_role("button", name="Copy: example request").click()
    expect(page.get_by_role("status").get_by_text("Copied example request")).to_be_visible()
    done = subprocess.run(["/bin/sh", "-c", clipboard(page)], capture_output=True, text=True, check=True)
    assert len(json.loads(done.stdout)["results"]) == 2
    page.get_by_role("button", name="Create and copy a JWT for full-access").click()
    expect(page.get_by_role("status").get_by_text("Copied a JWT for full-access")).to_be_visible()
    answer = requests.get(f"{oms.url}/packages/", headers={"Authorization": clipboard(page)}, timeout=10)
    assert answer.status_code == 200


def clipboard(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_a_world_is_reset(oms: Emulator, inspector: MonitoredPage) -> None:
    oms.package(state="Waiting")
    page = inspector.open()
    expect(page.locator(".facts").get_by_text("201", exact=True)).to_be_visible()
    page.get_by_role("button", name="Reset world").click()
    assert oms.session().get(PACKAGES).json()["count"] == 201
    page.get_by_role("dialog").get_by_role("button", name="Reset world").click()
    expect(page.locator(".facts").get_by_text("200", exact=True)).to_be_visible()
    assert oms.session().get(PACKAGES).json()["count"] == 200


def test_packages_can_be_filtered_sorted_and_paged(oms: Emulator, inspector: MonitoredPage) -> None:
    """Filters, order and page are part of the URL."""
    page = inspector.open("packages")
    rows = page.get_by_role("table", name="Packages").get_by_role("row")
    expect(rows).to_have_count(51)
    page.get_by_role("button", name="Next page").first.click()
    expect(page.get_by_label("Page", exact=True).first).to_have_value("2")
    newest = newest_package_in_state(oms, "100")
    page.get_by_role("combobox", name="State", exact=True).select_option(label="Waiting (9)")
    expect(rows).to_have_count(10)
    expect(rows.nth(1)).to_contain_text(newest["number"])
    page.get_by_role("button", name="ID").click()
    expect(rows.nth(9)).to_contain_text(newest["number"])
    page.get_by_label("Search by").select_option(label="order number (starts with)")
    page.get_by_role("searchbox", name="Value").fill(newest["number"])
    page.get_by_role("button", name="Search").click()
    expect(rows.nth(1)).to_contain_text(newest["number"])
    expect(page).to_have_url(re.compile(f"order__number={newest['order_number']}"))
    page.reload()
    expect(rows.nth(1)).to_contain_text(newest["number"])
    page.get_by_label("Search by").select_option(label="customer first name")
    page.get_by_role("searchbox", name="Value").fill("Unknown")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No packages match.")).to_be_visible()


def test_a_value_is_kept_when_it_is_typed_at_once_after_the_choice_of_a_filter(inspector: MonitoredPage) -> None:
    """The choice of a filter replaces the value before the next event, not after the next frame."""
    page = inspector.open("packages?order__number=1")
    value = page.get_by_role("searchbox", name="Value")
    expect(value).to_have_value("1")
    choice = page.get_by_label("Search by")
    expect(choice.get_by_role("option")).not_to_have_count(1)
    choice.evaluate(
        """async (choice) => {
          choice.value = "order__customer__first_name";
          choice.dispatchEvent(new Event("change", { bubbles: true }));
          await new Promise((resolve) => setTimeout(resolve));
          const value = document.querySelector("input[type=search]");
          value.value = "Unknown";
          value.dispatchEvent(new Event("input", { bubbles: true }));
          await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 100)));
        }"""
    )
    expect(choice).to_have_value("order__customer__first_name")
    expect(value).to_have_value("Unknown")


def test_the_error_of_an_invalid_filter_is_shown(inspector: MonitoredPage) -> None:
    page = inspector.open("packages?created_date__gte=yesterday")
    expect(page.get_by_role("alert").get_by_text("created_date__gte: Enter a valid date/time.")).to_be_visible()


def test_a_command_is_sent_and_undone(oms: Emulator, inspector: MonitoredPage) -> None:
    """The page shows the new state and the history of a command with a parameter. Undo restores the old state."""
    package = newest_package_in_state(oms, "100")
    page = inspector.open(f"packages/{package['id']}")
    expect(page.locator("h1")).to_have_text(f"Package {package['number']}")
    page.get_by_role("button", name="Refuse Package").click()
    form = page.get_by_role("dialog", name="Refuse Package")
    form.get_by_label("Denial reason").select_option(label="Mağaza yoğun")
    form.get_by_role("button", name="Send command").click()
    expect(page.get_by_role("status").get_by_text("Refuse Package: status")).to_be_visible()
    expect(page.locator(".title .state")).to_have_text("Requires replan")
    expect(page.get_by_role("listitem").filter(has_text="Requires replan from Waiting").first).to_be_visible()
    assert current_detail(oms, package)["state"]["name"] == "Requires replan"
    page.get_by_role("button", name="Undo last step").click()
    expect(page.locator(".title .state")).to_have_text("Waiting")
    assert current_detail(oms, package) == package


def test_the_items_of_a_command_can_be_selected(oms: Emulator, inspector: MonitoredPage) -> None:
    package = newest_package_in_state(oms, "100")
    page = inspector.open(f"packages/{package['id']}")
    page.get_by_title("package__detected_out_of_stock_item__waiting__contains-out-of-stock-products").click()
    form = page.get_by_role("dialog")
    form.get_by_role("button", name="Send command").click()
    expect(form.get_by_role("alert")).to_contain_text("package_items")
    form.get_by_role("checkbox").first.check()
    form.get_by_role("button", name="Send command").click()
    expect(page.locator(".title .state")).not_to_have_text("Waiting")
    assert current_detail(oms, package)["state"]["name"] == "Contains out of stock products"


def test_items_can_be_assigned_to_locations(oms: Emulator, inspector: MonitoredPage) -> None:
    """Each item has a field with the locations. The items of a location become one package there."""
    package = oms.package(state="Waiting", items=3)
    location = package["stock_location"]
    page = inspector.open(f"packages/{package['id']}")
    page.get_by_role("button", name="Assign package items manually").click()
    form = page.get_by_role("dialog")
    fields = form.get_by_role("combobox")
    expect(fields).to_have_count(3)
    for field in fields.all():
        expect(field.locator("option:checked")).to_have_text(f"{location['name']} ({location['erp_code']})")
    other = next(
        each for each in oms.session().get("/__admin/catalog").json()["locations"] if each["id"] != location["id"]
    )
    fields.nth(1).select_option(label="none")
    form.get_by_role("button", name="Send command").click()
    expect(form.get_by_role("alert")).to_contain_text("Each package item must be in exactly one group")
    fields.nth(1).select_option(label=f"{other['name']} ({other['erp_code']})")
    form.get_by_role("button", name="Send command").click()
    expect(page.locator(".title .state")).not_to_have_text("Waiting")
    made = oms.session().get(PACKAGES, params={"order": package["order_id"], "limit": 10}).json()["results"]
    assert sorted(
        (each["stock_location"]["erp_code"], len(each["packageitem_set"]))
        for each in made
        if each["id"] != package["id"]
    ) == sorted([(location["erp_code"], 2), (other["erp_code"], 1)])


def test_labels_are_shown_in_the_other_languages_of_the_installation(page: Page, tmp_path: Path) -> None:
    """That of a state, and that of a command: on its button and in its form."""
    document = json.loads((DEFAULT / "transitions.json").read_text("utf-8"))
    refuse = next(each for each in document["transition"] if each["command_code"] == "REFUSE_PACKAGE")
    refuse["translations"] = {"en-us": {"label": "Refuse Package"}, "tr-tr": {"label": "Paketi reddet"}}
    path = tmp_path / "bilingual.json"
    path.write_text(json.dumps(document), "utf-8")
    with Emulator("demo", installation=path) as oms:
        package = newest_package_in_state(oms, "100")
        MonitoredPage(page, oms.url).open(f"packages/{package['id']}")
        expect(page.locator(".title .translated")).to_have_text(re.compile("Waiting.*Bekliyor"))
        button = page.get_by_role("button", name="Refuse Package")
        expect(button).to_contain_text("Paketi reddet")
        button.click()
        expect(page.get_by_role("dialog", name="Refuse Package").get_by_text("Paketi reddet")).to_be_visible()


def test_a_blocked_command_shows_its_reason(oms: Emulator, inspector: MonitoredPage) -> None:
    """It shows the required state. If it is sent anyway, the page shows the error and the hint."""
    package = newest_package_in_state(oms, "800")
    page = inspector.open(f"packages/{package['id']}")
    page.get_by_text(re.compile("blocked commands")).click()
    line = page.get_by_role("listitem").filter(has_text="Refuse Package")
    expect(line).to_contain_text("requires Waiting")
    expect(line).to_contain_text("current state: Delivered")
    line.get_by_role("button", name="Send Refuse Package anyway").click()
    refusal = page.locator("section", has_text="Commands").get_by_role("alert")
    expect(refusal).to_contain_text("400")
    expect(refusal).to_contain_text("Allowed now")
    assert current_detail(oms, package) == package


def test_the_carrier_can_deliver_a_package(oms: Emulator, inspector: MonitoredPage) -> None:
    package = newest_package_in_state(oms, "600")
    page = inspector.open(f"packages/{package['id']}")
    page.get_by_role("button", name="Carrier: delivered").click()
    expect(page.locator(".title .state")).to_have_text("Delivered")
    assert current_detail(oms, package)["state"]["name"] == "Delivered"


def test_all_documents_of_a_package_are_shown(oms: Emulator, inspector: MonitoredPage) -> None:
    """The page shows the documents of both surfaces, the shipping label and the items."""
    package = newest_package_in_state(oms, "600")
    page = inspector.open(f"packages/{package['id']}")
    shown = page.locator("section", has=page.get_by_role("heading", name="JSON", exact=True))
    bearer = {"Authorization": f"Bearer {oms.jwt()}"}
    for choice, path, headers in (
        ("Guide: detail", f"{PACKAGES}{package['id']}/", oms.auth),
        ("Guide: short", f"{PACKAGES}{package['id']}/short/", oms.auth),
        ("Reference: detail", f"/packages/{package['id']}/", bearer),
        ("Reference: short", f"/packages/{package['id']}/short/", bearer),
    ):
        shown.get_by_text(choice, exact=True).click()
        expect(shown.get_by_role("region", name=choice)).to_be_visible()
        document = requests.get(oms.url + path, headers=headers, timeout=10).json()
        assert json.loads(shown.get_by_role("region", name=choice).inner_text()) == document
    expect(page.frame_locator("iframe").get_by_text(package["tracking_number"])).to_be_visible()
    expect(page.get_by_role("table", name="Items").get_by_role("row")).to_have_count(
        len(package["packageitem_set"]) + 1
    )


def test_a_transfer_order_can_be_dispatched(oms: Emulator, inspector: MonitoredPage) -> None:
    page = inspector.open("transfers?state=73")
    page.get_by_role("table").get_by_role("link").first.click()
    page.get_by_role("button", name="Dispatch").click()
    expect(page.locator(".title .state")).to_have_text("In Transit")
    page.get_by_role("link", name=re.compile(r"P\d$")).first.click()
    expect(page.locator("h1")).to_contain_text("Package")
    expect(page.get_by_role("listitem").filter(has_text="In Transit").first).to_be_visible()


def test_the_journal_is_updated_and_explains_responses(oms: Emulator, inspector: MonitoredPage) -> None:
    """New calls appear without a reload. The page of a call shows the reason for its status."""
    page = inspector.open("journal")
    expect(page.get_by_text("No exchanges yet.")).to_be_visible()
    package = newest_package_in_state(oms, "800")
    body = {"slug": "package__refuse_package__waiting__requires-replan", "input_parameters": {"it's": [None, True]}}
    assert oms.session().post(f"{PACKAGES}{package['id']}/command/", json=body).status_code == 400
    rows = page.get_by_role("table", name="Exchanges").get_by_role("row")
    expect(rows).to_have_count(3)
    page.get_by_label("Status").fill("400")
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(rows).to_have_count(2)
    rows.nth(1).get_by_role("link").click()
    expect(page.get_by_text("Status 400 of this operation is")).to_contain_text("documented")
    expect(page.get_by_text(re.compile("^Allowed now: "))).to_be_visible()
    for way in ("curl", "requests", "pytest"):
        page.get_by_text(way, exact=True).click()
        page.get_by_role("button", name=f"Copy: {way}").click()
        expect(page.get_by_role("status").get_by_text(f"Copied {way}")).to_be_visible()
        assert clipboard(page).strip() == page.get_by_role("region", name=way).inner_text().strip()


def test_an_exchange_can_be_repeated(oms: Emulator, inspector: MonitoredPage, tmp_path: Path) -> None:
    """The code for curl, requests and pytest runs and gets the same response."""
    package = newest_package_in_state(oms, "800")
    body = {"slug": "package__refuse_package__waiting__requires-replan", "input_parameters": {"it's": [None, True]}}
    refused = oms.session().post(f"{PACKAGES}{package['id']}/command/", json=body)
    page = inspector.open(f"journal/{refused.headers['X-Emulator-Request-Id']}")
    texts = {}
    for way in ("curl", "requests", "pytest"):
        page.get_by_text(way, exact=True).click()
        texts[way] = page.get_by_role("region", name=way).inner_text()
    for command in (["/bin/sh", "-c", texts["curl"]], [sys.executable, "-c", texts["requests"]]):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert refused.text in done.stdout
    names: dict[str, Any] = {}
    exec(texts["pytest"], names)  # noqa: S102 - generated by the inspector
    names["test_command_package_returns_400"](Emulator("demo"))


def test_a_paused_journal_sends_no_requests(oms: Emulator, inspector: MonitoredPage) -> None:
    """After it is resumed, it shows the calls of the pause."""
    page = inspector.open("journal")
    expect(page.locator("header time").first).to_be_visible()  # the first message of the stream
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    before = journal_calls(inspector)
    oms.session().get(PACKAGES)
    oms.clock.advance(hours=1)
    expect(page.locator("header time").first).to_have_text("2023-04-05 10:00:00")  # the stream reported the call, too
    assert journal_calls(inspector) == before
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("table", name="Exchanges")).to_be_visible()


def journal_calls(monitored: MonitoredPage) -> int:
    return sum("/__admin/requests" in url for url in monitored.requested_urls)


def test_reads_of_the_inspector_are_not_in_the_journal(oms: Emulator, inspector: MonitoredPage) -> None:
    """Its writes are."""
    package = newest_package_in_state(oms, "100")
    before = len(oms.world.journal)
    page = inspector.open(f"packages/{package['id']}")
    expect(page.get_by_role("region", name="Guide: detail")).to_be_visible()
    assert len(oms.world.journal) == before
    page.get_by_role("button", name="waiting to prep").click()
    expect(page.locator(".title .state")).to_have_text("Preparing")
    assert len(oms.world.journal) == before + 1


def test_the_clock_can_be_advanced_and_started(oms: Emulator, inspector: MonitoredPage) -> None:
    page = inspector.open("clock")
    expect(page.locator(".big-time")).to_have_text("2023-04-05 09:00:00 UTC")
    page.get_by_role("button", name="+1 day").click()
    expect(page.locator(".big-time")).to_have_text("2023-04-06 09:00:00 UTC")
    page.get_by_label("Time (UTC)").fill("2023-05-01T12:30:05")
    page.get_by_role("button", name="Advance to time").click()
    expect(page.locator(".big-time")).to_have_text("2023-05-01 12:30:05 UTC")
    page.get_by_text("Ticking", exact=True).click()
    expect(page.get_by_role("status").get_by_text("The clock is ticking")).to_be_visible()
    assert oms.session().get("/__admin/clock").json()["mode"] == "ticking"


def test_a_scenario_can_be_loaded_exported_and_imported(
    oms: Emulator, inspector: MonitoredPage, tmp_path: Path
) -> None:
    """An exported file creates the same world, whether it is selected or dropped."""
    page = inspector.open("scenarios")
    page.get_by_label("Name *").fill("demo")
    page.get_by_label("Packages", exact=True).fill("30")
    page.get_by_role("button", name="Load scenario").click()
    page.get_by_role("dialog").get_by_role("button", name="Replace world").click()
    expect(page.get_by_role("status").get_by_text("Loaded demo")).to_be_visible()
    oms.session().post("/__admin/packages", json={"state": "Shipped"})
    with page.expect_download() as download:
        page.get_by_role("link", name="Export world").click()
    file = tmp_path / "mine.json"
    download.value.save_as(file)
    for import_file in (choose_file, drop_file):
        oms.session().put("/__admin/scenario", json={"name": "empty"})
        page.reload()  # removes the message of the previous import
        import_file(page, file)
        page.get_by_role("dialog").get_by_role("button", name="Replace world").click()
        expect(page.get_by_role("status").get_by_text("Loaded mine.json").first).to_be_visible()
        assert oms.session().get(PACKAGES).json()["count"] == 31
    file.write_text("no json")
    choose_file(page, file)
    refusal = page.get_by_role("alert").get_by_text("mine.json is not valid JSON")
    expect(refusal).to_be_visible()
    page.get_by_role("alert").get_by_role("button", name="Dismiss").click()
    expect(refusal).to_have_count(0)


def choose_file(page: Page, file: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose file").click()
    chooser.value.set_files(file)


def drop_file(page: Page, file: Path) -> None:
    make = "([text, name]) => { const d = new DataTransfer(); d.items.add(new File([text], name)); return d; }"
    data = page.evaluate_handle(make, [file.read_text("utf-8"), file.name])
    page.locator(".drop").dispatch_event("drop", {"dataTransfer": data})


def test_snapshots_can_be_restored_and_branches_opened(oms: Emulator, inspector: MonitoredPage) -> None:
    """A branch has its own inspector, and its changes do not affect the first world."""
    page = inspector.open("scenarios")
    page.get_by_label("Snapshot name").fill("before")
    page.get_by_role("button", name="Take snapshot").click()
    restore = page.get_by_role("button", name="Restore before")
    expect(restore).to_be_visible()
    page.get_by_label("Branch name").fill("tryout")
    page.get_by_role("button", name="Branch world").click()
    expect(page.get_by_role("button", name="Open tryout")).to_be_visible()

    oms.package(state="Waiting")
    restore.click()
    page.get_by_role("dialog").get_by_role("button", name="Restore before").click()
    expect(page.get_by_role("status").get_by_text("Restored snapshot before")).to_be_visible()
    assert oms.session().get(PACKAGES).json()["count"] == 200

    page.get_by_role("button", name="Open tryout").click()
    expect(page).to_have_url(re.compile("/w/tryout/__admin/ui/#/scenarios"))
    page.get_by_role("link", name="Packages", exact=True).click()
    package = newest_package_in_state(oms, "100")
    page.get_by_role("link", name=package["number"]).click()
    page.get_by_role("button", name="waiting to prep").click()
    expect(page.locator(".title .state")).to_have_text("Preparing")
    assert current_detail(oms, package) == package
    there = oms.session().get(f"/w/tryout{PACKAGES}{package['id']}/").json()
    assert there["state"]["name"] == "Preparing"

    page.get_by_label("World").select_option("default")
    expect(page.locator(".title .state")).to_have_text("Waiting")


def test_fidelity_can_be_searched(oms: Emulator, inspector: MonitoredPage) -> None:
    page = inspector.open("fidelity")
    page.get_by_text(re.compile("^transitions")).click()
    page.get_by_text("Assumed", exact=True).click()
    page.get_by_label("Contains").fill("CARRIER_FAILED")
    page.get_by_role("button", name="Search").click()
    rows = page.get_by_role("table", name="transitions").get_by_role("row")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("the carrier is outside the API")


def test_a_missing_control_api_call_is_reported(oms: Emulator, opener: Opener) -> None:
    """The page shows one sentence, and the browser reports no error."""
    monitored = opener()
    answer = {"error": "GET /__admin/clock: Not Found", "known": []}
    monitored.page.route("**/__admin/clock", lambda route: route.fulfill(status=404, json=answer))
    page = monitored.open("clock")
    expect(page.get_by_role("note")).to_have_text("This server does not support clock control.")


def test_a_hidden_page_sends_no_requests(oms: Emulator, inspector: MonitoredPage) -> None:
    """It loads what has changed as soon as it is visible again."""
    page = inspector.open("journal")
    hide = """hidden => {
        Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    expect(page.locator("header time").first).to_be_visible()  # the first message of the stream
    page.evaluate(hide, True)
    before = len(inspector.requested_urls)
    oms.session().get(PACKAGES)
    oms.clock.advance(hours=1)
    expect(page.locator("header time").first).to_have_text("2023-04-05 10:00:00")
    assert len(inspector.requested_urls) == before
    with page.expect_request(re.compile("/__admin/requests")):
        page.evaluate(hide, False)
