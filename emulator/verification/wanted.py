"""What a test expects of a call, and where a call differs from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.core.fields import ABSENT, Absent
from emulator.handlers.journal import masked
from emulator.verification.asked import Asked

SHOWN = 120
"""How much of a value a failure shows."""
OTHER_OPERATION = 100
"""A call of another operation is farther away than one of the same that differs in everything."""

Parameters = Mapping[str, Any] | str


@dataclass(frozen=True)
class Wanted:
    """The fields that a call must have; what is None, or absent, may be anything."""

    operation: str | None = None
    json: Any = ABSENT
    path: str | None = None
    query: Parameters | None = None
    token: str | None = None
    status: int | None = None

    def __str__(self) -> str:
        fields = {"path": self.path, "query": self.query, "token": self.token, "status": self.status}
        said = [f"{name}={value!r}" for name, value in fields.items() if value is not None]
        if not isinstance(self.json, Absent):
            said.insert(0, f"json={masked(self.json)!r}")
        return f"{self.operation or 'call'}({', '.join(said)})"

    def differences(self, asked: Asked) -> list[str]:
        """Give a line for each field in which a call is not as wanted."""
        return [*self._of_plain(asked), *self._of_query(asked), *self._of_json(asked)]

    def distance(self, asked: Asked) -> int:
        """Give how far a call is from what is wanted."""
        other = self.operation is not None and asked.operation != self.operation
        return len(self.differences(asked)) + OTHER_OPERATION * other

    def _of_plain(self, asked: Asked) -> Iterator[str]:
        for name in ("operation", "path", "token", "status"):
            wanted, found = getattr(self, name), getattr(asked, name)
            if wanted is not None and wanted != found:
                yield line(name, found, wanted)

    def _of_query(self, asked: Asked) -> Iterator[str]:
        if self.query is None:
            return
        if isinstance(self.query, str):
            if self.query.removeprefix("?") != asked.query:
                yield line("query", asked.query, self.query)
            return
        wanted = {name: texts(value) for name, value in self.query.items()}
        yield from differences("query", asked.parameters, wanted)

    def _of_json(self, asked: Asked) -> Iterator[str]:
        if not isinstance(self.json, Absent):
            yield from differences("json", asked.json, self.json)


def texts(value: Any) -> Any:
    """Give what a parameter's values look like in a query; what is no plain value is compared as it is."""
    if isinstance(value, list | tuple):
        return [text for each in value for text in texts(each)]
    if isinstance(value, bool):
        return [str(value).lower()]
    return [str(value)] if isinstance(value, str | int | float) else value


def differences(where: str, found: Any, wanted: Any) -> Iterator[str]:
    """Give a line for each place in which two JSON values differ."""
    if wanted == found and same_kind(wanted, found):
        return
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in [*wanted, *(key for key in found if key not in wanted)]:
            yield from differences(f"{where}.{key}", found.get(key, ABSENT), wanted.get(key, ABSENT))
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for index, pair in enumerate(zip(found, wanted, strict=True)):
            yield from differences(f"{where}[{index}]", *pair)
    else:
        yield line(where, found, wanted)


def same_kind(wanted: Any, found: Any) -> bool:
    """Tell `true` from 1: they are equal in Python, and not in JSON."""
    if isinstance(wanted, bool) or isinstance(found, bool):
        return not isinstance(wanted, int | float) or isinstance(wanted, bool) == isinstance(found, bool)
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(same_kind(wanted[key], found.get(key)) for key in wanted)
    if isinstance(wanted, list) and isinstance(found, list):
        return all(map(same_kind, wanted, found))
    return True


def line(where: str, found: Any, wanted: Any) -> str:
    return f"{where}: {shown(where, found)}, expected {shown(where, wanted)}"


def shown(where: str, value: Any) -> str:
    """Give a value in short; one that is nobody's business is masked."""
    if isinstance(value, Absent):
        return "nothing"
    key = where.rpartition(".")[2]
    text = repr(masked({key: value})[key])
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
