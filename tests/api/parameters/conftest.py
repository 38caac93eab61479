"""Configure Django before the tests import the framework."""

import tests.oracle.service  # noqa: F401
