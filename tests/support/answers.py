"""Schema checks that are fast enough for every response of the test run."""

from functools import cache

import jsonschema_rs

from emulator.core import schemas
from emulator.core.json_text import load_json


def check_body(schema_name: str, body_bytes: bytes) -> None:
    """Raise an AssertionError with the place and the reason if a body does not match its schema."""
    try:
        document = load_json(body_bytes)
    except ValueError as error:
        raise AssertionError(f"{schema_name}: not JSON: {error}: {body_bytes[:80]!r}") from None
    check_document(schema_name, document)


def check_document(schema_name: str, document: object) -> None:
    """Raise an AssertionError if a document does not match its schema."""
    problem: object
    try:
        problem = next(validator(schema_name).iter_errors(document), None)
    except ValueError:  # it refuses lone surrogates
        problem = schemas.find_problem(schema_name, document)
    if problem:
        raise AssertionError(f"{schema_name}: {schemas.find_problem(schema_name, document) or problem}")


@cache
def validator(schema_name: str) -> jsonschema_rs.Draft202012Validator:
    """Return the compiled schema. Raise the error of `schemas.schema` for an unknown name."""
    reference = {"$ref": schemas.load_schema(schema_name)["$id"]}
    return jsonschema_rs.Draft202012Validator(reference, registry=_registry())


@cache
def _registry() -> jsonschema_rs.Registry:
    return jsonschema_rs.Registry(
        [(f"{name}.json", dict(schemas.load_schema(name))) for name in schemas.schema_names()]
    )
