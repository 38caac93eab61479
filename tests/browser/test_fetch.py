"""A page of another origin is a client: what it fetches, and what its browser keeps from it."""

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


def fetched(page: Page, url: str, method: str = "GET", body: Any = None, **headers: str) -> Any:
    """Give what the page's own script gets."""
    return page.evaluate(FETCH, [url, method, body, headers])


def test_a_page_works_with_packages(oms: Emulator, foreign_page: Page) -> None:
    """It lists, reads, commands, is refused, and reads why."""
    packages = fetched(foreign_page, f"{oms.url}{PACKAGES}?limit=100")["body"]["results"]
    waiting = next(each for each in packages if each["state"]["enum_value"] == "100")
    url = f"{oms.url}{PACKAGES}{waiting['id']}/"
    assert fetched(foreign_page, url)["body"] == waiting

    body = {"slug": "package__complete_packaging__waiting__packed-all-items", "input_parameters": {}}
    done = fetched(foreign_page, f"{url}command/", "POST", body)
    assert done["status"] == 204
    assert fetched(foreign_page, url)["body"]["state"]["name"] == "Packed all items"

    again = fetched(foreign_page, f"{url}command/", "POST", body)
    assert again["status"] == 400
    assert again["body"]["error"].keys() == {"transition"}
    assert "Packed all items" in again["headers"]["x-emulator-hint"]
    assert done["headers"]["x-emulator-request-id"] in again["headers"]["x-emulator-hint"]
    assert again["headers"]["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(
    ("token", "status", "header"),
    [("wrong", 401, "www-authenticate"), ("no-access", 403, "x-emulator-request-id")],
)
def test_a_page_reads_how_it_is_turned_away(
    token: str, status: int, header: str, oms: Emulator, foreign_page: Page
) -> None:
    """A refusal is an answer, not a network error."""
    answer = fetched(foreign_page, f"{oms.url}{PACKAGES}", Authorization=f"Token {token}")
    assert answer["status"] == status
    assert answer["headers"][header]
    assert answer["body"]["detail"]


def test_a_page_learns_when_to_come_again(oms: Emulator, foreign_page: Page) -> None:
    """The header of a throttled answer can be read."""
    answers = [fetched(foreign_page, f"{oms.url}{PACKAGES}", Authorization="Token throttled") for _ in range(6)]
    assert [answer["status"] for answer in answers] == [200] * 5 + [429]
    assert int(answers[-1]["headers"]["retry-after"]) > 0


def test_a_page_of_a_named_origin_may_read(origin: str, foreign_page: Page) -> None:
    with Emulator("empty", cors_origins=[origin]) as oms:
        assert fetched(foreign_page, f"{oms.url}{PACKAGES}")["status"] == 200


def test_the_browser_refuses_where_another_origin_is_named(foreign_page: Page) -> None:
    """The page gets nothing: neither an answer nor its status."""
    with (
        Emulator("empty", cors_origins=["http://shop.test:3000"]) as oms,
        pytest.raises(Error, match="Failed to fetch"),
    ):
        fetched(foreign_page, f"{oms.url}{PACKAGES}")


def test_the_browser_refuses_calls_of_the_control_api(oms: Emulator, foreign_page: Page) -> None:
    """A page of another origin cannot reset a world."""
    before = oms.world
    with pytest.raises(Error, match="Failed to fetch"):
        fetched(foreign_page, f"{oms.url}/__admin/reset", "POST")
    assert oms.world is before
