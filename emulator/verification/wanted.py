"""What a test expects of a call, and where a call differs from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.core.fields import ABSENT, Absent
from emulator.handlers.journal import mask_json
from emulator.verification.asked import RecordedRequest

SHOWN = 120
"""How much of a value a failure shows."""
OTHER_OPERATION = 100
"""A call of another operation is farther away than one of the same that differs in everything."""

Parameters = Mapping[str, Any] | str


@dataclass(frozen=True)
class ExpectedRequest:
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
            said.insert(0, f"json={mask_json(self.json)!r}")
        return f"{self.operation or 'call'}({', '.join(said)})"

    def differences(self, asked: RecordedRequest) -> list[str]:
        """Give a line for each field in which a call is not as wanted."""
        return [*self._of_plain(asked), *self._of_query(asked), *self._of_json(asked)]

    def distance(self, asked: RecordedRequest) -> int:
        """Give how far a call is from what is wanted."""
        other = self.operation is not None and asked.operation != self.operation
        return len(self.differences(asked)) + OTHER_OPERATION * other

    def _of_plain(self, asked: RecordedRequest) -> Iterator[str]:
        for name in ("operation", "path", "token", "status"):
            wanted, found = getattr(self, name), getattr(asked, name)
            if wanted is not None and wanted != found:
                yield format_difference(name, found, wanted)

    def _of_query(self, asked: RecordedRequest) -> Iterator[str]:
        if self.query is None:
            return
        if isinstance(self.query, str):
            if self.query.removeprefix("?") != asked.query:
                yield format_difference("query", asked.query, self.query)
            return
        wanted = {name: query_texts(value) for name, value in self.query.items()}
        yield from differences("query", asked.parameters, wanted)

    def _of_json(self, asked: RecordedRequest) -> Iterator[str]:
        if not isinstance(self.json, Absent):
            yield from differences("json", asked.json, self.json)


def query_texts(value: Any) -> Any:
    """Give what a parameter's values look like in a query; what is no plain value is compared as it is."""
    if isinstance(value, list | tuple):
        return [text for each in value for text in query_texts(each)]
    if isinstance(value, bool):
        return [str(value).lower()]
    return [str(value)] if isinstance(value, str | int | float) else value


def differences(where: str, found: Any, wanted: Any) -> Iterator[str]:
    """Give a line for each place in which two JSON values differ."""
    if wanted == found and is_same_json_type(wanted, found):
        return
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in [*wanted, *(key for key in found if key not in wanted)]:
            yield from differences(f"{where}.{key}", found.get(key, ABSENT), wanted.get(key, ABSENT))
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for index, pair in enumerate(zip(found, wanted, strict=True)):
            yield from differences(f"{where}[{index}]", *pair)
    else:
        yield format_difference(where, found, wanted)


def is_same_json_type(wanted: Any, found: Any) -> bool:
    """Tell `true` from 1: they are equal in Python, and not in JSON."""
    if isinstance(wanted, bool) or isinstance(found, bool):
        return not isinstance(wanted, int | float) or isinstance(wanted, bool) == isinstance(found, bool)
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(is_same_json_type(wanted[key], found.get(key)) for key in wanted)
    if isinstance(wanted, list) and isinstance(found, list):
        return all(map(is_same_json_type, wanted, found))
    return True


def format_difference(where: str, found: Any, wanted: Any) -> str:
    return f"{where}: {format_value(where, found)}, expected {format_value(where, wanted)}"


def format_value(where: str, value: Any) -> str:
    """Give a value in short; one that is nobody's business is masked."""
    if isinstance(value, Absent):
        return "nothing"
    key = where.rpartition(".")[2]
    text = repr(mask_json({key: value})[key])
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
