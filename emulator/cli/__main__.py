"""Entry point of `python -m emulator.cli`, which equals `oms-emulator`."""

from emulator.cli import main

main()
