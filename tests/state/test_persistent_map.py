"""The persistent map and the list of ids hold what a dictionary and a list hold after the same changes.

No change alters its predecessor. `test_store.py` counts what a write copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.state import persistent_map
from emulator.state.persistent_map import BITS, MAX_CHUNK, MAX_ENTRIES, Ids, PersistentMap, add_id, remove_id

SIDE = 1 << BITS
KEYS = (
    st.integers(-3, 3)
    | st.integers().map(lambda number: number * SIDE)
    | st.integers().map(lambda number: number * SIDE**2)
    | st.none()
    | st.text(max_size=2)
)
CHANGES = st.lists(st.tuples(st.sampled_from(["set", "delete"]), KEYS, st.integers(0, 9)), max_size=60)


@pytest.fixture(scope="module", params=[(BITS, MAX_ENTRIES, MAX_CHUNK), (1, 2, 3)], ids=["real limits", "low limits"])
def bits(request: pytest.FixtureRequest) -> Iterator[int]:
    """Yield the bits of a new map. Low limits give a few entries and ids the structure of many."""
    bits, max_entries, max_chunk = request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(persistent_map, "MAX_ENTRIES", max_entries)
        patch.setattr(persistent_map, "MAX_CHUNK", max_chunk)
        yield bits


@pytest.mark.medium
@given(CHANGES)
def test_a_map_equals_a_dictionary_after_the_same_changes(
    bits: int, changes: list[tuple[str, int | str | None, int]]
) -> None:
    """Keys of one row and of one dictionary are included."""
    maps: list[PersistentMap[int | str | None, int]] = [PersistentMap(bits)]
    expected: list[dict[int | str | None, int]] = [{}]
    for action, key, value in changes:
        after = dict(expected[-1])
        if action == "set":
            after[key] = value
            maps.append(maps[-1].put(key, value))
        elif key in after:
            del after[key]
            maps.append(maps[-1].delete(key))
        else:
            with pytest.raises(KeyError):
                maps[-1].delete(key)
            continue
        expected.append(after)
    for (built, model), (other, other_model) in product(zip(maps, expected, strict=True), repeat=2):
        different = {
            key for key in {**model, **other_model} if model.get(key, "no") is not other_model.get(key, "no")
        }
        assert sorted(map(repr, built.differing_keys(other))) == sorted(map(repr, different))
    for built, model in zip(maps, expected, strict=True):
        assert dict(built) == model == dict(built.items())
        assert (len(built), bool(built)) == (len(model), bool(model))
        assert all(key in built and built.get(key) == value for key, value in model.items())
        assert built.get("not a key") is None
        assert built.get("not a key", 5) == 5


def test_put_leaves_the_earlier_map_unchanged() -> None:
    before = PersistentMap[str, int]().put("a", 1).put("b", 2)
    assert dict(before.put("b", 3).put("c", 4)) == {"a": 1, "b": 3, "c": 4}
    assert dict(before) == {"a": 1, "b": 2}


@pytest.mark.medium
@given(st.lists(st.integers(0, 40), max_size=12), st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=60))
def test_a_list_of_ids_equals_a_sorted_list_after_the_same_changes(
    bits: int, start: list[int], changes: list[tuple[bool, int]]
) -> None:
    """Each change adds an id or, if the list has it, removes it. Half of the new ids are greater than all others."""
    lists: list[Ids] = [tuple(sorted(set(start)))]
    expected = [sorted(set(start))]
    for is_new, any_id in changes:
        known = expected[-1]
        id_ = max(known, default=0) + 1 if is_new else any_id
        lists.append(remove_id(lists[-1], id_) if id_ in known else add_id(lists[-1], id_))
        expected.append([each for each in known if each != id_] if id_ in known else sorted((*known, id_)))
    for ids, model in zip(lists, expected, strict=True):
        assert (list(ids), list(reversed(ids)), len(ids), bool(ids)) == (model, model[::-1], len(model), bool(model))
        assert [id_ for id_ in range(-1, 110) if id_ in ids] == model
        assert [ids[at] for at in range(-len(model), len(model))] == [*model, *model]
        for start_at, stop, step in product((None, -5, 0, 2, 200), (None, -1, 0, 4, 200), (None, 1, 2, -1, -3)):
            assert list(ids[start_at:stop:step]) == model[start_at:stop:step]
        with pytest.raises(IndexError):
            ids[len(model)]
