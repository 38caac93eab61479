"""The tools of the inspector: search, replay, export, faults, clock, create, stories and the shop."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from emulator import Emulator
from tests.browser.inspector.conftest import MonitoredPage, Opener
from tests.browser.inspector.test_pages import PACKAGES, current_detail, newest_package_in_state

NEXT_STEP = "[data-next-step]"


def refuse(oms: Emulator) -> str:
    """Send a command that is refused, and return the id of the request."""
    package = newest_package_in_state(oms, "100")
    answer = oms.session().post(f"{PACKAGES}{package['id']}/command/", json={"slug": "no", "input_parameters": {}})
    assert answer.status_code == 400
    return str(answer.headers["X-Emulator-Request-Id"])


def count_clicks(page: Page) -> Callable[[], int]:
    """Return a function that returns the number of clicks on the page from now on."""
    page.evaluate("window.clicks = 0; addEventListener('click', (event) => event.isTrusted && window.clicks++, true)")
    return lambda: int(page.evaluate("window.clicks"))


def test_a_package_is_packed_shipped_and_delivered_in_six_clicks(oms: Emulator, inspector: MonitoredPage) -> None:
    """The list and the package take two clicks, and each step takes one."""
    package = newest_package_in_state(oms, "100")
    page = inspector.open()
    clicks = count_clicks(page)
    page.get_by_role("link", name="Packages", exact=True).click()
    page.get_by_role("link", name=package["number"]).click()
    for state in ("Preparing", "Packed all items", "Shipped", "Delivered"):
        page.locator(NEXT_STEP).click()
        expect(page.locator(".title .state")).to_have_text(state)
    assert current_detail(oms, package)["state"]["name"] == "Delivered"
    assert clicks() == 6


def test_a_package_is_refused_in_two_clicks(oms: Emulator, inspector: MonitoredPage) -> None:
    package = newest_package_in_state(oms, "100")
    page = inspector.open(f"packages/{package['id']}")
    clicks = count_clicks(page)
    page.get_by_role("button", name="Refuse Package").click()
    expect(page.locator("dialog select[name=denial_reason] option").first).to_be_attached()
    page.get_by_role("button", name="Send command").click()
    expect(page.locator(".title .state")).to_have_text("Requires replan")
    assert clicks() == 2


def test_five_days_pass_in_one_click(oms: Emulator, inspector: MonitoredPage) -> None:
    page = inspector.open("packages")
    clicks = count_clicks(page)
    page.get_by_role("button", name="Advance by 5 days").click()
    expect(page.locator("header time").first).to_have_text("2023-04-10 09:00:00")
    assert clicks() == 1
    page.get_by_role("button", name="Run the clock at 100 × speed").click()
    expect(page.get_by_role("button", name="Run the clock at 100 × speed")).to_have_attribute("aria-pressed", "true")
    assert (oms.clock.mode, oms.clock.speed) == ("ticking", 100)
    page.get_by_role("button", name="Freeze the clock").click()
    expect(page.get_by_role("button", name="Freeze the clock")).to_have_attribute("aria-pressed", "true")


def test_the_reason_is_one_click_away_and_a_replay_another(oms: Emulator, inspector: MonitoredPage) -> None:
    request = refuse(oms)
    page = inspector.open("journal")
    clicks = count_clicks(page)
    page.get_by_role("row").filter(has_text="400").get_by_role("link").click()
    expect(page.locator(".reason")).to_have_text("slug: Object with slug=no does not exist.")
    assert clicks() == 1
    page.get_by_role("button", name="Replay").click()
    expect(page.get_by_text("The bodies are equal.")).to_be_visible()
    assert clicks() == 2
    assert len(oms.world.journal) == int(request) + 1


def test_an_edited_request_shows_the_difference(oms: Emulator, inspector: MonitoredPage) -> None:
    page = inspector.open(f"journal/{refuse(oms)}")
    page.get_by_role("button", name="Edit and resend").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Body").fill('{"slug": "other", "input_parameters": {}}')
    dialog.get_by_role("button", name="Send", exact=True).click()
    difference = page.get_by_role("region", name="Difference of the bodies")
    expect(difference.locator(".removed")).to_contain_text("slug=no ")
    expect(difference.locator(".added")).to_contain_text("slug=other ")


@pytest.mark.parametrize(
    ("title", "content"),
    [("HAR", '"status": 400'), (".http", "POST http"), ("pytest", "def test_"), ("Playwright", "toBe(400)")],
)
def test_exchanges_are_exported(
    title: str, content: str, oms: Emulator, inspector: MonitoredPage, tmp_path: Path
) -> None:
    """Only the selected exchange is in the file."""
    request = refuse(oms)
    page = inspector.open("journal")
    page.get_by_label(f"Select {request}").check()
    with page.expect_download() as download:
        page.get_by_role("button", name=title, exact=True).click()
    download.value.save_as(tmp_path / "file")
    text = (tmp_path / "file").read_text("utf-8")
    assert content in text
    assert "packages/?" not in text


def test_an_exported_har_file_can_be_dropped_and_sent(
    oms: Emulator, inspector: MonitoredPage, tmp_path: Path
) -> None:
    refuse(oms)
    page = inspector.open("journal")
    with page.expect_download() as download:
        page.get_by_role("button", name="HAR", exact=True).click()
    download.value.save_as(tmp_path / "file.har")
    drop(page, tmp_path / "file.har")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Send all").click()
    rows = dialog.get_by_role("row")
    expect(rows.filter(has_text="POST")).to_contain_text("400400")
    (tmp_path / "file.har").write_text("no", "utf-8")
    page.keyboard.press("Escape")
    drop(page, tmp_path / "file.har")
    expect(page.get_by_role("alert").get_by_text("is not a HAR file")).to_be_visible()


def drop(page: Page, file: Path) -> None:
    make = "([text, name]) => { const d = new DataTransfer(); d.items.add(new File([text], name)); return d; }"
    data = page.evaluate_handle(make, [file.read_text("utf-8"), file.name])
    page.locator("main .card").first.dispatch_event("drop", {"dataTransfer": data})


def test_the_palette_finds_everything(oms: Emulator, inspector: MonitoredPage) -> None:
    """An order number, a request id, a tracking number, a state, an SKU and a page."""
    package: Any = newest_package_in_state(oms, "600")
    request = refuse(oms)
    page = inspector.open()
    for text, hit in (
        (package["order_number"], package["number"]),
        (package["tracking_number"], package["number"]),
        (package["packageitem_set"][0]["order_item"]["product"]["sku"], package["number"]),
        (request, "POST /api"),
        ("attempted", "Packages: Attempted Delivery"),
        ("web", "Webhooks"),
    ):
        page.keyboard.press("Control+k")
        page.get_by_role("combobox", name="Search").fill(text)
        expect(page.get_by_role("option").filter(has_text=hit).first).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search").fill(package["number"])
    expect(page.get_by_role("option").filter(has_text=package["number"]).first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("main h1")).to_contain_text(package["number"])


CLOSE_AND_OPEN = """() => {
  document.querySelector("dialog").close();
  dispatchEvent(new KeyboardEvent("keydown", { key: "k", ctrlKey: true }));
}"""


def test_palette_opens_again_at_once_after_it_was_closed(inspector: MonitoredPage) -> None:
    """The browser reports the end of the first dialog after the second one is open."""
    page = inspector.open()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search").fill("web")
    page.evaluate(CLOSE_AND_OPEN)
    expect(page.get_by_role("combobox", name="Search")).to_have_value("")
    expect(page.get_by_role("dialog").get_by_role("option").first).to_be_visible()


def test_a_preset_arms_a_fault_and_the_bar_disarms_it(oms: Emulator, inspector: MonitoredPage) -> None:
    """The bar is on every page while a fault is armed."""
    page = inspector.open("faults")
    page.get_by_role("button", name="API down").click()
    page.get_by_role("button", name="Webhooks lost").click()
    expect(page.get_by_text("2 faults are armed")).to_be_visible()
    assert oms.session().get(PACKAGES).status_code == 503
    page.get_by_role("link", name="Clock", exact=True).click()
    expect(page.locator("main h1")).to_have_text("Clock")  # the page of faults has such a button too
    page.get_by_role("button", name="Disarm", exact=True).click()
    expect(page.locator(".alert-bar")).to_have_count(0)
    assert oms.session().get(PACKAGES).status_code == 200
    assert oms.world.outbox.faults == ()


def test_an_order_is_placed(oms: Emulator, inspector: MonitoredPage) -> None:
    """With a quantity, a city and click and collect."""
    page = inspector.open("create")
    page.get_by_label("Find a product").fill("Keten Gömlek Bej")
    page.get_by_role("button", name="Add Keten Gömlek Bej").first.click()
    page.get_by_role("spinbutton", name="Quantity of").fill("2")
    page.get_by_label("City").select_option("İSTANBUL")
    page.get_by_label("Click and collect").check()
    page.get_by_role("button", name="Place order").click()
    expect(page.locator("main h1")).to_contain_text("Package ")
    newest: Any = oms.session().get(PACKAGES, params={"limit": 1}).json()["results"][0]
    assert newest["is_click_and_collect"] is True
    assert newest["shipping_address"]["city"]["name"] == "İSTANBUL"


def test_a_package_is_made_in_any_state_and_stock_is_set(oms: Emulator, inspector: MonitoredPage) -> None:
    page = inspector.open("create")
    page.get_by_label("Location").select_option("PZ Kadıköy")
    page.get_by_label("Product", exact=True).fill("PZ-101-02-L")
    page.get_by_role("spinbutton", name="Quantity", exact=True).fill("3")
    page.get_by_role("button", name="Set stock").click()
    expect(page.get_by_text("Available now: 3")).to_be_visible()
    page.get_by_role("combobox", name="State").select_option("Blocked")
    page.get_by_role("button", name="Create package").click()
    expect(page.locator(".title .state")).to_have_text("Blocked")


def test_a_story_is_shown(oms: Emulator, inspector: MonitoredPage) -> None:
    """Next, back, a jump, the presenter page, and a fault."""
    page = inspector.open("stories")
    page.locator("section", has_text="A day in the warehouse").get_by_role("button", name="Start").click()
    expect(page).to_have_url(re.compile("/w/story-1/__admin/ui/#/stories/a-day-in-the-warehouse/1"))
    expect(page.locator("main h1")).to_have_text("1. An order arrives")
    page.get_by_role("button", name="Next →").click()
    expect(page.locator("main h1")).to_have_text("2. The shop prepares it")
    feed = page.get_by_role("list", name="Activity")
    expect(feed.get_by_role("listitem").first).to_contain_text("Preparing")
    page.get_by_role("button", name="At the door").click()
    expect(feed.get_by_role("listitem").first).to_contain_text("order delivered")
    page.get_by_role("link", name="Presenter page").click()
    expect(page.locator("nav")).not_to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("main h1")).to_have_text("4. The carrier takes it")
    page.get_by_role("button", name="API down").click()
    expect(page.get_by_text("A fault is armed")).to_be_visible()
    assert oms.session().get(PACKAGES).status_code == 200
    assert oms.session().get(f"/w/story-1{PACKAGES}").status_code == 503


def test_a_visitor_buys_something_and_watches_the_parcel(oms: Emulator, inspector: MonitoredPage) -> None:
    page = inspector.open("shop")
    page.get_by_role("button", name=re.compile("^Buy ")).first.click()
    expect(page.locator("main h1")).to_have_text("Your parcel")
    progress = page.get_by_role("list", name="Progress")
    expect(progress.locator("[aria-current=step]")).to_have_text("Ordered")
    newest: Any = oms.session().get(PACKAGES, params={"limit": 1}).json()["results"][0]
    commands = [each for each in newest["commands"] if each["label"] == "Pack"] if "commands" in newest else []
    slug = commands[0]["slug"] if commands else "package__complete_packaging__waiting__packed-all-items"
    oms.session().post(f"{PACKAGES}{newest['id']}/command/", json={"slug": slug, "input_parameters": {}})
    expect(progress.locator("[aria-current=step]")).to_have_text("Packed")


def test_an_edge_of_the_graph_shows_its_commands(opener: Opener, oms: Emulator) -> None:
    page = opener().open()
    graph = page.locator("section", has=page.get_by_label("State graph of packages"))
    graph.locator(".arrow-link.main", has_text="waiting to prep").locator(".target").dispatch_event("click")
    expect(graph.locator(".transitions")).to_contain_text("Waiting → Preparing")
    expect(graph.locator(".transitions")).to_contain_text("PREPARE_PACKAGE_COMMAND")


def test_the_normal_path_is_one_straight_row(opener: Opener, oms: Emulator) -> None:
    """On a narrow screen it is one column. All states fit."""
    for width, axis in ((1280, "y"), (390, "x")):
        page = opener(width=width).open()
        boxes: dict[str, Any] = {
            node.get_attribute("aria-label").partition(":")[0]: node.locator("rect").first.bounding_box()
            for node in page.get_by_label("State graph of packages").locator("a").all()
        }
        row = [boxes[name] for name in ("Waiting", "Preparing", "Packed all items", "Shipped", "Delivered")]
        assert len({round(box[axis]) for box in row}) == 1
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes.values())
