"""Rewrite the assertions of the helper modules, so that failures show the differences."""

import pytest

pytest.register_assert_rewrite("tests.domain.command_run")
