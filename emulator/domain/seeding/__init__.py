"""A demonstration's records, drawn from the pools: the same for the same seed, made when they are asked for."""

from emulator.domain.seeding.generator import DemoDataset, make_demo_dataset

__all__ = ["DemoDataset", "make_demo_dataset"]
