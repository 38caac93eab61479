"""Each kind of mutation changes what its row says, and an observer finds where it applies."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from emulator import Emulator
from emulator.core.schemas import is_nullable
from emulator.web.app import EmulatorApp
from emulator.web.mutation_interceptors import Mutator, Observer, intercepting
from emulator.web.mutations import KINDS, TEXTS, Mutation
from emulator.worlds.webhooks.delivery import Deliverer

PACKAGES = "/api/v1/oms/packages/"
PACK = "package__complete_packaging__waiting__packed-all-items"
BLOCK = "package__block_the_package__waiting__blocked"
Scene = Callable[[Emulator], Any]
"""What a client does. Returns what it sees."""


def first_package(oms: Emulator) -> Any:
    return oms.session().get(PACKAGES, params={"limit": 1}).json()["results"][0]


def read(oms: Emulator) -> Any:
    return oms.session().get(f"{PACKAGES}{first_package(oms)['id']}/").json()


def list_all(oms: Emulator) -> Any:
    return oms.session().get(PACKAGES, params={"limit": 8}).json()


def list_waiting(oms: Emulator) -> Any:
    page = oms.session().get(PACKAGES, params={"state_id": 35, "sort": "id"}).json()
    return {row["state"]["name"] for row in page["results"]}, page["next"]


def pack(oms: Emulator, state: str) -> tuple[int, str]:
    package = oms.package(state=state)["id"]
    response = command(oms.session(), package, PACK)
    return response.status_code, oms.session().get(f"{PACKAGES}{package}/").json()["state"]["name"]


def command(session: requests.Session, package: int, slug: str) -> requests.Response:
    return session.post(f"{PACKAGES}{package}/command/", json={"slug": slug, "input_parameters": {}})


def throttled(oms: Emulator) -> str | None:
    oms.faults.add("list_packages", status=429, retry_after=9, times=1)
    return oms.session().get(PACKAGES).headers.get("Retry-After")


def deliver(oms: Emulator) -> list[tuple[int | None, str]]:
    seen: list[str] = []
    oms.hooks.add(
        lambda delivery: seen.append(delivery.headers["X-Whisperer-Signature"]), "package.created", secret_key="s"
    )
    oms.package()
    sent = [delivery for delivery in oms.hooks.deliveries if "receiver-1.test" in delivery.url]
    return [(delivery.status, str(delivery.headers["X-Whisperer-Signature"])) for delivery in sent]


class Row(NamedTuple):
    mutation: str
    scene: Scene
    differs: Callable[[Any, Any], bool]
    """Takes what the client sees without the mutation, and with it."""


ROWS = (
    Row(
        f"refusal-accepted:command_package:{PACK}",
        lambda oms: pack(oms, "Shipped"),
        lambda usual, seen: (usual, seen) == ((400, "Shipped"), (204, "Packed all items")),
    ),
    Row(
        f"transition-refused:command_package:{PACK}",
        lambda oms: pack(oms, "Waiting"),
        lambda usual, seen: (usual, seen) == ((204, "Packed all items"), (400, "Waiting")),
    ),
    Row(
        "key-missing:get_package:number",
        read,
        lambda usual, seen: seen == {key: value for key, value in usual.items() if key != "number"},
    ),
    Row(
        "key-null:get_package:state.translations",
        read,
        lambda usual, seen: seen == {**usual, "state": {**usual["state"], "translations": None}},
    ),
    Row(
        "id-swapped:get_package:id",
        read,
        lambda usual, seen: seen["id"] != usual["id"] and seen == {**usual, "id": seen["id"]},
    ),
    Row(
        "time-shifted:get_package:created_date",
        read,
        lambda usual, seen: (
            seen["created_date"][10:13] != usual["created_date"][10:13]
            and seen["created_date"][13:] == usual["created_date"][13:]
        ),
    ),
    Row(
        "page-halved:list_packages",
        list_all,
        lambda usual, seen: seen["results"] == usual["results"][:4] and seen["next"] == usual["next"],
    ),
    Row(
        "next-missing:list_packages",
        list_all,
        lambda usual, seen: usual["next"] is not None and seen == {**usual, "next": None},
    ),
    Row(
        "filter-ignored:list_packages:state",
        list_waiting,
        lambda usual, seen: usual[0] == {"Waiting"} and len(seen[0]) > 1 and "state_id=35" in seen[1],
    ),
    Row("retry-after-missing:list_packages", throttled, lambda usual, seen: (usual, seen) == ("9", None)),
    Row("event-lost:package.created", deliver, lambda usual, seen: usual[0][0] == 200 and seen[0][0] is None),
    Row("event-twice:package.created", deliver, lambda usual, seen: seen == usual * 2),
    Row(
        "signature-wrong:package.created",
        deliver,
        lambda usual, seen: len(seen) == 1 and seen[0][1] != usual[0][1] and seen[0][1][:-1] == usual[0][1][:-1],
    ),
)


@pytest.fixture(autouse=True)
def nothing_intercepts() -> Iterator[None]:
    yield
    assert EmulatorApp.interceptor is None
    assert Deliverer.interceptor is None


def new_emulator() -> Emulator:
    return Emulator("demo", packages=60)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.mutation)
def test_a_mutation_changes_what_its_row_says(row: Row) -> None:
    usual = row.scene(new_emulator())
    mutator = Mutator(Mutation.from_name(row.mutation))
    with intercepting(mutator):
        seen = row.scene(new_emulator())
    assert row.differs(usual, seen), (usual, seen)
    assert mutator.changes == 1


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.mutation)
def test_an_observer_finds_the_mutation_and_changes_nothing(row: Row) -> None:
    observer = Observer()
    with intercepting(observer):
        seen = row.scene(new_emulator())
    assert seen == row.scene(new_emulator())
    mutation = Mutation.from_name(row.mutation)
    observer.reads[mutation.operation] = {mutation.detail, "results", "next"}
    assert mutation in observer.mutations()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.mutation)
def test_a_mutation_of_another_operation_changes_nothing(row: Row) -> None:
    other = "list_transfers" if "." not in row.mutation.split(":")[1] else "package.refused"
    mutator = Mutator(Mutation.from_name(row.mutation)._replace(operation=other))
    with intercepting(mutator):
        seen = row.scene(new_emulator())
    assert seen == row.scene(new_emulator())
    assert mutator.changes == 0


def test_every_kind_has_a_row_above() -> None:
    assert {row.mutation.split(":")[0] for row in ROWS} == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_explains_itself(kind: str) -> None:
    texts = TEXTS[kind]
    for text in texts:
        assert text.format(operation="get_package", detail="state").endswith(".")
    assert texts.why != texts.effect


def test_keys_that_the_client_did_not_read_are_left_out() -> None:
    observer = Observer()
    with intercepting(observer):
        read(new_emulator())
    observer.reads = {"get_package": {"number", "tracking_number"}, "list_packages": set()}
    assert [each.name for each in observer.mutations()] == ["key-missing:get_package:number"], "the other is null"


def test_without_known_reads_nullable_keys_of_records_are_found() -> None:
    observer = Observer()
    with intercepting(observer):
        list_all(new_emulator())
    keys = {each.detail for each in observer.mutations() if each.kind.startswith("key-")}
    assert "results.payment_type" in keys
    assert "results.number" not in keys
    assert all(is_nullable("page-of-package", key) for key in keys)


def test_what_the_suite_exercises_itself_is_known() -> None:
    oms, observer = new_emulator(), Observer()
    oms.hooks.disturb("duplicate", "package.created")
    with intercepting(observer):
        deliver(oms)
    assert observer.exercised == {Mutation("event-twice", "package.created")}


def test_a_changed_response_names_the_mutation() -> None:
    with intercepting(Mutator(Mutation("next-missing", "list_packages"))):
        response = new_emulator().session().get(PACKAGES)
    assert response.headers["X-Emulator-Mutation"] == "next-missing:list_packages"


@pytest.mark.medium
def test_a_client_that_reads_all_pages_handles_a_smaller_page() -> None:
    def pages(count: int) -> Mutator:
        session, url = new_emulator().session(), f"{PACKAGES}?limit=20"
        with intercepting(mutator := Mutator(Mutation("page-halved", "list_packages"))):
            for _ in range(count):
                url = session.get(url).json()["next"]
        return mutator

    assert not pages(1).is_handled
    assert not pages(5).is_handled
    assert pages(6).is_handled


def test_all_pages_of_an_ignored_filter_can_be_read() -> None:
    session, ids, url = new_emulator().session(), [], f"{PACKAGES}?state=35&limit=20"
    with intercepting(Mutator(Mutation("filter-ignored", "list_packages", "state"))):
        while url:
            page = session.get(url).json()
            ids += [row["id"] for row in page["results"]]
            url = page["next"]
    assert len(set(ids)) == len(ids) == page["count"] == 60


def test_an_accepted_command_with_wrong_parameters_has_no_effect() -> None:
    oms = new_emulator()
    package = oms.package(state="Waiting")["id"]
    slug = "package__refuse_package__waiting__requires-replan"  # denial_reason is required
    assert command(oms.session(), package, slug).status_code == 400
    with intercepting(Mutator(Mutation("refusal-accepted", "command_package", slug))):
        assert command(oms.session(), package, slug).status_code == 204
    assert oms.session().get(f"{PACKAGES}{package}/").json()["state"]["name"] == "Waiting"


def test_a_command_without_permission_is_refused_as_usual() -> None:
    """A token without the permission to write gets its 403."""
    oms = new_emulator()
    package = oms.package(state="Waiting")["id"]
    with intercepting(mutator := Mutator(Mutation("transition-refused", "command_package", PACK))):
        session = oms.session()
        session.headers["Authorization"] = "Token read-only"
        assert command(session, package, PACK).status_code == 403
    assert mutator.changes == 0


def test_too_many_requests_get_errors() -> None:
    session = new_emulator().session()
    with intercepting(Mutator(Mutation("next-missing", "list_transfers"), max_requests=2)):
        assert [session.get(PACKAGES).status_code for _ in range(3)] == [200, 200, 500]


@pytest.mark.medium
def test_mutations_are_not_imported_without_use() -> None:
    program = """
