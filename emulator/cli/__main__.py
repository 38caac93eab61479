"""`python -m emulator.cli`: the same as `oms-emulator`."""

from emulator.cli import main

main()
