"""Replacements for modules that dj-whisperer imports and the tests do not need.

They replace a task queue, a cache and the arrays of PostgreSQL.

They must be installed before Django is set up. dj-whisperer then runs on SQLite, and the tests call its tasks.
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
    """Base class of dj-whisperer's lock."""


def task(*given: Any, **_: Any) -> Any:
    """Return the function unchanged. A test passes the first argument of a task that uses `bind`."""
    return given[0] if given and isinstance(given[0], Callable) else lambda function: function


class ArrayField(models.Field):
    """List of times, stored as JSON."""

    def __init__(self, base_field: models.Field, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.base_field = base_field

    def contribute_to_class(self, cls: Any, name: str, **kwargs: Any) -> None:
        super().contribute_to_class(cls, name, **kwargs)
        self.base_field.model = cls

    def get_internal_type(self) -> str:
        return "TextField"

    def get_prep_value(self, value: Any) -> str:
        return json.dumps([item if isinstance(item, str) else item.isoformat() for item in value])

    def from_db_value(self, value: str, expression: Any, connection: Any) -> Any:
        return [datetime.fromisoformat(item) for item in json.loads(value)]


def install_module(name: str, **content: Any) -> None:
    sys.modules[name] = ModuleType(name)
    vars(sys.modules[name]).update(content)


def install() -> None:
    install_module("celery", current_app=SimpleNamespace(task=task, Task=Task))
    install_module("django_redis", get_redis_connection=None)
    names = ("HStoreField", "IntegerRangeField", "DecimalRangeField", "DateRangeField", "DateTimeRangeField")
    unused = {name: type(name, (models.Field,), {}) for name in names}  # Django REST framework imports these
    install_module("django.contrib.postgres.fields", ArrayField=ArrayField, JSONField=models.JSONField, **unused)
