"""The whole document, put together from its parts."""

from __future__ import annotations

from typing import Any

from emulator.core.credentials import CREDENTIALS
from emulator.openapi import control, webhooks
from emulator.openapi.components import schema_components
from emulator.openapi.operations import paths_of, tags_of
from emulator.openapi.parameters import SHARED
from emulator.openapi.responses import HEADERS, response_components
from emulator.openapi.samples import example_components
from emulator.routes import ROUTES
from emulator.version import __version__

Json = dict[str, Any]

DESCRIPTION = """An emulator of the Akinon OMS package and transfer-order services.

Every operation answers `OPTIONS`, and `HEAD` where it answers `GET`; a path without its last slash is a 301.
Answers explain themselves in `X-Emulator-*` headers, never in their bodies."""

EXAMPLES = "#/components/examples/"


def openapi_document(server: str = "/") -> Json:
    """Give the OpenAPI 3.1 document of an emulator that is reached at `server`."""
    paths = paths_of(ROUTES) | control.control_paths()
    hooks = webhooks.webhooks()
    responses = response_components()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Akinon OMS, emulated",
            "version": __version__,
            "description": DESCRIPTION,
            "contact": {"name": "oms-emulator"},
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": server, "description": "This emulator"}],
        "tags": [
            *tags_of(ROUTES),
            {"name": webhooks.TAG, "description": webhooks.DESCRIPTION},
            {"name": control.TAG, "description": control.DESCRIPTION},
        ],
        "paths": paths,
        "webhooks": hooks,
        "components": {
            "securitySchemes": security_schemes(),
            "parameters": SHARED,
            "headers": HEADERS,
            "responses": responses,
            "examples": example_components(referred_examples(paths)),
            "schemas": schema_components([paths, hooks, responses]),
        },
    }


def security_schemes() -> Json:
    """Give the schemes that some operation asks for."""
    tokens = ", ".join(f"`{token}`" for token in CREDENTIALS)
    known = {
        "Token": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": f"The word `Token`, a space and a key: `Token full-access`. The keys: {tokens}.",
        },
        "Bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A JSON Web Token of one of the roles.",
        },
    }
    used = {route.scheme for route in ROUTES}
    return {name: scheme for name, scheme in known.items() if name in used}


def referred_examples(part: Any) -> set[str]:
    """Name the examples that a part of the document refers to."""
    if isinstance(part, list):
        return set().union(*map(referred_examples, part))
    if not isinstance(part, dict):
        return set()
    target = part.get("$ref")
    if isinstance(target, str) and target.startswith(EXAMPLES):
        return {target.removeprefix(EXAMPLES)}
    return set().union(*map(referred_examples, part.values()))
