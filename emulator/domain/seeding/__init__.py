"""A demonstration's records, drawn from the pools: the same for the same seed, made when they are asked for."""

from emulator.domain.seeding.generator import DemoBase, demo_base

__all__ = ["DemoBase", "demo_base"]
