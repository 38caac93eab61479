"""The fields of a webhook subscription, as the sender's own serializers check them (dj-whisperer)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import orjson

from emulator.core.errors import ValidationFailed
from emulator.core.events import EVENT_TYPES
from emulator.core.fields import (
    NON_FIELD,
    NOT_JSON,
    BooleanField,
    CharField,
    Field,
    FieldError,
    JsonField,
    NestedErrors,
    NestedField,
    validate,
)
from emulator.rules.policies import POLICIES, Policy

LONGEST_URL, LONGEST_NAME, LONGEST_CALLBACK = 255, 124, 64


@dataclass(frozen=True)
class OneOf(CharField):
    """One of a few texts."""

    known: Collection[str] = ()

    def check(self, value: Any) -> str | None:
        text = super().check(value)
        if text not in self.known:
            raise FieldError(f'"{text}" is not a valid choice.')
        return text


@dataclass(frozen=True)
class PolicyField(NestedField):
    """A policy of retries with its own numbers; those that it does not know are dropped."""

    def check(self, value: Any) -> dict[str, Any]:
        asked = super().check(value)
        return {"choice": asked["choice"], "kwargs": numbers_of(POLICIES[asked["choice"]], asked["kwargs"])}


def numbers_of(policy: Policy, kwargs: Any) -> dict[str, Any]:
    """Give the numbers of a policy; what is wrong with them is told under `kwargs`."""
    try:
        numbers = validate(policy.fields, kwargs)
        policy.check(numbers)
        orjson.dumps(numbers)
    except ValidationFailed as error:
        raise NestedErrors({"kwargs": error.errors}) from None
    except FieldError as error:
        raise NestedErrors({"kwargs": {NON_FIELD: error.messages}}) from None
    except TypeError:  # more than 64 bits
        raise NestedErrors({"kwargs": {NON_FIELD: [NOT_JSON]}}) from None
    return numbers


RETRY_COUNTDOWN_CONFIG: dict[str, Field] = {"choice": OneOf(known=POLICIES), "kwargs": JsonField()}
HOOK: dict[str, Field] = {
    "retry_countdown_config": PolicyField(fields=RETRY_COUNTDOWN_CONFIG),
    "target_url": CharField(max_length=LONGEST_URL),
    "is_active": BooleanField(required=False),
    "secret_key": CharField(required=False, max_length=LONGEST_NAME, allow_blank=True, allow_null=True),
    "event_type": OneOf(max_length=LONGEST_NAME, known=[event.name for event in EVENT_TYPES]),
    "callback": CharField(required=False, max_length=LONGEST_CALLBACK, allow_blank=True, allow_null=True),
    "additional_headers": JsonField(required=False),
    "config": JsonField(required=False),
}
RETRY: dict[str, Field] = {"force": JsonField(required=False)}
