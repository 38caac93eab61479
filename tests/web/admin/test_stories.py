"""Stories: their files, their chapters, and the worlds that show them."""

from __future__ import annotations

import pytest

from emulator import Emulator
from emulator.core.schemas import find_problem
from emulator.web.admin.stories import stories


@pytest.mark.parametrize("name", stories())
def test_a_bundled_story_matches_the_schema(name: str) -> None:
    assert find_problem("story", stories()[name]) is None


@pytest.mark.parametrize("name", stories())
def test_every_chapter_opens_in_a_new_world(name: str, oms: Emulator) -> None:
    """The default world does not change. The page of the chapter exists."""
    story = oms.session().get(f"/__admin/stories/{name}").json()
    before = oms.export()
    for number, chapter in enumerate(story["chapters"], start=1):
        opened = oms.session().post(f"/__admin/stories/{name}/{number}").json()
        assert opened["path"] == f"/w/{opened['world']}/__admin/ui/#/stories/{name}/{number}"
        page, _, pk = chapter["show"].partition("/")
        assert oms.session().get(f"/w/{opened['world']}/api/v1/oms/{page}/{pk}/").status_code == 200
    assert oms.export() == before


def test_a_chapter_replaces_the_state_of_a_story_world(oms: Emulator) -> None:
    """Forwards and back. The webhooks of the chapters were delivered."""
    name = "a-day-in-the-warehouse"
    show = oms.session().get(f"/__admin/stories/{name}").json()["chapters"][0]["show"]
    world = oms.session().post(f"/__admin/stories/{name}/1").json()["world"]
    for number, state in ((1, "Waiting"), (5, "Delivered"), (3, "Packed all items")):
        opened = oms.session().post(f"/w/{world}/__admin/stories/{name}/{number}").json()
        assert opened["world"] == world
        package = oms.session().get(f"/w/{world}/api/v1/oms/{show}/").json()
        assert package["state"]["name"] == state
    entries = oms.session().get(f"/w/{world}/__admin/activity?package={package['id']}").json()["results"]
    assert {each["status"] for entry in entries for each in entry["webhooks"]} == {200}


def test_a_link_opens_a_new_world(oms: Emulator) -> None:
    answers = [oms.session().get("/__admin/stories/what-goes-wrong/3/open", allow_redirects=False) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len({answer.headers["Location"] for answer in answers}) == 2


@pytest.mark.parametrize("path", ["none/1", "what-goes-wrong/99", "what-goes-wrong/0"])
def test_an_unknown_chapter_is_a_404(path: str, oms: Emulator) -> None:
    answer = oms.session().post(f"/__admin/stories/{path}")
    assert answer.status_code == 404
    assert "error" in answer.json()
