"""The inspector: pages over a world, made of the files of `emulator/web/inspector` and of nothing from elsewhere."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from flask import Blueprint, Response, redirect, request
from werkzeug.exceptions import NotFound

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

FOLDER = Path(__file__).parent.parent / "inspector"
FIRST = "index.html"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""The browser, too, is told that nothing comes from elsewhere; and to ask whether a file is still the same."""


class Asset(NamedTuple):
    """A file of the inspector."""

    body: bytes
    content_type: str
    tag: str


def add_ui(pages: Blueprint) -> None:
    """Serve the first page, and what it is made of."""

    @pages.get("/ui")
    def ui() -> ResponseReturnValue:
        return redirect(f"{request.script_root}/__admin/ui/", 308)

    @pages.get("/ui/")
    def ui_page() -> Response:
        return served(FIRST)

    @pages.get("/ui/<path:name>")
    def ui_file(name: str) -> Response:
        return served(name)


def served(name: str) -> Response:
    """Answer with a file, or with 304 if the browser has it."""
    try:
        found = assets()[name]
    except KeyError:
        raise NotFound from None
    answer = Response(found.body, content_type=found.content_type, headers=HEADERS)
    answer.set_etag(found.tag)
    answer.make_conditional(request)
    return answer


@cache
def assets() -> dict[str, Asset]:
    """Read the inspector's files: name below its folder -> what it holds."""
    return {
        path.relative_to(FOLDER).as_posix(): Asset(body, TYPES[path.suffix], sha256(body).hexdigest()[:16])
        for path in sorted(FOLDER.rglob("*"))
        if path.suffix in TYPES
        for body in [path.read_bytes()]
    }
