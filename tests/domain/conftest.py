"""Assertions of the helpers tell what differed, as those of the tests do."""

import pytest

pytest.register_assert_rewrite("tests.domain.doing")
