"""The older name of the pytest plugin `pytest_oms_emulator`, for `-p emulator.pytest_plugin`."""

pytest_plugins = ["pytest_oms_emulator"]
