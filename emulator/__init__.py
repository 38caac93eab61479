"""An emulator of the Akinon OMS package and transfer-order services."""

from emulator.core.jwts import JWT_SECRET
from emulator.server import Emulator
from emulator.version import __version__

__all__ = ["JWT_SECRET", "Emulator", "__version__"]
