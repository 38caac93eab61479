"""Judges single answers: status, JSON, schema and the order of keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from emulator.contract.findings import Drift, Finding, Kind
from emulator.contract.keyorder import misplaced
from emulator.core import schemas
from emulator.core.schema_problems import pointer
from emulator.routes import Route

KIND_OF: Mapping[str, Kind] = {"additionalProperties": Kind.UNDOCUMENTED, "required": Kind.MISSING}
"""Which kind of drift a schema's keyword stands for; all others are about types."""


def finding(route: Route, answer: requests.Response, kind: Kind, text: str, where: str = "") -> Finding:
    return Finding(kind, route.operation, where, text, asked(answer))


def asked(answer: requests.Response) -> str:
    """Say which request this answers, as `GET /path?query`."""
    url = urlsplit(str(answer.request.url))
    return f"{answer.request.method} {url.path}" + (f"?{url.query}" if url.query else "")


def expect(route: Route, answer: requests.Response, *statuses: int) -> requests.Response:
    """Give the answer back if it has one of these statuses; `Drift` otherwise."""
    if answer.status_code in statuses:
        return answer
    wanted = " or ".join(map(str, statuses))
    raise Drift(finding(route, answer, Kind.STATUS, f"status is {answer.status_code}, must be {wanted}"))


def document(route: Route, answer: requests.Response) -> Any:
    """Read the body; `Drift` if it is no JSON."""
    try:
        return answer.json()
    except ValueError:
        raise Drift(finding(route, answer, Kind.OTHER, f"the body is no JSON: {answer.text[:60]!r}")) from None


def out_of_shape(route: Route, answer: requests.Response, schema: str) -> Iterator[Finding]:
    """Yield where the body leaves its schema."""
    for problem in schemas.problems(schema, document(route, answer)):
        kind = KIND_OF.get(problem.keyword, Kind.TYPE)
        yield finding(route, answer, kind, problem.message, pointer(problem.path))


def out_of_order(route: Route, answer: requests.Response, schema: str) -> Iterator[Finding]:
    """Yield the objects whose keys are in another order than the documented one."""
    for path, found, wanted in misplaced(schema, document(route, answer)):
        text = f"keys come in the order {', '.join(found)}; documented is {', '.join(wanted)}"
        yield finding(route, answer, Kind.ORDER, text, pointer(path))


def header_other_than(route: Route, answer: requests.Response, name: str, wanted: str) -> Iterator[Finding]:
    """Yield a finding unless the header has the wanted value, alone or in a list; `image/` stands for all images."""
    found = answer.headers.get(name)
    values = [] if found is None else [value.strip() for value in found.replace(";", ",").split(",")]
    prefix = wanted if wanted.endswith("/") else f"{wanted} "
    if not any(value == wanted or value.startswith(prefix) for value in values):
        shown = "is missing" if found is None else f"is {found!r}"
        yield finding(route, answer, Kind.HEADER, f"{name} {shown}, must have {wanted!r}")


def words_other_than(route: Route, answer: requests.Response, wanted: str) -> Iterator[Finding]:
    """Yield a finding unless the body is `{"detail": ...}` with a text that starts as wanted."""
    body = document(route, answer)
    if not isinstance(body, dict) or not str(body.get("detail", "")).startswith(wanted) or "detail" not in body:
        text = f"the body is {answer.text[:80]!r}, must have the detail {wanted!r}"
        yield finding(route, answer, Kind.OTHER, text, "/detail")
