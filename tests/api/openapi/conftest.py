"""The OpenAPI document under test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emulator.api.openapi import openapi_document


@pytest.fixture(scope="session")
def document() -> Any:
    """Return the document as parsed JSON."""
    return json.loads(json.dumps(openapi_document()))


@pytest.fixture(scope="session")
def document_file(document: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the document to a file for tools."""
    file = tmp_path_factory.mktemp("openapi") / "openapi.json"
    file.write_text(json.dumps(document), "utf-8")
    return file
