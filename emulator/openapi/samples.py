"""`components.examples`: the documented samples, each under its file's name, with its placeholders filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from emulator.routes import Route

Json = Any

BASE_URL = "http://127.0.0.1:8080"
PLACEHOLDERS = {"{domain_url}": BASE_URL, "{cdn_url}": f"{BASE_URL}/cdn"}
REQUEST = "request"
FOLDERS = ("documented", "documented_reference")


class Sample(NamedTuple):
    """One sample: of which operation of which surface, request or response, and what was sent."""

    title: str
    method: str
    surface: str
    kind: str
    """`request`, `request-2`, `response-200`."""
    body: Json

    @property
    def is_request(self) -> bool:
        return self.kind.startswith(REQUEST)

    @property
    def status(self) -> int:
        return int(self.kind.rpartition("-")[2])


def surface_of(path: str) -> str:
    """Name the surface by the first step of its paths."""
    return path.split("/")[1]


@cache
def samples() -> Mapping[str, Sample]:
    """Read the samples, by the names of their files."""
    folders = (files("emulator") / "fixtures" / folder for folder in FOLDERS)
    every = (file for folder in folders for file in folder.iterdir() if "." in file.name[:-5])
    found = {file.name.removesuffix(".json"): file for file in every}
    return {name: sample(found[name].read_text("utf-8")) for name in sorted(found)}


def sample(text: str) -> Sample:
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    document = json.loads(text)
    return Sample(
        document["title"], document["method"], surface_of(document["path"]), document["kind"], document["body"]
    )


def examples_of(route: Route, status: int | None) -> dict[str, Json]:
    """Give the examples of one answer of an operation, or of its request if there is no status."""
    title = route.doc.partition(", ")[2]
    of = (title, route.method, surface_of(route.path))
    return {
        name: {"$ref": f"#/components/examples/{name}"}
        for name, found in samples().items()
        if ((found.title, found.method, found.surface) == of or operation_in(name) == route.operation)
        and (found.is_request if status is None else not found.is_request and found.status == status)
    }


def operation_in(name: str) -> str:
    """Read the operation out of a sample's name: those of the reference bear it, those of the guide their title."""
    return name.partition(".")[0].replace("-", "_")


def example_components(referred: set[str]) -> dict[str, Json]:
    """Give the samples that the document refers to."""
    return {
        name: {"summary": f"Documented sample: {found.title}", "value": found.body}
        for name, found in samples().items()
        if name in referred
    }
