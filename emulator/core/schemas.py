"""The documents' shapes: the package's JSON Schemas, compiled on first use, and what is wrong in one line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeAlias

from emulator.core.schema_problems import Problem, problems_of

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from referencing import Registry

Schema: TypeAlias = Mapping[str, Any]

FOLDERS = ("guide", "reference", "requests", "own")


class UnknownSchemaError(ValueError):
    """Raised for a name that no schema file bears; tells the names that some file does."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no schema {name!r}; known are {', '.join(names())}.")


def names() -> list[str]:
    return sorted(_schemas())


def schema(name: str) -> Schema:
    """Return the schema as its file has it; it refers to others by their file names."""
    try:
        return _schemas()[name]
    except KeyError:
        raise UnknownSchemaError(name) from None


def problem(name: str, document: object) -> str | None:
    """Say the worst that is wrong, in one line, or None if the document fits."""
    from jsonschema.exceptions import best_match  # noqa: PLC0415  (jsonschema takes long to import)

    error = best_match(_validator(name).iter_errors(document))
    return str(next(problems_of(error))) if error else None


def problems(name: str, document: object) -> Iterator[Problem]:
    """Yield everything that is wrong, each place once."""
    errors = _validator(name).iter_errors(document)
    yield from dict.fromkeys(each for error in errors for each in problems_of(error))


@cache
def _schemas() -> Mapping[str, Schema]:
    folders = (files("emulator") / "schemas" / folder for folder in FOLDERS)
    found = (file for folder in folders for file in folder.iterdir() if file.name.endswith(".json"))
    return {file.name.removesuffix(".json"): json.loads(file.read_bytes()) for file in found}


@cache
def _validator(name: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # noqa: PLC0415

    return Draft202012Validator(schema(name), registry=_registry())


@cache
def _registry() -> Registry[Any]:
    from referencing import Registry  # noqa: PLC0415
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415

    resources = [(each["$id"], DRAFT202012.create_resource(each)) for each in _schemas().values()]
    found: Registry[Any] = Registry().with_resources(resources).crawl()
    return found
