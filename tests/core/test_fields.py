"""Fields return the values and the messages of the framework's serializers."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework import serializers

from emulator.core.errors import ValidationFailed
from emulator.core.fields import CharField, DictField, Field, Form, Upload, validate
from emulator.core.fields import IntegerField as Integer

FIELDS: dict[str, tuple[Field, type[serializers.Field], dict[str, Any]]] = {
    "text": (CharField(required=False), serializers.CharField, {"required": False}),
    "short": (CharField(max_length=5), serializers.CharField, {"max_length": 5}),
    "raw": (CharField(trim_whitespace=False), serializers.CharField, {"trim_whitespace": False}),
    "number": (Integer(required=False), serializers.IntegerField, {"required": False}),
    "needed": (Integer(), serializers.IntegerField, {}),
    "object": (DictField(), serializers.DictField, {}),
    "maybe": (DictField(required=False), serializers.DictField, {"required": False}),
}
OURS = {name: ours for name, (ours, _, _) in FIELDS.items()}

BLANK, NUMBERS = ["", " ", "\u00a0"], ["1", "1.0", "1.", " 7 ", "1_0", "+1", "\u0663", "1" * 1001]
TELLING = [*BLANK, *NUMBERS, "x\x00", "\ud800", "x" * 1001]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(TELLING),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
BODIES = st.dictionaries(st.sampled_from(sorted(FIELDS)), VALUES)
PAIRS = st.lists(
    st.tuples(
        st.sampled_from([*sorted(FIELDS), "object.a", "object.", "object.\n", "object.a.b", "maybe.x", "x"]),
        st.text(max_size=4) | st.sampled_from(["", " ", "1", "1.0", "x\x00", "toolong"]),
    ),
    max_size=6,
)
quick = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def theirs(data: Any) -> Any:
    """Return the framework's validated values or errors."""
    fields = {name: kind(**options) for name, (_, kind, options) in FIELDS.items()}
    serializer = type("Table", (serializers.Serializer,), fields)(data=data)
    return (
        dict(serializer.validated_data)
        if serializer.is_valid()
        else ["errors", json.loads(json.dumps(serializer.errors))]
    )


def ours(data: Any) -> Any:
    try:
        return validate(OURS, data)
    except ValidationFailed as error:
        return ["errors", error.body]


@pytest.mark.slow
@quick
@given(BODIES)
def test_json_bodies_are_checked_as_the_framework_does(body: dict[str, Any]) -> None:
    """Values, messages and their order are equal."""
    assert repr(ours(body)) == repr(theirs(body))


@pytest.mark.medium
@quick
@given(PAIRS)
def test_form_bodies_are_checked_as_the_framework_does(pairs: list[tuple[str, str]]) -> None:
    """The last value is used, a blank optional value counts as missing, and objects are sent as `object.key`."""
    query = QueryDict(mutable=True)
    for name, value in pairs:
        query.appendlist(name, value)
    assert ours(Form(pairs)) == theirs(query)


@pytest.mark.parametrize("body", [None, [], [1], "", "x", 1, 1.5, True, math.inf], ids=repr)
def test_a_body_that_is_not_an_object_is_refused_with_the_frameworks_message(body: Any) -> None:
    assert ours(body) == theirs(body)


def test_a_deep_value_is_refused_without_a_crash() -> None:
    """`str` of such a value raises an error."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for name in ("text", "number", "object"):
        with pytest.raises(ValidationFailed) as refusal:
            validate({name: OURS[name]}, {name: deep})
        assert refusal.value.body[name]
    while deep:
        deep = deep[0]


def test_a_file_in_a_form_is_refused_by_a_text_field() -> None:
    with pytest.raises(ValidationFailed) as refusal:
        validate({"short": OURS["short"]}, Form([("short", Upload("a.txt"))]))
    assert refusal.value.body == {"short": ["Not a valid string."]}
