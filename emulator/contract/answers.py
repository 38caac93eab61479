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


def finding(  # noqa: PLR0913 - a finding is made of these
    route: Route,
    answer: requests.Response,
    kind: Kind,
    seen: str,
    wanted: str = "",
    where: str = "",
    source: str = "",
) -> Finding:
    return Finding(kind, route.operation, where, seen, wanted, source or route.doc, asked(answer))


def asked(answer: requests.Response) -> str:
    """Say which request this answers, as `GET /path?query`."""
    url = urlsplit(str(answer.request.url))
    return f"{answer.request.method} {url.path}" + (f"?{url.query}" if url.query else "")


def expect(route: Route, answer: requests.Response, *statuses: int) -> requests.Response:
    """Give the answer back if it has one of these statuses; `Drift` otherwise."""
    if answer.status_code in statuses:
        return answer
    wanted = f"must be {' or '.join(map(str, statuses))}"
    raise Drift(finding(route, answer, Kind.STATUS, f"status is {answer.status_code}", wanted))


def document(route: Route, answer: requests.Response) -> Any:
    """Read the body; `Drift` if it is no JSON."""
    try:
        return answer.json()
    except ValueError:
        raise Drift(finding(route, answer, Kind.TYPE, f"the body is {answer.text[:60]!r}", "must be JSON")) from None


def out_of_shape(route: Route, answer: requests.Response, schema: str) -> Iterator[Finding]:
    """Yield where the body leaves its schema."""
    source = f"{schema}.json ({route.doc})"
    for problem in schemas.problems(schema, document(route, answer)):
        kind = KIND_OF.get(problem.keyword, Kind.TYPE)
        yield finding(route, answer, kind, problem.seen, problem.wanted, pointer(problem.path), source)


def out_of_order(route: Route, answer: requests.Response, schema: str) -> Iterator[Finding]:
    """Yield the objects whose keys are in another order than the documented one."""
    source = f"{schema}.json ({route.doc})"
    for path, found, wanted in misplaced(schema, document(route, answer)):
        seen = f"keys come in the order {', '.join(found)}"
        must = f"must be {', '.join(wanted)}"
        yield finding(route, answer, Kind.ORDER, seen, must, pointer(path), source)


def header_other_than(route: Route, answer: requests.Response, name: str, wanted: str) -> Iterator[Finding]:
    """Yield a finding unless the header has the wanted value, alone or in a list; `image/` stands for all images."""
    found = answer.headers.get(name)
    values = [] if found is None else [value.strip() for value in found.replace(";", ",").split(",")]
    prefix = wanted if wanted.endswith("/") else f"{wanted} "
    if not any(value == wanted or value.startswith(prefix) for value in values):
        shown = "is missing" if found is None else f"is {found!r}"
        yield finding(route, answer, Kind.HEADER, f"{name} {shown}", f"must have {wanted!r}")


def words_other_than(route: Route, answer: requests.Response, wanted: str) -> Iterator[Finding]:
    """Yield findings unless the body is `{"detail": ...}` with a text that starts as wanted."""
    problems = list(out_of_shape(route, answer, "error"))
    yield from problems
    if not problems and not str(document(route, answer)["detail"]).startswith(wanted):
        yield finding(
            route, answer, Kind.VALUE, f"the body is {answer.text[:80]!r}", f"must say {wanted!r}", "/detail"
        )