import sys
from emulator import Emulator
with Emulator("empty") as oms:
    oms.package()
    oms.session().get("/api/v1/oms/packages/")
    oms.hooks.flush()
names = ("mutations", "suite_mutation", "fault_sweep", "reruns")
print([name for name in sys.modules if name.rpartition(".")[2] in names])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_documentation_lists_all_kinds() -> None:
    page = (Path(__file__).parent.parent.parent / "docs/how-to/mutation.md").read_text("utf-8")
    table = page.split("## What is changed")[1].split("The name of a change")[0]
    assert set(re.findall(r"`([a-z-]+)`", table)) == KINDS.keys()


def test_the_nearest_test_is_known_if_clients_send_names() -> None:
    """It is the one that meets the fewest behaviours. A name may be percent-encoded."""
    oms = Emulator("demo")
    session = oms.session()
    with intercepting(observer := Observer()):
        session.get(PACKAGES, params={"state": 42, "limit": 2}, headers={"X-Emulator-Test": "both"})
        session.get(f"{PACKAGES}6501/", headers={"X-Emulator-Test": "both"})
        session.get(PACKAGES, params={"limit": 2}, headers={"X-Emulator-Test": "%C5%9Fort"})
        session.get(PACKAGES, params={"sort": "id", "limit": 2})
    assert observer.tests_of(Mutation("next-missing", "list_packages")) == ["şort", "both"]
    assert observer.tests_of(Mutation("key-null", "list_packages", "results.tracking_number")) == ["şort", "both"]
    assert observer.tests_of(Mutation("filter-ignored", "list_packages", "state")) == ["both"]
    assert observer.tests_of(Mutation("filter-ignored", "list_packages", "sort")) == []
