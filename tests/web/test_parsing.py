"""Bodies are parsed as by the parsers of the framework."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from django.core.handlers.wsgi import WSGIRequest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework import exceptions
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request

from emulator.core.errors import ApiError, BadRequest
from emulator.core.fields import Form, Upload
from emulator.web.parsing import parse_body
from tests.oracle.request_tables import bodies, forms
from tests.oracle.request_tables.urls import FORM, JSON
from tests.oracle.wire import RawRequest

MULTIPART = "multipart/form-data; boundary=B"
logging.getLogger("django").setLevel(logging.CRITICAL)
quick = settings(deadline=None, derandomize=True)


def framework_result(content_type: str, raw: bytes) -> Any:
    environ = RawRequest("", "/", "POST", content_type=content_type, body=raw).environ()
    request = Request(WSGIRequest(environ), parsers=[JSONParser(), FormParser(), MultiPartParser()])
    try:
        data = request.data
    except exceptions.APIException as error:
        return error.status_code, str(error.detail)
    except SuspiciousOperation:
        return "page"
    lists = getattr(data, "lists", None)
    if lists is None:
        return data
    return {name: [comparable_value(value) for value in values] for name, values in lists()}


def comparable_value(value: Any) -> Any:
    return value if isinstance(value, str) else Upload(value.name)


def emulator_result(content_type: str, raw: bytes) -> Any:
    try:
        data = parse_body(content_type, raw)
    except ApiError as error:
        return error.status, error.detail
    except BadRequest:
        return "page"
    return {name: data.getlist(name) for name in data} if isinstance(data, Form) else data


JSON_BODIES = (*bodies.INVALID_JSON, *bodies.JSON_OF_WRONG_TYPE, bodies.VALID_BODY, b"")


@pytest.mark.parametrize("raw", JSON_BODIES)
def test_json(raw: bytes) -> None:
    """Both return the same value or the same error."""
    assert emulator_result(JSON, raw) == framework_result(JSON, raw)


@pytest.mark.parametrize("charset", bodies.CHARSETS)
@pytest.mark.parametrize("raw", [bodies.VALID_BODY, "é".encode(), b"+AHs-"])
def test_charsets(charset: str, raw: bytes) -> None:
    """Text charsets are used, unknown ones ignored, and others refused."""
    for kind in (JSON, FORM):
        content_type = f"{kind}; charset={charset}"
        assert emulator_result(content_type, raw) == framework_result_or(
            content_type, raw, emulator_result(content_type, raw)
        )


def framework_result_or(content_type: str, raw: bytes, instead: Any) -> Any:
    # Django crashes on forms in charsets that fail with a plain UnicodeError.
    try:
        return framework_result(content_type, raw)
    except UnicodeError:
        return instead


@pytest.mark.parametrize("content_type", [kind for kind in bodies.CONTENT_TYPES if kind is not None])
@pytest.mark.parametrize("raw", [bodies.VALID_BODY, b""])
def test_content_types(content_type: str, raw: bytes) -> None:
    """The content type of an empty body is not checked."""
    assert emulator_result(content_type, raw) == framework_result(content_type, raw)


@pytest.mark.parametrize("raw", [*forms.URLENCODED, *forms.COMMAND_FORMS])
def test_forms(raw: bytes) -> None:
    assert emulator_result(FORM, raw) == framework_result(FORM, raw)


@pytest.mark.slow
@pytest.mark.parametrize("name", forms.MULTIPART_BODIES)
def test_multipart(name: str) -> None:
    """Multipart forms, complete and cut off."""
    whole = forms.MULTIPART_BODIES[name]
    for end in {len(whole), *range(0, min(len(whole), 400), 7)}:
        assert (end, emulator_result(MULTIPART, whole[:end])) == (end, framework_result(MULTIPART, whole[:end]))


@pytest.mark.parametrize("content_type", forms.BOUNDARIES)
def test_boundaries(content_type: str) -> None:
    """An invalid boundary gives the error of the framework."""
    raw = forms.MULTIPART_BODIES["whole"]
    assert emulator_result(content_type, raw) == framework_result(content_type, raw)


PIECES = st.sampled_from(
    [
        b"--B",
        b"\r\n",
        b"\n",
        b"--",
        b"\r\n\r\n",
        b"Content-Disposition: form-data",
        b'; name="a"',
        b'; filename="f"',
        b"x",
        b"\xff",
        b"--B\r\n",
    ]
)


@pytest.mark.medium
@quick
@given(st.lists(PIECES, max_size=20).map(b"".join))
def test_any_parts_are_parsed_as_by_the_framework(raw: bytes) -> None:
    assert emulator_result(MULTIPART, raw) == framework_result(MULTIPART, raw)


@pytest.mark.medium
@quick
@given(st.binary(max_size=20) | st.text('{}[]":,1a\\ue.-+ ', max_size=12).map(str.encode))
def test_any_bytes_are_parsed_as_json_as_by_the_framework(raw: bytes) -> None:
    assert repr(emulator_result(JSON, raw)) == repr(framework_result(JSON, raw))


@pytest.mark.parametrize("name", bodies.DEEP_JSON)
def test_deep_json_is_refused(name: str) -> None:
    """The framework raises a RecursionError here."""
    assert emulator_result(JSON, bodies.DEEP_JSON[name]) == (400, "JSON parse error - Too deeply nested.")


def test_large_body_is_refused() -> None:
    """The limit applies to all bytes of JSON and forms, and to the fields of multipart forms."""
    huge = b"x" * 2_621_441
    for content_type, raw in (
        (JSON, huge),
        (FORM, huge),
        (MULTIPART, forms.multipart_body(forms.field_part(b"a", huge))),
    ):
        assert emulator_result(content_type, raw) == framework_result(content_type, raw) == "page"
