"""For every test of the repository: no answer of the emulator in this process escapes the check."""

pytest_plugins = ["tests.support.watch", "pytester"]
