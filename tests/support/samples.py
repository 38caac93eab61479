"""The documented samples, and a walk over their nodes with the schema of each node."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

from emulator.core import schemas
from tests.support.answers import validator

Json = Any

SCHEMA_NAMES = {
    "package-command.request": "command",
    "package-command.response-200": "command-result",
    "package-delivery-ranges.response-200": "page-of-delivery-range",
    "package-detail.response-200": "package",
    "package-invoice.response-201": "invoice",
    "package-list.response-200": "page-of-package",
    "package-set-invoice-number.request": "set-invoice-number",
    "package-set-remote-id.request": "set-remote-id",
    "package-short-detail.response-200": "package-short",
    "package-short-list.response-200": "page-of-package-short-list-item",
    "package-simple-list.response-200": "page-of-package-simple",
    "package-state-transition-log-detail.response-200": "transition-log",
    "package-state-transition-log-list.response-200": "page-of-transition-log",
    "package-state-transition-log-short-detail.response-200": "transition-log-short",
    "package-state-transition-log-short-list.response-200": "page-of-transition-log-short",
    "package-webhook-event-details.response-200": "webhook-event",
    "package-webhook-event-list.response-200": "page-of-webhook-event",
    "package-webhook-event-short-list.response-200": "page-of-webhook-event-short",
    "reference-command-package.request": "reference-command",
    "reference-get-invoice-document.response-200": "reference-invoice-document",
    "reference-get-package-event.response-200": "reference-webhook-event",
    "reference-get-package-log-short.response-200": "reference-transition-log-short",
    "reference-get-package-log.response-200": "reference-transition-log",
    "reference-get-package-short.response-200": "reference-package-short",
    "reference-get-package.response-200": "reference-package",
    "reference-invoice-package.response-201": "reference-invoice",
    "reference-list-delivery-ranges.response-200": "reference-page-of-delivery-range",
    "reference-list-package-events-short.response-200": "reference-page-of-webhook-event-short",
    "reference-list-package-events.response-200": "reference-page-of-webhook-event",
    "reference-list-package-items.response-200": "reference-page-of-package-item-row",
    "reference-list-package-logs-short.response-200": "reference-page-of-transition-log-short",
    "reference-list-package-logs.response-200": "reference-page-of-transition-log",
    "reference-list-packages-short.response-200": "reference-page-of-package-short-list-item",
    "reference-list-packages-simple.response-200": "reference-page-of-package-simple",
    "reference-list-packages.response-200": "reference-page-of-package",
    "reference-patch-package-extra-information.request": "extra-information",
    "reference-set-package-invoice-number.request": "set-invoice-number",
    "reference-set-package-remote-id.request": "set-remote-id",
    "transfer-order-command.request-1": "command",
    "transfer-order-command.request-2": "command",
    "transfer-order-detail.response-200": "transfer",
    "transfer-order-list-simple.response-200": "page-of-transfer-simple",
    "transfer-order-list.response-200": "page-of-transfer-list-item",
    "transfer-order-set-invoice-number.request": "set-invoice-number",
    "transfer-order-set-remote-id.request": "set-remote-id",
    "transfer-order-state-transition-log-detail.response-200": "transition-log",
    "transfer-order-state-transition-log-list-short.response-200": "page-of-transition-log-short",
    "transfer-order-state-transition-log-list.response-200": "page-of-transition-log",
    "transfer-order-webhook-event-detail.response-200": "webhook-event",
    "transfer-order-webhook-event-list-short.response-200": "page-of-webhook-event-short",
    "transfer-order-webhook-event-list.response-200": "page-of-webhook-event",
}
"""File name of a sample without `.json` -> the name of its schema."""

FOLDERS = ("documented", "documented_reference")
"""Samples of the guide are real responses. Those of the reference have placeholders: "text", 1, {}."""


class SampleNode(NamedTuple):
    """An object or array of a sample that its schema describes. Free-form values are not nodes."""

    shape: str
    """Name of the schema, followed by the keys of the path if the schema describes the node inline."""
    properties: tuple[str, ...]
    """The documented keys in order. Empty for arrays and for maps with free keys."""
    value: Json
    is_stored: bool
    """Whether the node is inside a stored payload, whose keys have a different order."""


@cache
def files_by_name() -> dict[str, Traversable]:
    """Return the sample files by name. Other files, such as lists of corrections, have no dot in their names."""
    folders = (files("emulator") / "fixtures" / folder for folder in FOLDERS)
    found = (file for folder in folders for file in folder.iterdir() if "." in file.name[:-5])
    return {file.name.removesuffix(".json"): file for file in found}


def names() -> list[str]:
    return sorted(files_by_name())


def document(name: str) -> Json:
    """Return the document of a sample file: its body and its metadata."""
    return json.loads(files_by_name()[name].read_bytes())


def body(name: str) -> Json:
    """Return a new copy of the body, because tests may change it."""
    return document(name)["body"]


def sample_nodes(name: str, document: Json) -> Iterator[SampleNode]:
    """Yield the nodes of a sample, outermost first."""
    shape = SCHEMA_NAMES[name]
    return _spots(shape, schemas.load_schema(shape), document, is_stored=False)


def _spots(shape: str, rules: Json, value: Json, *, is_stored: bool) -> Iterator[SampleNode]:
    if not isinstance(value, dict | list):
        return
    shape, rules = _described(shape, rules, value)
    is_stored = is_stored or shape == "request-payload"
    described = {key: inner for key, inner in _entries(value) if _rules_of(rules, key)}
    if not described and not rules.get("properties"):
        return
    yield SampleNode(shape, tuple(rules.get("properties", ())), value, is_stored)
    for key, inner in described.items():
        yield from _spots(f"{shape}/{_step(key)}", _rules_of(rules, key), inner, is_stored=is_stored)


def _entries(value: Json) -> list[tuple[str | int, Json]]:
    return list(value.items() if isinstance(value, dict) else enumerate(value))


def _step(key: str | int) -> str:
    return key if isinstance(key, str) else "*"


def _rules_of(rules: Json, key: str | int) -> Json:
    if isinstance(key, int):
        return rules.get("items")
    return rules.get("properties", {}).get(key) or rules.get("additionalProperties")


def _described(shape: str, rules: Json, value: Json) -> tuple[str, Json]:
    """Resolve references and alternatives to the schema that describes the value."""
    if "anyOf" in rules and "properties" not in rules:
        references = [each["$ref"].removesuffix(".json") for each in rules["anyOf"] if "$ref" in each]
        shape = next((each for each in references if validator(each).is_valid(value)), references[0])
        return shape, schemas.load_schema(shape)
    if "$ref" in rules and isinstance(value, dict):
        shape = rules["$ref"].removesuffix(".json")
        return shape, schemas.load_schema(shape)
    return shape, rules
