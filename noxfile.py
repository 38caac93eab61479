"""Run the tests that need no other process on every supported Python of this machine (`make pythons`)."""

from __future__ import annotations

import nox

IN_PROCESS = "not slow and not browser and not oracle and not gate"

nox.options.error_on_missing_interpreters = False


@nox.session(python=["3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    """Run the tests. The default environment of `make` covers the oldest version."""
    session.install(".[dev,docs,pytest]")
    session.run("python", "-m", "pytest", "-n", "auto", "-m", IN_PROCESS, *session.posargs)
