"""Snapshots, branches and undo, held against a model that keeps full copies of every table."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

import pytest

from emulator import Emulator
from emulator.core.records import WebhookEvent
from emulator.core.refusals import Conflict
from emulator.core.world import World
from emulator.inworld import InWorld
from emulator.rules.scenarios import from_document
from tests.support.reads import everything, in_process
from tests.support.traffic import WRITES, Traffic
from tests.support.worlds import Tables, tables

pytestmark = pytest.mark.slow

MOVES, WALKS = 60, 8
NAMES = ("first", "second", "third")


class Copy(NamedTuple):
    """All that one moment of a world is, in full."""

    tables: Tables
    now: str
    steps: int


class Model:
    """What the worlds should be: for each its start, its past and its snapshots, as full copies."""

    def __init__(self, seed: int) -> None:
        self.oms = Emulator("demo", packages=6, seed=seed)
        self.dice = Random(seed)
        self.start = copy_of(self.oms.world)
        self.pasts: dict[str, list[Copy]] = {"default": [self.start]}
        self.starts = {"default": [self.start]}
        """World -> what a reset brings back: a replayed scenario's steps can be undone one by one."""
        self.snapshots: dict[str, dict[str, list[Copy]]] = {"default": {}}

    def move(self) -> None:
        name = self.dice.choice(list(self.pasts))
        self.dice.choice(MOVES_OF)(self, self.oms.in_world(name))
        self.check()

    def check(self) -> None:
        """Every world is what the model says, those that were left alone too."""
        assert sorted(self.oms.worlds) == sorted(self.pasts)
        for name, past in self.pasts.items():
            assert copy_of(self.oms.worlds.named(name)) == past[-1], name

    def write(self, world: InWorld) -> None:
        before = len(world.world.steps)
        Traffic(world, in_process(world), self.dice.randrange(10**9)).run(1, WRITES)
        if len(world.world.steps) != before:
            self.pasts[world.name].append(copy_of(world.world))

    def undo(self, world: InWorld) -> None:
        past = self.pasts[world.name]
        if len(past) == 1:
            with pytest.raises(Conflict, match="nothing to undo"):
                world.undo()
            return
        world.undo()
        past.pop()

    def snapshot(self, world: InWorld) -> None:
        name = self.dice.choice(NAMES)
        world.snapshot(name)
        self.snapshots[world.name][name] = list(self.pasts[world.name])

    def restore(self, world: InWorld) -> None:
        if kept := self.snapshots[world.name]:
            name = self.dice.choice(list(kept))
            world.restore(name)
            self.pasts[world.name] = list(kept[name])

    def branch(self, world: InWorld) -> None:
        name = self.dice.choice(NAMES)
        self.oms.worlds.branch(name, world.world)
        self.put(name, self.pasts[world.name], self.starts[world.name])

    def put(self, name: str, past: list[Copy], start: list[Copy]) -> None:
        self.pasts[name], self.starts[name], self.snapshots[name] = list(past), list(start), {}

    def branch_from_snapshot(self, world: InWorld) -> None:
        if kept := self.snapshots[world.name]:
            name, snapshot = self.dice.choice(NAMES), self.dice.choice(list(kept))
            past = list(kept[snapshot])
            self.oms.worlds.branch(name, world.world, world.world.snapshots[snapshot])
            self.put(name, past, self.starts[world.name])

    def reset(self, world: InWorld) -> None:
        world.reset()
        self.pasts[world.name] = list(self.starts[world.name])

    def delete(self, world: InWorld) -> None:
        if world.name != "default":
            self.oms.worlds.delete(world.name)
            del self.pasts[world.name], self.starts[world.name], self.snapshots[world.name]

    def replay(self, world: InWorld) -> None:
        """What is exported here and loaded as a new world is the same."""
        name = self.dice.choice(NAMES)
        self.oms.worlds.put(name, from_document(world.export()))
        self.put(name, self.pasts[world.name], self.pasts[world.name])


MOVES_OF: list[Callable[[Model, InWorld], None]] = [
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
    """Copy a world. What an event was told from is a root of its own in each replay; answers are compared below."""
    found = tables(world.root)
    found[WebhookEvent] = {id_: event._replace(told_from=None) for id_, event in found[WebhookEvent].items()}
    return Copy(found, world.clock.now().isoformat(), len(world.steps))


@pytest.mark.parametrize("seed", range(WALKS))
def test_any_walk_leaves_every_world_as_the_model_says(seed: int) -> None:
    """Tables, clock and number of steps, after each move; in the end every world undoes back to its start."""
    model = Model(seed)
    for _ in range(MOVES):
        model.move()
    for name, past in model.pasts.items():
        for _ in past[1:]:
            model.undo(model.oms.in_world(name))
        assert copy_of(model.oms.worlds.named(name)) == past[0] == model.start


@pytest.mark.parametrize("seed", [1, 2])
def test_undone_to_the_start_all_answers_are_those_of_the_start(seed: int) -> None:
    oms = Emulator("demo", packages=6, seed=seed)
    start = everything(oms)
    Traffic(oms, in_process(oms), seed).run(30, WRITES)
    changed = everything(oms)
    for _ in range(len(oms.world.steps)):
        oms.undo()
    assert everything(oms) == start != changed


@pytest.mark.parametrize("seed", [3, 4])
def test_an_export_at_any_point_replays_to_the_same_answers(seed: int) -> None:
    """All GETs, the export of the replayed world among them."""
    oms = Emulator("demo", packages=6, seed=seed)
    traffic = Traffic(oms, in_process(oms), seed)
    for _ in range(4):
        traffic.run(8)
        again = Emulator("empty")
        again.worlds.put("default", from_document(oms.export()))
        assert everything(again) == everything(oms)
