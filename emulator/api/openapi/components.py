"""`components.schemas` and `components.examples`: the JSON Schemas and documented samples that the document uses."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from emulator.api.openapi.client_schemas import client_schema
from emulator.api.routes import Route
from emulator.core import schemas
from emulator.core.json_text import JsonObject, JsonValue
from emulator.core.records import State
from emulator.domain.installation import bundled_names, load_installation
from emulator.domain.seeding.pools import CURRENCIES

SCHEMA_PREFIX, EXAMPLE_PREFIX = "#/components/schemas/", "#/components/examples/"
INLINED_DEFINITIONS = "formats.json#/$defs/"
"""Most generators ignore the keywords beside a reference, so references to these definitions are inlined."""
FILE_KEYWORDS = ("$schema", "$id", "$defs")

BASE_URL = "http://127.0.0.1:8080"
URL_PLACEHOLDERS = {"{domain_url}": BASE_URL, "{cdn_url}": f"{BASE_URL}/cdn"}
REQUEST = "request"
SAMPLE_FOLDERS = ("documented", "documented_reference")


def schema_reference(name: str) -> dict[str, str]:
    """Return a reference to the schema of this file name."""
    return {"$ref": SCHEMA_PREFIX + name}


def referenced_names(document: JsonValue, prefix: str) -> Iterator[str]:
    """Yield the names of the components with this prefix that a document refers to."""
    if isinstance(document, Mapping):
        target = document.get("$ref")
        if isinstance(target, str) and target.startswith(prefix):
            yield target.removeprefix(prefix)
    parts: Iterable[JsonValue] = document.values() if isinstance(document, Mapping) else document
    for part in parts if isinstance(document, Mapping | list) else ():
        yield from referenced_names(part, prefix)


def schema_components(document: JsonValue) -> JsonObject:
    """Return every schema that the document needs, in alphabetical order."""
    components: JsonObject = {}
    pending = sorted(set(referenced_names(document, SCHEMA_PREFIX)))
    while pending:
        name = pending.pop()
        if name not in components:
            components[name] = schema_component(name)
            pending.extend(referenced_names(components[name], SCHEMA_PREFIX))
    return dict(sorted(components.items()))


def schema_component(name: str) -> JsonValue:
    """Return one schema: that of a file, or of a definition inside a file."""
    file, definition = schema_sources()[name]
    schema = schemas.load_schema(file)
    if definition is not None:
        title = f"{schema['title']}, {definition.replace('_', ' ')}"
        schema = {**schema["$defs"][definition], "title": title}
    own = rewrite_references({key: value for key, value in schema.items() if key not in FILE_KEYWORDS}, file)
    return with_known_values(name, client_schema(own))


@cache
def schema_sources() -> Mapping[str, tuple[str, str | None]]:
    """Return the file and the definition of each component that the document can have."""
    files_ = {name: (name, None) for name in schemas.schema_names()}
    definitions = {
        definition_component(file, definition): (file, definition)
        for file in files_
        for definition in schemas.load_schema(file).get("$defs", {})
    }
    return {**definitions, **files_}


def definition_component(file: str, definition: str) -> str:
    """Return the component name of a definition. Some generators make folders of names with dots."""
    return f"{file}-{definition.replace('_', '-')}"


def with_known_values(name: str, schema: JsonObject) -> JsonObject:
    """Return a schema whose properties with a known set of values list these values."""
    properties = schema.get("properties", {})
    values = {key: known for key, known in known_values(name).items() if key in properties}
    listed = {key: {**properties[key], "enum": known} for key, known in values.items()}
    return {**schema, "properties": {**properties, **listed}} if listed else schema


def known_values(name: str) -> Mapping[str, list[str]]:
    """Return the values of properties that a schema leaves open, because an installation file may add some.

    The reference's samples show `text` in place of a value.
    """
    records = [load_installation(each) for each in bundled_names()]
    states = {state.enum_value for each in records for state in each[State].values()}
    return {
        "enum_value": sorted(states | ({"text"} if name.startswith("reference-") else set())),
        **dict.fromkeys(("currency", "price_currency"), sorted(set(CURRENCIES.values()))),
    }


def rewrite_references(schema: JsonValue, file: str) -> JsonValue:
    """Replace references between files by references inside the document."""
    if isinstance(schema, list):
        return [rewrite_references(part, file) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    target = schema.get("$ref")
    if isinstance(target, str) and target.startswith(INLINED_DEFINITIONS):
        definition = schemas.load_schema("formats")["$defs"][target.removeprefix(INLINED_DEFINITIONS)]
        return {**definition, **{key: value for key, value in schema.items() if key != "$ref"}}
    rewritten = {key: rewrite_references(value, file) for key, value in schema.items()}
    if rewritten.get("type") == "array":
        rewritten.setdefault("items", {})  # linters and generators require it
    return (
        {**rewritten, "$ref": SCHEMA_PREFIX + component_name(target, file)} if isinstance(target, str) else rewritten
    )


def component_name(target: str, file: str) -> str:
    """Return the component that a reference in a file names: `x.json`, `x.json#/$defs/y` or `#/$defs/y`."""
    other, _, definition = target.partition("#/$defs/")
    name = other.removesuffix(".json") or file
    return definition_component(name, definition) if definition else name


class Sample(NamedTuple):
    """A documented request or response body of an operation."""

    title: str
    method: str
    surface: str
    kind: str
    """`request`, `request-2`, `response-200`."""
    body: JsonValue

    @property
    def is_request(self) -> bool:
        return self.kind.startswith(REQUEST)

    @property
    def status(self) -> int:
        return int(self.kind.rpartition("-")[2])


@cache
def samples() -> Mapping[str, Sample]:
    """Return all samples by the names of their files."""
    folders = (files("emulator") / "fixtures" / folder for folder in SAMPLE_FOLDERS)
    sample_files = (file for folder in folders for file in folder.iterdir() if "." in file.name[:-5])
    by_name = {file.name.removesuffix(".json"): file for file in sample_files}
    return {name: parse_sample(by_name[name].read_text("utf-8")) for name in sorted(by_name)}


def parse_sample(text: str) -> Sample:
    for placeholder, value in URL_PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    document = json.loads(text)
    surface = document["path"].split("/")[1]
    return Sample(document["title"], document["method"], surface, document["kind"], document["body"])


def examples_of(route: Route, status: int | None) -> JsonObject:
    """Return references to the examples of a response, or of the request if the status is None.

    The names of the reference's samples start with the operation. The guide's samples have its title.
    """
    key = (route.documented_title, route.method, route.path.split("/")[1])
    return {
        name: {"$ref": EXAMPLE_PREFIX + name}
        for name, sample in samples().items()
        if (
            (sample.title, sample.method, sample.surface) == key
            or name.partition(".")[0].replace("-", "_") == route.operation
        )
        and (sample.is_request if status is None else not sample.is_request and sample.status == status)
    }


def example_components(document: JsonValue) -> JsonObject:
    """Return the samples that the document refers to."""
    names = set(referenced_names(document, EXAMPLE_PREFIX))
    return {
        name: {"summary": f"The page's sample: {sample.title}", "value": sample.body}
        for name, sample in samples().items()
        if name in names
    }
