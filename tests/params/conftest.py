"""Ours is compared with the framework's own; the oracle sets Django up before that is imported."""

import tests.oracle.service  # noqa: F401
