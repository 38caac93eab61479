"""What waits for a time, in order: a persistent tree over the digits of (time, id), so that a root has its own.

Each node is the set of its children's digits, as the bits of one number: the first child is the lowest bit. To put,
to take away and to find the first take one step for each digit, however many wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TypeAlias

from immutables import Map

from emulator.core.columns import EPOCH, MICROSECOND

Queue: TypeAlias = Map[int, int]
"""Path to a node (its digits after a leading 1) -> the digits of its children."""

BITS, DIGITS = 8, 12
DIGIT = (1 << BITS) - 1
ID_BITS = 32
ROOT = 1
LEAF = 1 << (BITS * DIGITS)
"""Paths from here on are whole numbers."""


def number_of(due: datetime, id_: int) -> int:
    """Give the number that orders by time, then by id; times before 1970 are as early as can be."""
    return max(0, (due - EPOCH) // MICROSECOND) << ID_BITS | id_


def having(queue: Queue, due: datetime, id_: int) -> Queue:
    """Give the queue with this id waiting for this time."""
    path = LEAF | number_of(due, id_)
    while path > ROOT:
        path, digit = path >> BITS, path & DIGIT
        children = queue.get(path, 0)
        queue = queue.set(path, children | 1 << digit)
        if children:
            break
    return queue


def without(queue: Queue, due: datetime, id_: int) -> Queue:
    """Give the queue in which this id does not wait for this time any more."""
    path = LEAF | number_of(due, id_)
    while path > ROOT:
        path, digit = path >> BITS, path & DIGIT
        if left := queue.get(path, 0) & ~(1 << digit):
            return queue.set(path, left)
        queue = queue.delete(path)
    return queue


def waiting(queue: Queue) -> Iterator[tuple[datetime, int]]:
    """Give all that waits, earliest first."""
    nodes = [(ROOT, queue[ROOT])] if queue else []
    while nodes:
        path, digits = nodes.pop()
        first = digits & -digits
        if digits != first:
            nodes.append((path, digits ^ first))
        child = path << BITS | first.bit_length() - 1
        if child < LEAF:
            nodes.append((child, queue[child]))
        else:
            number = child ^ LEAF
            yield EPOCH + (number >> ID_BITS) * MICROSECOND, number & ((1 << ID_BITS) - 1)
