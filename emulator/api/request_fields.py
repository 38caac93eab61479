"""Fields of request bodies, as Django REST framework's serializers declare them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import orjson

from emulator.core.errors import ValidationFailed
from emulator.core.event_types import EVENT_TYPES
from emulator.core.fields import (
    NON_FIELD,
    NOT_JSON,
    BooleanField,
    CharField,
    DictField,
    Field,
    FieldError,
    IntegerField,
    JsonField,
    NestedErrors,
    NestedField,
    validate,
)
from emulator.core.json_text import JsonObject, JsonValue
from emulator.domain.webhook_retries import POLICIES, RetryPolicy

MAX_TEXT_LENGTH = 255
"""Maximum length of a number from another system (assumed: the usual length of such a column)."""
MAX_REMOTE_ID_LENGTH = 100
MAX_PRIORITY = 2**31 - 1
"""Largest integer of the column (assumed: PostgreSQL's `integer`)."""
MAX_URL_LENGTH, MAX_NAME_LENGTH, MAX_CALLBACK_LENGTH = 255, 124, 64


@dataclass(frozen=True)
class TextChoiceField(CharField):
    """One of a few texts."""

    choices: Collection[str] = ()

    def convert(self, value: JsonValue) -> str:
        text = super().convert(value)
        if text not in self.choices:
            raise FieldError(f'"{text}" is not a valid choice.')
        return text


@dataclass(frozen=True)
class UniqueTextField(CharField):
    """A text that no other record has."""

    taken: Collection[str] = ()
    message: str = "This field must be unique."

    def convert(self, value: JsonValue) -> str:
        text = super().convert(value)
        if text in self.taken:
            raise FieldError(self.message)
        return text


@dataclass(frozen=True)
class RetryPolicyField(NestedField):
    """A retry policy with its own parameters; unknown parameters are dropped."""

    def convert(self, value: JsonValue) -> JsonObject:
        config = super().convert(value)
        return {"choice": config["choice"], "kwargs": check_policy(POLICIES[config["choice"]], config["kwargs"])}


def check_policy(policy: RetryPolicy, kwargs: JsonValue) -> JsonObject:
    """Return the valid parameters of a policy; raise `NestedErrors` with the errors under `kwargs`."""
    try:
        parameters = validate(policy.fields, kwargs)
        policy.check(parameters)
        orjson.dumps(parameters)
    except ValidationFailed as error:
        raise NestedErrors({"kwargs": error.errors}) from None
    except FieldError as error:
        raise NestedErrors({"kwargs": {NON_FIELD: error.messages}}) from None
    except TypeError:  # an integer of more than 64 bits
        raise NestedErrors({"kwargs": {NON_FIELD: [NOT_JSON]}}) from None
    return parameters


COMMAND_FIELDS: dict[str, Field] = {
    "transition": IntegerField(required=False),
    "slug": CharField(required=False),
    "input_parameters": DictField(),
}
OPTIONAL_PARAMETERS_FIELDS = COMMAND_FIELDS | {"input_parameters": DictField(required=False)}
"""The body of a command whose `input_parameters` default to an empty object, as the reference prints it."""
INVOICE_NUMBER_FIELDS: dict[str, Field] = {"invoice_number": CharField(max_length=MAX_TEXT_LENGTH)}
REMOTE_ID_FIELDS: dict[str, Field] = {"remote_id": CharField(max_length=MAX_TEXT_LENGTH)}
EXTRA_INFORMATION_FIELDS: dict[str, Field] = {"extra_information": DictField()}
LOGIN_FIELDS: dict[str, Field] = {"username": CharField(), "password": CharField(trim_whitespace=False)}
HOOK_FIELDS: dict[str, Field] = {
    "retry_countdown_config": RetryPolicyField(
        fields={"choice": TextChoiceField(choices=POLICIES), "kwargs": JsonField()}
    ),
    "target_url": CharField(max_length=MAX_URL_LENGTH),
    "is_active": BooleanField(required=False),
    "secret_key": CharField(required=False, max_length=MAX_NAME_LENGTH, allow_blank=True, allow_null=True),
    "event_type": TextChoiceField(max_length=MAX_NAME_LENGTH, choices=[event.name for event in EVENT_TYPES]),
    "callback": CharField(required=False, max_length=MAX_CALLBACK_LENGTH, allow_blank=True, allow_null=True),
    "additional_headers": JsonField(required=False),
    "config": JsonField(required=False),
}
TITLE_FIELD = UniqueTextField(
    max_length=MAX_TEXT_LENGTH, message="package denial reason with this title already exists."
)
DENIAL_REASON_FIELDS: dict[str, Field] = {
    "title": TITLE_FIELD,
    "remote_id": CharField(required=False, max_length=MAX_REMOTE_ID_LENGTH, allow_blank=True, allow_null=True),
    "priority": IntegerField(required=False, min_value=0, max_value=MAX_PRIORITY, allow_null=True, default=None),
    "is_active": BooleanField(required=False),
}
RETRY_FIELDS: dict[str, Field] = {"force": JsonField(required=False)}

REQUEST_FIELDS: dict[str, dict[str, Field]] = {
    "command": COMMAND_FIELDS,
    "reference-command": OPTIONAL_PARAMETERS_FIELDS,
    "set-invoice-number": INVOICE_NUMBER_FIELDS,
    "set-remote-id": REMOTE_ID_FIELDS,
    "extra-information": EXTRA_INFORMATION_FIELDS,
    "login": LOGIN_FIELDS,
    "hook": HOOK_FIELDS,
    "hook-change": HOOK_FIELDS,
    "hook-retry": RETRY_FIELDS,
    "new-denial-reason": DENIAL_REASON_FIELDS,
}
"""Request body (as in `schemas/requests/`) -> its fields."""


def is_accepted(schema_name: str, body: JsonValue) -> bool:
    """Return whether the framework accepts a request body: its fields, and that a command names a transition."""
    # The view of a retry reads its key without a serializer.
    fields = {} if schema_name == "hook-retry" else REQUEST_FIELDS[schema_name]
    try:
        values = validate(fields, body, partial=schema_name == "hook-change")
    except ValidationFailed:
        return False
    return not schema_name.endswith("command") or bool(values.keys() & {"transition", "slug"})
