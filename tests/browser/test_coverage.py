"""The page of coverage in a browser: legible in light and dark, its kinds of lines told apart by more than colour."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page

from emulator import Emulator
from emulator.coverage import counted, rendered, report
from emulator.coverage.graphs import default_graph
from emulator.rules.graph import KINDS
from emulator.web.record_coverage import register_graph

PACKAGES = "/api/v1/oms/packages/"

TAKEN, REFUSED = (
    "package__complete_packaging__waiting__packed-all-items",
    "package__ship_package__packed-all-items__shipped",
)

LOOKS = """kind => {
    const style = getComputedStyle(document.querySelector(`.graph .move.${kind} path`));
    return [style.stroke, style.strokeDasharray, style.strokeWidth];
}"""
CONTRAST = """() => {
    const parts = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const light = text => {
        const [red, green, blue] = parts(text).map(part => part / 255)
            .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = light(getComputedStyle(document.body).backgroundColor);
    const against = colour => {
        const other = light(colour);
        return (Math.max(behind, other) + 0.05) / (Math.min(behind, other) + 0.05);
    };
    const words = ["body", "p", "tr.unmet td", "td.sign.taken"].map(name =>
        [name, against(getComputedStyle(document.querySelector(name)).color)]);
    const lines = ["taken", "refused", "unmet"].map(kind =>
        [kind, against(getComputedStyle(document.querySelector(`.graph .move.${kind} path`)).stroke)]);
    return {words: Object.fromEntries(words), lines: Object.fromEntries(lines)};
}"""
BOXES = """() => [...document.querySelectorAll(".graph")].map(graph => [...graph.querySelectorAll(".state")].map(
state => {
    const box = state.querySelector("rect").getBoundingClientRect();
    const text = state.querySelector("text").getBoundingClientRect();
    return [box.left, box.top, box.right, box.bottom, text.left, text.top, text.right, text.bottom];
}))"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a suite that took one transition, and was refused that and another."""
    oms = Emulator("demo")
    package = oms.package(state="Waiting")["id"]
    for slug, status in ((REFUSED, 400), (TAKEN, 204), (TAKEN, 400)):
        body = {"slug": slug, "input_parameters": {}}
        assert oms.session().post(f"{PACKAGES}{package}/command/", json=body).status_code == status
    register_graph(oms.world)
    target = tmp_path_factory.mktemp("coverage") / "coverage.html"
    target.write_text(rendered(report(counted(oms.world.coverage)), "html"), "utf-8")
    return target


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read(page: Page, file: Path, scheme: Literal["light", "dark"]) -> None:
    """Words at 4.5 : 1 against the page, lines at 3 : 1, as WCAG asks."""
    page.emulate_media(color_scheme=scheme)
    page.goto(file.as_uri())
    seen: dict[str, Any] = page.evaluate(CONTRAST)
    assert min(seen["words"].values()) >= 4.5, seen
    assert min(seen["lines"].values()) >= 3, seen


def test_kinds_of_lines_differ_in_colour_dashes_and_width(page: Page, file: Path) -> None:
    page.goto(file.as_uri())
    looks = [page.evaluate(LOOKS, kind) for kind in ("taken", "refused", "unmet", "outside")]
    for one in range(3):
        assert len({look[one] for look in looks[:3]}) == 3, looks


def test_names_fit_into_their_boxes_and_boxes_lie_apart(page: Page, file: Path) -> None:
    page.goto(file.as_uri())
    graphs = page.evaluate(BOXES)
    assert [len(graph) for graph in graphs] == [len(default_graph()[part]["states"]) for part in KINDS]
    for graph in graphs:
        for left, top, right, bottom, *text in graph:
            assert left <= text[0] < text[2] <= right
            assert top <= text[1] < text[3] <= bottom
        for number, one in enumerate(graph):
            for other in graph[number + 1 :]:
                assert one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]


def test_it_asks_nobody_for_anything(page: Page, file: Path) -> None:
    """And complains of nothing; the graph scrolls on a small screen, the page does not."""
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda line: complaints.append(line.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_viewport_size({"width": 600, "height": 800})
    page.goto(file.as_uri())
    page.wait_for_load_state("networkidle")
    assert (asked, complaints) == ([file.as_uri()], [])
    assert page.evaluate("document.documentElement.scrollWidth") <= 600
