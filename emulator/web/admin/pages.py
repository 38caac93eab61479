"""Pages below /__admin: the API descriptions, their documentation (Swagger UI, Redoc) and the inspector.

All files come from this server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import orjson
from flask import Response, redirect, render_template_string, request
from werkzeug.exceptions import NotFound

from emulator.api.openapi import PARTS, VERSIONS, arazzo_document, asyncapi_document, openapi_document
from emulator.core.credentials import CREDENTIALS
from emulator.core.errors import InvalidDocument
from emulator.core.json_text import JsonObject
from emulator.web.admin.shared import api

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

DOCS_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src blob:"
DOCS = Path(__file__).parent.parent / "docs"
INSPECTOR = Path(__file__).parent.parent / "inspector"
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
INSPECTOR_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


@api.get("/openapi.json")
def openapi() -> Response:
    """Return the OpenAPI document. Parameters other than `version` and `part` have no effect."""
    server = request.script_root or "/"
    version, part = choice("version", VERSIONS), choice("part", PARTS)
    return json_file(openapi_document(server, version=version, part=part))


def choice(name: str, values: Sequence[str]) -> str:
    """Return a query parameter, or the first of its values. Raise `InvalidDocument` for another value."""
    value = request.args.get(name, values[0])
    if value not in values:
        raise InvalidDocument(f"{name} must be one of {', '.join(values)} (got {value!r})", values, value)
    return value


@api.get("/asyncapi.json")
def asyncapi() -> Response:
    return json_file(asyncapi_document())


@api.get("/arazzo.json")
def arazzo() -> Response:
    return json_file(arazzo_document())


def json_file(document: JsonObject) -> Response:
    return Response(orjson.dumps(document), content_type="application/json")


@api.get("/docs")
@api.get("/docs/")
def docs() -> Response:
    return docs_page("index.html")


@api.get("/docs/redoc")
def redoc() -> Response:
    return docs_page("redoc.html")


def docs_page(name: str) -> Response:
    text = (DOCS / name).read_text("utf-8")
    page = Response(render_template_string(text, root=request.script_root, tokens=list(CREDENTIALS)))
    page.headers["Content-Security-Policy"] = DOCS_POLICY
    return page


@api.get("/docs/<name>")
def docs_asset(name: str) -> Response:
    try:
        file = docs_scripts().get(name) or swagger_ui()[name]
    except KeyError:
        raise NotFound from None
    return Response(file.read_bytes(), mimetype=guess_type(name)[0])


@cache
def docs_scripts() -> Mapping[str, Traversable]:
    """Return the scripts of the documentation pages, by name."""
    return {file.name: file for folder in (DOCS, DOCS / "vendor") for file in folder.glob("*.js")}


@cache
def swagger_ui() -> Mapping[str, Traversable]:
    """Return the files of Swagger UI in its package, by name."""
    return {file.name: file for file in (files("flask_swagger_ui") / "dist").iterdir()}


class Asset(NamedTuple):
    """A file of the inspector."""

    body: bytes
    content_type: str
    etag: str


@api.get("/ui")
def inspector() -> ResponseReturnValue:
    return redirect(f"{request.script_root}/__admin/ui/", 308)


@api.get("/ui/")
def inspector_page() -> Response:
    return file_response("index.html")


@api.get("/ui/<path:name>")
def inspector_file(name: str) -> Response:
    return file_response(name)


def file_response(name: str) -> Response:
    """Return a file of the inspector, or 304 if the browser has it cached."""
    try:
        asset = assets()[name]
    except KeyError:
        raise NotFound from None
    response = Response(asset.body, content_type=asset.content_type, headers=INSPECTOR_HEADERS)
    response.set_etag(asset.etag)
    response.make_conditional(request)
    return response


@cache
def assets() -> dict[str, Asset]:
    """Read all files of the inspector. The keys are paths below its folder."""
    return {
        path.relative_to(INSPECTOR).as_posix(): Asset(body, CONTENT_TYPES[path.suffix], sha256(body).hexdigest()[:16])
        for path in sorted(INSPECTOR.rglob("*"))
        if path.suffix in CONTENT_TYPES
        for body in [path.read_bytes()]
    }
