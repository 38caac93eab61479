"""`components.schemas`: the package's JSON Schemas, as many as are referred to, with references of the document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from emulator.core import schemas

Json = Any

SCHEMAS = "#/components/schemas/"
PIECES = "formats.json#/$defs/"
"""What is said beside a reference is lost on most generators, so these pieces stand where they are referred to."""
OF_A_FILE = ("$schema", "$id", "$defs")


def reference(name: str) -> dict[str, str]:
    """Give a reference to a schema by its file's name."""
    return {"$ref": SCHEMAS + name}


def referred(document: Json) -> Iterator[str]:
    """Yield the names of the schemas that a document refers to."""
    if isinstance(document, Mapping):
        target = document.get("$ref")
        if isinstance(target, str) and target.startswith(SCHEMAS):
            yield target.removeprefix(SCHEMAS)
    parts: Iterable[Json] = document.values() if isinstance(document, Mapping) else document
    for part in parts if isinstance(document, Mapping | list) else ():
        yield from referred(part)


def schema_components(document: Json) -> dict[str, Json]:
    """Give every schema that the document needs, in alphabetical order."""
    found: dict[str, Json] = {}
    wanted = sorted(set(referred(document)))
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = component(name)
            wanted.extend(referred(found[name]))
    return dict(sorted(found.items()))


def component(name: str) -> Json:
    """Give one schema; `<file>.<definition>` names a definition inside a file."""
    file, _, definition = name.partition(".")
    schema = schemas.schema(file)["$defs"][definition] if definition else schemas.schema(file)
    return rewritten({key: value for key, value in schema.items() if key not in OF_A_FILE}, file)


def rewritten(schema: Json, file: str) -> Json:
    """Give a schema with the references of the document in the place of those between files."""
    if isinstance(schema, list):
        return [rewritten(part, file) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    target = schema.get("$ref")
    if isinstance(target, str) and target.startswith(PIECES):
        piece = schemas.schema("formats")["$defs"][target.removeprefix(PIECES)]
        return {**piece, **{key: value for key, value in schema.items() if key != "$ref"}}
    changed = {key: rewritten(value, file) for key, value in schema.items()}
    if changed.get("type") == "array":
        changed.setdefault("items", {})  # linters and generators insist, even where anything may stand
    return {**changed, "$ref": SCHEMAS + component_name(target, file)} if isinstance(target, str) else changed


def component_name(target: str, file: str) -> str:
    """Name the component that a reference inside a file leads to: `x.json`, `x.json#/$defs/y` or `#/$defs/y`."""
    other, _, pointer = target.partition("#/$defs/")
    name = other.removesuffix(".json") or file
    return f"{name}.{pointer}" if pointer else name
