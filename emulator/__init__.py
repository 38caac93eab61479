"""An emulator of the Akinon OMS package and transfer-order services."""

from emulator.server import Emulator
from emulator.version import __version__

__all__ = ["Emulator", "__version__"]
