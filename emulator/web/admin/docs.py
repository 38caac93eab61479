"""The OpenAPI document, and Swagger UI over it: nothing on these pages comes from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from mimetypes import guess_type

import orjson
from flask import Blueprint, Response, render_template_string, request
from werkzeug.exceptions import NotFound

from emulator.core.credentials import CREDENTIALS
from emulator.openapi import openapi_document

POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
"""The browser, too, is told that nothing comes from elsewhere."""


def add_docs(pages: Blueprint) -> None:
    """Serve `openapi.json`, `docs` and what that page is made of."""

    @pages.get("/openapi.json")
    def openapi() -> Response:
        return Response(orjson.dumps(openapi_document(request.script_root or "/")), content_type="application/json")

    @pages.get("/docs")
    @pages.get("/docs/")
    def docs() -> Response:
        page = Response(render_template_string(PAGE, root=request.script_root, tokens=list(CREDENTIALS)))
        page.headers["Content-Security-Policy"] = POLICY
        return page

    @pages.get("/docs/start.js")
    def start() -> Response:
        return Response(START, content_type="text/javascript")

    @pages.get("/docs/<name>")
    def asset(name: str) -> Response:
        try:
            file = swagger_ui()[name]
        except KeyError:
            raise NotFound from None
        return Response(file.read_bytes(), mimetype=guess_type(name)[0])


@cache
def swagger_ui() -> Mapping[str, Traversable]:
    """Find the files of Swagger UI, as the package brings them."""
    return {file.name: file for file in (files("flask_swagger_ui") / "dist").iterdir()}


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>OMS emulator: API</title>
<link rel="icon" href="{{ root }}/__admin/docs/favicon-32x32.png">
<link rel="stylesheet" href="{{ root }}/__admin/docs/swagger-ui.css">
<style>
.tokens { max-width: 1460px; margin: 1em auto 0; padding: 0 20px; font: 14px/1.6 sans-serif }
.tokens code { background: #eef1f5; padding: 2px 6px; border-radius: 3px }
</style>
</head>
<body>
<p class="tokens">To try an operation, choose <b>Authorize</b> and paste one of
{% for token in tokens %}<code>Token {{ token }}</code> {% endfor %}</p>
<div id="swagger-ui" data-document="{{ root }}/__admin/openapi.json"></div>
<script src="{{ root }}/__admin/docs/swagger-ui-bundle.js"></script>
<script src="{{ root }}/__admin/docs/start.js"></script>
</body>
</html>
"""

START = """window.ui = SwaggerUIBundle({
  url: document.getElementById("swagger-ui").dataset.document,
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  persistAuthorization: true,
  validatorUrl: null,
});
"""
