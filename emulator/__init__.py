"""An emulator of the Akinon OMS package and transfer-order services."""
