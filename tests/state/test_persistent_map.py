"""The persistent map holds what a dictionary holds after the same changes. No change alters its predecessor."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.state.persistent_map import SIDE, PersistentMap

KEYS = (
    st.integers(-3, 3)
    | st.integers().map(lambda number: number * SIDE)
    | st.integers().map(lambda number: number * SIDE**2)
    | st.none()
    | st.text(max_size=2)
)
CHANGES = st.lists(st.tuples(st.sampled_from(["set", "delete"]), KEYS, st.integers(0, 9)), max_size=60)


@pytest.mark.medium
@given(CHANGES)
def test_a_map_equals_a_dictionary_after_the_same_changes(changes: list[tuple[str, int | str | None, int]]) -> None:
    """Keys of one row and of one dictionary are included."""
    maps: list[PersistentMap[int | str | None, int]] = [PersistentMap()]
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
