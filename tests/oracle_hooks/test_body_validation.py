"""`is_accepted` accepts the request bodies that the serializers of the framework and of dj-whisperer accept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from django.http import QueryDict

from tests.oracle import service  # configures Django, once per process

# isort: split
from rest_framework.authtoken.serializers import AuthTokenSerializer
from rest_framework.serializers import BaseSerializer
from whisperer.resources.serializers import WebhookSerializer

from emulator.core.fields import Form
from tools.body_validation import VALID, Mutant, mutants

SERIALIZERS: Mapping[str, type[BaseSerializer]] = {
    "command": service.CommandSerializer,
    "reference-command": service.ReferenceCommandSerializer,
    "new-denial-reason": service.DenialReasonSerializer,
    "set-invoice-number": service.InvoiceNumberSerializer,
    "set-remote-id": service.RemoteIdSerializer,
    "extra-information": service.ExtraInformationSerializer,
    "login": AuthTokenSerializer,
    "hook": WebhookSerializer,
    "hook-change": WebhookSerializer,
}
WITHOUT_SERIALIZER = {"hook-retry"}
"""The view reads the key of the body itself."""
INVALID_CREDENTIALS = "Unable to log in with provided credentials."


def query_dict(form: Form) -> QueryDict:
    """Return the form as Django's parser does."""
    data = QueryDict(mutable=True)
    for name in form:
        data.setlist(name, form.getlist(name))
    return data


def is_accepted_by_framework(mutant: Mutant) -> bool:
    data: Any = query_dict(mutant.body) if isinstance(mutant.body, Form) else mutant.body
    serializer = SERIALIZERS[mutant.schema](data=data, partial=mutant.schema == "hook-change")
    try:
        is_valid = serializer.is_valid()
    except KeyError:  # dj-whisperer fails with a 500 for some policies, which the emulator refuses
        return False
    if not is_valid:
        return INVALID_CREDENTIALS in str(serializer.errors)
    # The serializer of a command has no rule for this; the emulator refuses it in the documented form.
    return mutant.schema != "command" or bool(serializer.validated_data.keys() & {"transition", "slug"})


def test_every_body_has_a_serializer() -> None:
    assert SERIALIZERS.keys() | WITHOUT_SERIALIZER == VALID.keys()


@pytest.mark.parametrize("schema", SERIALIZERS)
def test_the_framework_has_the_verdicts_of_the_tables(schema: str) -> None:
    compared = [each for each in mutants() if each.schema == schema]
    assert len(compared) > 15
    wrong = [(each.field, each.change) for each in compared if is_accepted_by_framework(each) is each.by_framework]
    assert wrong == []
