"""What dj-whisperer imports and needs not here: a task queue, a cache, PostgreSQL's arrays. Put in place of the real
ones before Django is set up, so that the sender's own code runs on SQLite, and the tests say when a task runs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime
from types import ModuleType, SimpleNamespace
from typing import Any

from django.db import models


class Task:
    """Base of the sender's lock."""


def task(*given: Any, **_: Any) -> Any:
    """Leave a task the plain function that it is; with `bind` its first argument is the one who runs it."""
    return given[0] if given and isinstance(given[0], Callable) else lambda function: function


class ArrayField(models.Field):
    """A list of times, kept as JSON."""

    def __init__(self, base_field: models.Field, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.base_field = base_field

    def contribute_to_class(self, cls: Any, name: str, **kwargs: Any) -> None:
        super().contribute_to_class(cls, name, **kwargs)
        self.base_field.model = cls

    def get_internal_type(self) -> str:
        return "TextField"

    def get_prep_value(self, value: Any) -> str:
        return json.dumps([each if isinstance(each, str) else each.isoformat() for each in value])

    def from_db_value(self, value: str, expression: Any, connection: Any) -> Any:
        return [datetime.fromisoformat(each) for each in json.loads(value)]


def module(name: str, **content: Any) -> None:
    sys.modules[name] = ModuleType(name)
    vars(sys.modules[name]).update(content)


def install() -> None:
    module("celery", current_app=SimpleNamespace(task=task, Task=Task))
    module("django_redis", get_redis_connection=None)
    names = ("HStoreField", "IntegerRangeField", "DecimalRangeField", "DateRangeField", "DateTimeRangeField")
    unused = {name: type(name, (models.Field,), {}) for name in names}  # the framework looks for these, too
    module("django.contrib.postgres.fields", ArrayField=ArrayField, JSONField=models.JSONField, **unused)
