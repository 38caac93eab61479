"""Plugins for all tests of the repository: every answer of the emulator in this process is checked."""

pytest_plugins = ["tests.support.response_checks", "pytester"]
