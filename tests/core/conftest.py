"""Import the oracle first: it configures Django before the tests import the framework."""

import tests.oracle.service  # noqa: F401
