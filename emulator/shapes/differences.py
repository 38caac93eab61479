"""Where answers are served otherwise than they were recorded: what was added, and what was put right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal, NamedTuple

from emulator.shapes.columns import excerpt

Kind = Literal["filled", "corrected"]
LINKS = {"preview_url", "full_path_url"}
"""Addresses of the service itself: the emulator gives its own."""


class Difference(NamedTuple):
    """A place in a recorded document where another value is served."""

    kind: Kind
    origin: str
    pointer: str
    page: Any
    served: Any


class Differences:
    """All places of an import."""

    def __init__(self) -> None:
        self.found: list[Difference] = []

    def compare(self, origin: str, page: Any, served: Any, pointer: str = "") -> None:
        """Note where a served document differs from the recorded one; keys that are not served are not told here."""
        if page in ({}, [{}]) and served != page:  # the reference's page prints these for what it does not show
            self.found.append(Difference("filled", origin, pointer, page, served))
        elif isinstance(page, dict) and isinstance(served, dict):
            for key, value in served.items():
                if key not in page:
                    self.found.append(Difference("filled", origin, f"{pointer}/{key}", None, value))
                elif key not in LINKS:
                    self.compare(origin, page[key], value, f"{pointer}/{key}")
        elif isinstance(page, list) and isinstance(served, list) and len(page) == len(served):
            for number, (one, other) in enumerate(zip(page, served, strict=True)):
                self.compare(origin, one, other, f"{pointer}/{number}")
        elif not same(page, served):
            self.found.append(Difference("corrected", origin, pointer, page, served))

    def lines(self, kind: Kind, *, values: bool) -> Iterator[str]:
        """Give a line for each key: how often, the first place, and perhaps the values there."""
        groups: dict[str, list[Difference]] = {}
        for each in self.found:
            if each.kind == kind:
                groups.setdefault(pattern_of(each.pointer), []).append(each)
        for pattern, group in groups.items():
            first = group[0]
            recorded = "" if kind == "filled" else f"recorded {excerpt(first.page)}, "
            said = f": {recorded}served {excerpt(first.served)}" if values else ""
            yield f"{pattern}: {times(len(group))}; first in {first.origin}{said}"


def times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def pattern_of(pointer: str) -> str:
    """Give a pointer with a star for each place in a list."""
    return "/".join("*" if step.isdigit() else step for step in pointer.split("/")) or "/"


def same(page: Any, served: Any) -> bool:
    """Tell whether two values say the same: times may be written in several ways."""
    if type(page) is type(served) and page == served:
        return True
    if not (isinstance(page, str) and isinstance(served, str)):
        return False
    try:
        return datetime.fromisoformat(page) == datetime.fromisoformat(served)
    except (ValueError, TypeError):
        return False
