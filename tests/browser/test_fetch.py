"""A page of another origin can use the emulated API, and the browser blocks what CORS forbids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Error, Page

from emulator import Emulator

PACKAGES = "/api/v1/oms/packages/"
FETCH = """async ([url, method, body, headers]) => {
    const answer = await fetch(url, {
        method,
        headers: {Authorization: "Token full-access", "Content-Type": "application/json", ...headers},
        body: body === null ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    return {status: answer.status, headers: Object.fromEntries(answer.headers), body: text && JSON.parse(text)};
}"""


@pytest.fixture
def oms() -> Iterator[Emulator]:
    with Emulator("demo") as emulator:
        yield emulator


def fetch(page: Page, url: str, method: str = "GET", body: Any = None, **headers: str) -> Any:
    """Return the response that a script of the page gets."""
    return page.evaluate(FETCH, [url, method, body, headers])


def test_a_page_can_read_and_change_packages(oms: Emulator, foreign_page: Page) -> None:
    """It lists, reads and sends commands, and it can read the hint of a rejected command."""
    packages = fetch(foreign_page, f"{oms.url}{PACKAGES}?limit=100")["body"]["results"]
    waiting = next(each for each in packages if each["state"]["enum_value"] == "100")
    url = f"{oms.url}{PACKAGES}{waiting['id']}/"
    assert fetch(foreign_page, url)["body"] == waiting

    body = {"slug": "package__complete_packaging__waiting__packed-all-items", "input_parameters": {}}
    done = fetch(foreign_page, f"{url}command/", "POST", body)
    assert done["status"] == 204
    assert fetch(foreign_page, url)["body"]["state"]["name"] == "Packed all items"

    again = fetch(foreign_page, f"{url}command/", "POST", body)
    assert again["status"] == 400
    assert again["body"]["error"].keys() == {"transition"}
    assert "Packed all items" in again["headers"]["x-emulator-hint"]
    assert done["headers"]["x-emulator-request-id"] in again["headers"]["x-emulator-hint"]
    assert again["headers"]["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(
    ("token", "status", "header"),
    [("wrong", 401, "www-authenticate"), ("no-access", 403, "x-emulator-request-id")],
)
def test_a_page_can_read_errors(token: str, status: int, header: str, oms: Emulator, foreign_page: Page) -> None:
    """An error is a response, not a network error."""
    answer = fetch(foreign_page, f"{oms.url}{PACKAGES}", Authorization=f"Token {token}")
    assert answer["status"] == status
    assert answer["headers"][header]
    assert answer["body"]["detail"]


def test_a_page_can_read_retry_after(oms: Emulator, foreign_page: Page) -> None:
    """CORS exposes the header of a throttled response."""
    answers = [fetch(foreign_page, f"{oms.url}{PACKAGES}", Authorization="Token throttled") for _ in range(6)]
    assert [answer["status"] for answer in answers] == [200] * 5 + [429]
    assert int(answers[-1]["headers"]["retry-after"]) > 0


def test_a_page_of_an_allowed_origin_can_read(origin: str, foreign_page: Page) -> None:
    with Emulator("empty", cors_origins=[origin]) as oms:
        assert fetch(foreign_page, f"{oms.url}{PACKAGES}")["status"] == 200


def test_the_browser_blocks_a_page_of_another_origin(foreign_page: Page) -> None:
    """The page gets neither the response nor its status."""
    with (
        Emulator("empty", cors_origins=["http://shop.test:3000"]) as oms,
        pytest.raises(Error, match="Failed to fetch"),
    ):
        fetch(foreign_page, f"{oms.url}{PACKAGES}")


def test_the_browser_blocks_calls_of_the_control_api(oms: Emulator, foreign_page: Page) -> None:
    """A page of another origin cannot reset a world."""
    before = oms.world
    with pytest.raises(Error, match="Failed to fetch"):
        fetch(foreign_page, f"{oms.url}/__admin/reset", "POST")
    assert oms.world is before
