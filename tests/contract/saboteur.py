"""A WSGI proxy that spoils the answers of one operation, and the ways in which it can."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from emulator.contract.target import scheme_of
from emulator.core import credentials

Environ = dict[str, Any]


@dataclass
class Answer:
    """A response that a sabotage may change."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @document.setter
    def document(self, value: Any) -> None:
        self.body = json.dumps(value).encode()


Ask = Callable[[Environ], Answer]
Sabotage = Callable[[Environ, Ask], Answer]
Edit = Callable[[Any], Any]

ASKED_BEFORE = "saboteur.asked_before"
"""Key in the environment: whether the path was requested before."""


class Saboteur:
    """Passes everything on, except what goes to one address of the route table: that meets the sabotage."""

    def __init__(self, app: Any, path: str, sabotage: Sabotage) -> None:
        self.app, self.sabotage, self.asked_before = app, sabotage, False
        self.address = re.compile(re.sub(r"<\\.\\.\\.\w+>", ".+", re.sub(r"<\w+>", r"\\w+", re.escape(path))) + "?")

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        meant = self.address.fullmatch(environ["PATH_INFO"])
        environ[ASKED_BEFORE] = self.asked_before
        answer = self.sabotage(environ, self.ask) if meant else self.ask(environ)
        self.asked_before = self.asked_before or meant is not None
        answer.headers.pop("Content-Length", None)
        start_response(f"{answer.status} Sabotaged", list(answer.headers.items()))
        return [answer.body]

    def ask(self, environ: Environ) -> Answer:
        """Ask the application itself."""
        started: list[Any] = []
        body = b"".join(self.app(environ, lambda status, headers, _=None: started.append((status, headers))))
        status, headers = started[-1]
        return Answer(int(status[:3]), dict(headers), body)


def good(edit: Edit) -> Sabotage:
    """Change the document of an answer that is a page or a record."""

    def sabotage(environ: Environ, ask: Ask) -> Answer:
        answer = ask(environ)
        if answer.status in (200, 201) and answer.headers.get("Content-Type") == "application/json":
            answer.document = edit(answer.document)
        return answer

    return sabotage


def refusal(edit: Edit) -> Sabotage:
    """Change the document of an answer that refuses."""

    def sabotage(environ: Environ, ask: Ask) -> Answer:
        answer = ask(environ)
        if answer.status >= 400 and answer.headers.get("Content-Type") == "application/json":
            answer.document = edit(answer.document)
        return answer

    return sabotage


def record(edit: Edit) -> Sabotage:
    """Change the record, or the first one of a page."""

    def whole(body: Any) -> Any:
        if "results" not in body:
            return edit(body)
        return body | {"results": [edit(row) if at == 0 else row for at, row in enumerate(body["results"])]}

    return good(whole)


def status(wanted: int, instead_of: int | None = None) -> Sabotage:
    """Answer with another status."""

    def sabotage(environ: Environ, ask: Ask) -> Answer:
        answer = ask(environ)
        if instead_of in (None, answer.status):
            answer.status = wanted
        return answer

    return sabotage


def header(name: str, value: str | None) -> Sabotage:
    """Answer with another value of a header, or without it."""

    def sabotage(environ: Environ, ask: Ask) -> Answer:
        answer = ask(environ)
        answer.headers = {key: text for key, text in answer.headers.items() if key != name}
        if value is not None:
            answer.headers[name] = value
        return answer

    return sabotage


def query(change: Callable[[dict[str, str]], dict[str, str]]) -> Sabotage:
    """Understand another query than the one that was sent."""

    def sabotage(environ: Environ, ask: Ask) -> Answer:
        changed = change(dict(parse_qsl(environ["QUERY_STRING"])))
        return ask(environ | {"QUERY_STRING": urlencode(changed)})

    return sabotage


def without(*names: str) -> Sabotage:
    """Ignore parameters."""
    return query(lambda sent: {key: value for key, value in sent.items() if key not in names})


def environment(**changes: str) -> Sabotage:
    """Understand other headers than those that were sent."""
    return lambda environ, ask: ask(environ | changes)


FULL = {
    "Token": "Token full-access",
    "Bearer": f"Bearer {credentials.issue_token('full-access', datetime(2023, 1, 1, tzinfo=UTC), 10**9).token}",
}


def let_in(environ: Environ, ask: Ask) -> Answer:
    """Accept every credential."""
    return ask(environ | {"HTTP_AUTHORIZATION": FULL[scheme_of(environ["PATH_INFO"])]})


def deaf(environ: Environ, _: Ask) -> Answer:
    """Answer 204 without a change."""
    return Answer(204) if environ["REQUEST_METHOD"] in ("POST", "PATCH") else Answer(405)


def later(edit: Edit) -> Sabotage:
    """Change the second good answer and all further ones: what comes after a write is not what it should be."""

    def sabotage(environ: Environ, ask: Ask) -> Answer:
        answer = ask(environ)
        if answer.status == 200 and environ[ASKED_BEFORE]:
            answer.document = edit(answer.document)
        return answer

    return sabotage


def second_page(edit: Edit) -> Sabotage:
    """Change the second page alone."""
    changed = good(edit)
    return lambda environ, ask: changed(environ, ask) if "page=2" in environ["QUERY_STRING"] else ask(environ)
