"""Schema checks that are fast enough for every response of the test run."""

from functools import cache

import jsonschema_rs
import orjson

from emulator.core import schemas


def check_body(schema_name: str, body_bytes: bytes) -> None:
    """Raise an AssertionError with the place and the reason if a body does not match its schema."""
    try:
        document = orjson.loads(body_bytes)
    except orjson.JSONDecodeError as error:
        raise AssertionError(f"{schema_name}: not JSON: {error}: {body_bytes[:80]!r}") from None
    check_document(schema_name, document)


def check_document(schema_name: str, document: object) -> None:
    """Raise an AssertionError if a document does not match its schema."""
    error = next(validator(schema_name).iter_errors(document), None)
    if error:
        line = schemas.find_problem(schema_name, document)
        raise AssertionError(f"{schema_name}: {line or f'{error.instance_path}: {error.message}'}")


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
