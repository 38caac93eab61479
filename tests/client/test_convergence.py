"""`oms.converges` finds each planted bug of a receiver, saves the shortest history, and accepts correct receivers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from emulator import Emulator
from emulator.client.world_handle import WorldHandle
from emulator.domain.scenario_files import read_scenario_file
from tests.support.receivers import run_receiver
from tests.support.shops import BUGS, CORRECT, SECRET, LastArrivalWins, NoSignatureCheck, Shop

MakeShop = Callable[[WorldHandle], Shop]


def converges(oms: Emulator, shop: Shop, histories: int, save: Path, seed: int = 0) -> int:
    return oms.converges(
        shop.receive, shop.view, histories, reset=shop.clear, secret_key=SECRET, save=save, seed=seed
    )


def replay(file: Path, make_shop: MakeShop) -> int:
    oms = Emulator(file)
    shop = make_shop(oms)
    return oms.converges(shop.receive, shop.view, recorded=True, reset=shop.clear)


@pytest.mark.gate
@pytest.mark.parametrize("make_shop", BUGS)
def test_bug_is_found_and_its_history_reproduces_it(make_shop: MakeShop, tmp_path: Path) -> None:
    """The saved history fails for the receiver with the bug, and passes for the same receiver without it."""
    oms, file = Emulator("empty"), tmp_path / "failure.json"
    with pytest.raises(AssertionError, match=r"the shortest history of \d+, saved as"):
        converges(oms, make_shop(oms), 1_000, file)
    with pytest.raises(AssertionError, match="does not converge"):
        replay(file, make_shop)
    for correct in CORRECT:
        assert replay(file, correct) == 1


@pytest.mark.gate
@pytest.mark.parametrize("make_shop", CORRECT)
def test_correct_receiver_passes_all_histories(make_shop: MakeShop, tmp_path: Path) -> None:
    oms = Emulator("empty")
    shop = make_shop(oms)
    mails = 0

    def clear() -> None:
        nonlocal mails
        mails += len(shop.mails)
        shop.clear()

    count = oms.converges(
        shop.receive, shop.view, 1_000, reset=clear, secret_key=SECRET, save=tmp_path / "failure.json"
    )
    assert count == 1_000
    assert mails >= 50, "packages are shipped in the histories"
    assert not (tmp_path / "failure.json").exists()


@pytest.mark.gate
def test_shortest_history_is_described(tmp_path: Path) -> None:
    oms, file = Emulator("empty"), tmp_path / "failure.json"
    with pytest.raises(AssertionError) as caught:
        converges(oms, NoSignatureCheck(oms), 1_000, file)
    *_, created, sent = str(caught.value).splitlines()
    assert created == '  control_make_package {"items":1}'
    assert sent.endswith("is sent with the fault corrupt_signature: 200")
    assert len(oms.hooks.deliveries) == 1, "the world shows the history that failed"


@pytest.mark.gate
def test_same_seed_runs_the_same_histories(tmp_path: Path) -> None:
    received: list[list[tuple[int, str, bytes]]] = []
    for seed in (1, 1, 2):
        oms = Emulator("empty")
        shop, bodies = Shop(oms), []
        received.append(bodies)

        def receive(delivery, shop=shop, bodies=bodies) -> int:
            bodies.append((delivery.event, delivery.headers["X-Whisperer-Signature"], delivery.body))
            return shop.receive(delivery)

        oms.converges(
            receive, shop.view, 20, reset=shop.clear, seed=seed, secret_key=SECRET, save=tmp_path / "failure.json"
        )
    first, again, other = received
    assert first == again != other
    assert len(first) >= 20


@pytest.mark.gate
def test_world_continues_as_before(tmp_path: Path) -> None:
    """Its clock, its hooks and its records are as they were, and its first deliveries come afterwards."""
    got: list[int] = []
    oms = Emulator("demo", packages=20, clock="ticking", delivery="flush")
    oms.hooks.add(lambda delivery: got.append(delivery.event), "package.created")
    before = oms.export()
    shop = Shop(oms)

    def view(_: Emulator) -> tuple[object, object]:
        return oms.clock.mode, "frozen"

    oms.converges(shop.receive, view, 5, reset=shop.clear, save=tmp_path / "failure.json")
    after = oms.export()
    assert {**after, "now": None} == {**before, "now": None}
    assert (oms.clock.mode, got) == ("ticking", [])
    oms.package()
    oms.hooks.flush()
    assert len(got) == 1


@pytest.mark.gate
def test_events_are_sent_in_order_in_the_background_mode(tmp_path: Path) -> None:
    """No thread sends an event of a history, so that it is the same each time."""
    texts = set()
    for delivery in ("background", "flush"):
        with Emulator("empty", delivery=delivery) as oms, pytest.raises(AssertionError) as caught:
            converges(oms, LastArrivalWins(oms), 1_000, tmp_path / "failure.json")
        texts.add(str(caught.value))
    assert len(texts) == 1


@pytest.mark.gate
def test_records_that_stay_between_histories_are_reported(tmp_path: Path) -> None:
    oms = Emulator("empty")
    shop = Shop(oms)
    with pytest.raises(AssertionError, match="`reset` must empty the client's records"):
        oms.converges(shop.receive, shop.view, 100, secret_key=SECRET, save=tmp_path / "failure.json")


@pytest.mark.gate
def test_receiver_without_a_secret_verifies_no_signature(tmp_path: Path) -> None:
    """So it may accept a delivery whose signature is wrong."""
    oms = Emulator("empty")
    shop = NoSignatureCheck(oms)
    assert oms.converges(
        shop.receive, shop.view, 200, reset=shop.clear, secret_key=None, save=tmp_path / "failure.json"
    )


@pytest.mark.gate
def test_failure_of_a_url_is_sent_again_by_a_server(tmp_path: Path) -> None:
    """Not that of a Python function, which a server cannot call."""
    with run_receiver() as receiver:
        for target, is_sent in ((receiver.url, True), (lambda _: 200, False)):
            file = tmp_path / f"{is_sent}.json"
            with pytest.raises(AssertionError, match="does not converge"):
                Emulator("empty").converges(target, lambda _: (1, 2), 5, save=file)
            assert read_scenario_file(file).redeliver is is_sent


def test_difference_is_described() -> None:
    """A view may compare anything. Differences of mappings are listed by key."""
    oms = Emulator("empty")
    oms.hooks.add(lambda _: 200)
    oms.package()
    for view, text in (
        (lambda _: ({1: "a", 2: "b"}, {1: "a", 3: "c"}), "3: the client has nothing, and should have 'c'\n2: the c"),
        (lambda _: ([1], [2]), r"the client has \[1\], and should have \[2\]"),
    ):
        with pytest.raises(AssertionError, match=text):
            oms.converges(lambda _: 200, view, recorded=True)
