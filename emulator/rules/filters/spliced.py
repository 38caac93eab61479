"""A long sequence of ids with a few taken out and a few put in, at no cost for its length."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import overload

Places = Sequence[int]


class Chosen(Sequence[int]):
    """The ids at some places among all."""

    def __init__(self, ids: Sequence[int], places: Places) -> None:
        self._ids, self.places = ids, places

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        if isinstance(index, slice):
            return [self._ids[place] for place in self.places[index]]
        return self._ids[self.places[index]]


class Spliced(Sequence[int]):
    """`ids` without those at the indexes `out`, and with others before the indexes that `into` names."""

    def __init__(self, ids: Sequence[int], out: Iterable[int], into: Iterable[tuple[int, int]]) -> None:
        self._ids = ids
        self._starts: list[int] = []
        """Where each run begins here."""
        self._runs: list[tuple[int, int | None]] = []
        """Where each run begins in `ids`, or the one id that it is."""
        self._length = 0
        done = 0
        edits: list[tuple[int, int, int, int | None]] = [(index, 0, at, id_) for at, (index, id_) in enumerate(into)]
        edits += [(index, 1, 0, None) for index in out]
        for index, _, _, id_ in sorted(edits, key=lambda edit: edit[:3]):
            self._run(done, index - done)
            done = index
            if id_ is None:
                done += 1
            else:
                self._add((0, id_), 1)
        self._run(done, len(ids) - done)

    def _run(self, start: int, length: int) -> None:
        if length > 0:
            self._add((start, None), length)

    def _add(self, run: tuple[int, int | None], length: int) -> None:
        self._starts.append(self._length)
        self._runs.append(run)
        self._length += length

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(self._length))]
        if not -self._length <= index < self._length:
            raise IndexError(index)
        index %= self._length
        at = bisect_right(self._starts, index) - 1
        start, id_ = self._runs[at]
        return self._ids[start + index - self._starts[at]] if id_ is None else id_
