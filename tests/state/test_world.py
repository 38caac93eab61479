"""Writes are serialized, readers take no lock, and readers see complete transactions only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from emulator.core.errors import Conflict
from emulator.core.records import Stock
from emulator.state.steps import Step
from emulator.state.store import Transaction
from emulator.state.world import World
from tests.support.worlds import START, AfterWriteTask, build_world

WRITERS, WRITES = 8, 100


def add_one(world: World) -> None:
    with world.transaction() as tx:
        for id_ in (1, 2):
            stock = tx.get_existing(Stock, id_)
            tx.change(stock, quantity=stock.quantity + 1)
        tx.add(Stock(tx.new_id(Stock), 9, 9))


def in_threads(work: Callable[[], None], times: int = WRITERS) -> None:
    with ThreadPoolExecutor(times) as pool:
        for done in [pool.submit(work) for _ in range(times)]:
            done.result()


@pytest.mark.medium
def test_no_write_of_many_threads_is_lost() -> None:
    world = build_world([Stock(1, 1, 1), Stock(2, 2, 2)])
    in_threads(lambda: [add_one(world) for _ in range(WRITES)] and None)
    total = WRITERS * WRITES
    assert [stock.quantity for stock in world.records.all(Stock)][:2] == [total, total]
    assert list(world.records.ids(Stock)) == list(range(1, total + 3))
    assert world.records.related(Stock, "place", (9, 9))[:] == tuple(range(3, total + 3))
    assert (world.clock.now() - START).total_seconds() == pytest.approx(total / 1000)


@pytest.mark.medium
def test_readers_see_whole_transactions_only() -> None:
    """A reader sees both changes of a transaction or none, while other threads write."""
    world = build_world([Stock(1, 1, 1), Stock(2, 2, 2)])
    done = threading.Event()
    torn: list[tuple[int, int, int]] = []

    def read() -> None:
        while not done.is_set():
            root = world.records
            first, second = root.get_existing(Stock, 1).quantity, root.get_existing(Stock, 2).quantity
            if not first == second == len(root.ids(Stock)) - 2:
                torn.append((first, second, len(root.ids(Stock))))

    readers = [threading.Thread(target=read, daemon=True) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        in_threads(lambda: [add_one(world) for _ in range(WRITES)] and None, 2)
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert torn == []


def test_a_reader_does_not_wait_for_a_writer() -> None:
    """The reader does not see the uncommitted changes."""
    world = build_world([Stock(1, 1, 1), Stock(2, 2, 2)])
    with world.transaction() as tx, ThreadPoolExecutor(1) as pool:
        tx.change(tx.get_existing(Stock, 1), quantity=7)
        assert pool.submit(lambda: world.records.get_existing(Stock, 1).quantity).result(timeout=60) == 0
    assert world.records.get_existing(Stock, 1).quantity == 7


def test_a_transaction_within_another_is_an_error() -> None:
    """The outer one would overwrite it. Both are rolled back, and later transactions work."""
    world = build_world([Stock(1, 1, 1), Stock(2, 2, 2)])
    before = world.records

    def write_twice() -> None:
        with world.transaction() as tx:
            tx.change(tx.get_existing(Stock, 1), quantity=7)
            add_one(world)

    with pytest.raises(RuntimeError, match="world default is in a transaction"):
        write_twice()
    assert (world.records, world.clock.now()) == (before, START)
    add_one(world)
    assert world.records.get_existing(Stock, 1).quantity == 1


def test_transactions_of_two_worlds_may_overlap() -> None:
    one, other = build_world([Stock(1, 1, 1), Stock(2, 2, 2)]), build_world([Stock(1, 1, 1), Stock(2, 2, 2)])
    with one.transaction() as tx:
        tx.change(tx.get_existing(Stock, 1), quantity=7)
        add_one(other)
    assert [world.records.get_existing(Stock, 1).quantity for world in (one, other)] == [7, 1]


def test_events_are_recorded_within_the_transaction() -> None:
    """They are recorded once per transaction, after all changes, and only if there are events."""
    recorded: list[tuple[list[tuple[str, Stock]], int]] = []

    def record(tx: Transaction, _: object) -> None:
        recorded.append((tx.events, tx.get_existing(Stock, 1).quantity))
        tx.add(Stock(tx.new_id(Stock), 5, 5))

    world = build_world([Stock(1, 1, 1)], record_events=record)
    with world.transaction() as tx:
        tx.queue_event("stock.changed", tx.get_existing(Stock, 1))
        tx.change(tx.get_existing(Stock, 1), quantity=3)
    with world.transaction() as tx:
        tx.change(tx.get_existing(Stock, 1), quantity=4)
    assert recorded == [([("stock.changed", Stock(1, 1, 1))], 3)]
    assert list(world.records.ids(Stock)) == [1, 2]


def test_an_error_while_events_are_recorded_rolls_back_the_transaction() -> None:
    def record(tx: Transaction, _: object) -> None:
        raise LookupError("no such record")

    world = build_world([Stock(1, 1, 1)], record_events=record)
    before = world.records
    with pytest.raises(LookupError), world.transaction() as tx:
        tx.queue_event("stock.changed", tx.change(tx.get_existing(Stock, 1), quantity=3))
    assert (world.records, world.clock.now()) == (before, START)
    with world.transaction() as tx:
        tx.change(tx.get_existing(Stock, 1), quantity=1)
    assert world.records.get_existing(Stock, 1).quantity == 1


def test_one_call_makes_one_write() -> None:
    """A second write could not be replayed. It is rolled back, and the next call can write."""
    world = build_world([Stock(1, 1, 1), Stock(2, 2, 2)])
    with world.recording(Step("first", request_id="1")):
        add_one(world)
        with pytest.raises(RuntimeError, match="one call makes one write"):
            add_one(world)
    with world.recording(Step("second", request_id="2")):
        add_one(world)
    assert (len(world.steps), world.steps.is_replayable, world.records.get_existing(Stock, 1).quantity) == (
        2,
        True,
        2,
    )
    assert [world.undo(), world.undo()] == ["2", "1"]


def test_a_background_write_is_undone_with_the_call_before_it() -> None:
    """The write may be recorded or unrecorded. Without a call before it, a write cannot be undone."""
    world = build_world([Stock(1, 1, 1), Stock(2, 2, 2)])
    add_one(world)
    with pytest.raises(Conflict, match="nothing was written"):
        world.undo()
    with world.recording(Step("called", request_id="1")):
        add_one(world)
    after_call = world.last_write_at
    with world.recording(Step("followed")):
        add_one(world)
    add_one(world)
    assert (len(world.steps), world.steps.unrecorded_writes, world.records.get_existing(Stock, 1).quantity) == (
        2,
        2,
        4,
    )
    before = world.snapshot()
    assert world.undo() == "1"
    assert (len(world.steps), world.steps.unrecorded_writes, world.records.get_existing(Stock, 1).quantity) == (
        0,
        1,
        1,
    )
    assert world.last_write_at is not None
    assert after_call is not None
    assert world.last_write_at < after_call
    world.restore(before)
    assert (world.last_write_at, world.undo(), world.records.get_existing(Stock, 1).quantity) == (
        before.last_write_at,
        "1",
        1,
    )


@pytest.mark.medium
def test_background_writes_do_not_keep_old_records() -> None:
    """Only calls have undo entries, and only the entries of the last thousand writes are kept."""
    world = build_world([Stock(1, 1, 0), Stock(2, 2, 0)])
    for _ in range(5):
        add_one(world)
    assert list(world.undo_stack) == []
    for number in range(3):
        with world.recording(Step("called", request_id=str(number))):
            add_one(world)
        for _ in range(400):
            add_one(world)
    assert [(write.request_id, write.writes) for write in world.undo_stack] == [("1", 401), ("2", 401)]
    assert [world.undo(), world.undo(), world.records.get_existing(Stock, 1).quantity] == ["2", "1", 5 + 401]


@pytest.mark.medium
def test_a_pending_step_belongs_to_its_thread() -> None:
    """A concurrent write of another thread is not recorded as the step."""
    world = build_world([Stock(1, 1, 1), Stock(2, 2, 2)])
    with world.recording(Step("mine", request_id="1")), ThreadPoolExecutor(1) as pool:
        pool.submit(add_one, world).result()
        assert (len(world.steps), world.steps.is_replayable) == (0, False)
        add_one(world)
    assert len(world.steps) == 1


@pytest.mark.medium
def test_request_ids_of_many_threads_are_all_different() -> None:
    world = build_world()
    ids: list[str] = []
    in_threads(lambda: ids.extend([world.new_request_id() for _ in range(WRITES)]))
    assert sorted(ids) == [f"{number:08d}" for number in range(1, WRITERS * WRITES + 1)]


def test_tasks_are_rescheduled_after_each_committed_write() -> None:
    """They are not rescheduled after a rollback."""
    world = build_world([Stock(1, 1, 1), Stock(2, 2, 2)])
    seen: list[int] = []
    world.schedule.add(AfterWriteTask(lambda: seen.append(world.records.get_existing(Stock, 1).quantity)))
    add_one(world)
    with pytest.raises(ZeroDivisionError), world.transaction():
        raise ZeroDivisionError
    add_one(world)
    assert seen == [1, 2]
