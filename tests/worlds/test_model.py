"""Snapshots, branches and undo, compared with a model that keeps full copies of every table."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

import pytest

from emulator import Emulator
from emulator.client.world_handle import WorldHandle
from emulator.core.errors import Conflict
from emulator.core.records import WebhookEvent
from emulator.domain.scenario_files import scenario_from_document
from emulator.state.world import World
from tests.support.reads import read_everything, wsgi_sender
from tests.support.traffic import WRITE_ACTIONS, Traffic
from tests.support.worlds import Tables, all_tables

pytestmark = pytest.mark.slow

ACTIONS_PER_RUN, RUNS = 60, 8
NAMES = ("first", "second", "third")


class Copy(NamedTuple):
    """The complete state of a world at one time."""

    tables: Tables
    now: str
    steps: int


class Model:
    """The expected worlds: for each its history, its snapshots and its initial history, as full copies."""

    def __init__(self, seed: int) -> None:
        self.oms = Emulator("demo", packages=6, seed=seed)
        self.rng = Random(seed)
        self.start = copy_of(self.oms.world)
        self.histories: dict[str, list[Copy]] = {"default": [self.start]}
        self.initial_histories = {"default": [self.start]}
        """World -> history after a reset. The steps of a replayed scenario can be undone one by one."""
        self.snapshots: dict[str, dict[str, list[Copy]]] = {"default": {}}

    def run_random_action(self) -> None:
        name = self.rng.choice(list(self.histories))
        self.rng.choice(ACTIONS)(self, self.oms.in_world(name))
        self.check()

    def check(self) -> None:
        """Compare every world with the model, including those that were not used."""
        assert sorted(self.oms.worlds) == sorted(self.histories)
        for name, history in self.histories.items():
            assert copy_of(self.oms.worlds.get(name)) == history[-1], name

    def write(self, world: WorldHandle) -> None:
        before = len(world.world.steps)
        Traffic(world, wsgi_sender(world), self.rng.randrange(10**9)).run(1, WRITE_ACTIONS)
        if len(world.world.steps) != before:
            self.histories[world.name].append(copy_of(world.world))

    def undo(self, world: WorldHandle) -> None:
        history = self.histories[world.name]
        if len(history) == 1:
            with pytest.raises(Conflict, match="nothing to undo"):
                world.undo()
            return
        world.undo()
        history.pop()

    def snapshot(self, world: WorldHandle) -> None:
        name = self.rng.choice(NAMES)
        world.snapshot(name)
        self.snapshots[world.name][name] = list(self.histories[world.name])

    def restore(self, world: WorldHandle) -> None:
        if saved := self.snapshots[world.name]:
            name = self.rng.choice(list(saved))
            world.restore(name)
            self.histories[world.name] = list(saved[name])

    def branch(self, world: WorldHandle) -> None:
        name = self.rng.choice(NAMES)
        self.oms.worlds.branch(name, world.world)
        self.add(name, self.histories[world.name], self.initial_histories[world.name])

    def add(self, name: str, history: list[Copy], start: list[Copy]) -> None:
        self.histories[name], self.initial_histories[name], self.snapshots[name] = list(history), list(start), {}

    def branch_from_snapshot(self, world: WorldHandle) -> None:
        if saved := self.snapshots[world.name]:
            name, snapshot = self.rng.choice(NAMES), self.rng.choice(list(saved))
            history = list(saved[snapshot])
            self.oms.worlds.branch(name, world.world, world.world.snapshots[snapshot])
            self.add(name, history, self.initial_histories[world.name])

    def reset(self, world: WorldHandle) -> None:
        world.reset()
        self.histories[world.name] = list(self.initial_histories[world.name])

    def delete(self, world: WorldHandle) -> None:
        if world.name != "default":
            self.oms.worlds.delete(world.name)
            del self.histories[world.name], self.initial_histories[world.name], self.snapshots[world.name]

    def replay(self, world: WorldHandle) -> None:
        """Load the export as a new world, which must be equal."""
        name = self.rng.choice(NAMES)
        self.oms.worlds.create(name, scenario_from_document(world.export()))
        self.add(name, self.histories[world.name], self.histories[world.name])


ACTIONS: list[Callable[[Model, WorldHandle], None]] = [
    *[Model.write] * 8,
    *[Model.undo] * 3,
    *[Model.snapshot] * 2,
    *[Model.restore] * 2,
    Model.branch,
    Model.branch_from_snapshot,
    Model.reset,
    Model.delete,
    Model.replay,
]


def copy_of(world: World) -> Copy:
    """Copy a world without the snapshot that an event refers to, which is a different object after a replay."""
    copies = all_tables(world.records)
    copies[WebhookEvent] = {id_: event._replace(snapshot=None) for id_, event in copies[WebhookEvent].items()}
    return Copy(copies, world.clock.now().isoformat(), len(world.steps))


@pytest.mark.parametrize("seed", range(RUNS))
def test_random_actions_leave_every_world_equal_to_the_model(seed: int) -> None:
    """Compares tables, clock and number of steps after each action. Finally, every world is undone to its start."""
    model = Model(seed)
    for _ in range(ACTIONS_PER_RUN):
        model.run_random_action()
    for name, history in model.histories.items():
        for _ in history[1:]:
            model.undo(model.oms.in_world(name))
        assert copy_of(model.oms.worlds.get(name)) == history[0] == model.start


@pytest.mark.parametrize("seed", [1, 2])
def test_undoing_every_write_restores_every_answer(seed: int) -> None:
    oms = Emulator("demo", packages=6, seed=seed)
    start = read_everything(oms)
    Traffic(oms, wsgi_sender(oms), seed).run(30, WRITE_ACTIONS)
    changed = read_everything(oms)
    for _ in range(len(oms.world.steps)):
        oms.undo()
    assert read_everything(oms) == start != changed


@pytest.mark.parametrize("seed", [3, 4])
def test_export_at_any_time_replays_to_equal_answers(seed: int) -> None:
    oms = Emulator("demo", packages=6, seed=seed)
    traffic = Traffic(oms, wsgi_sender(oms), seed)
    for _ in range(4):
        traffic.run(8)
        replayed = Emulator("empty")
        replayed.worlds.create("default", scenario_from_document(oms.export()))
        assert read_everything(replayed) == read_everything(oms)
