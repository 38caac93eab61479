"""The state of a world: records, clock, steps, snapshots, journal and counters."""
