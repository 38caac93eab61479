"""Soak test: run a day of the live demo with a reading client, and measure the memory (`make soak-live`).

A frozen clock is advanced hour by hour, so a day takes one or two minutes. Two emulators run the same day and must
return the same bytes. The memory after the last hour may be at most 10 % above the memory after hour 4.
"""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path

from emulator import Emulator

PATHS = ("/api/v1/oms/packages/?limit=100", "/api/v1/oms/transfer_orders/", "/__admin/graph")
FIRST, MOST_GROWTH = 4, 1.10


def megabytes() -> float:
    """Return the resident memory of the process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096 / 1e6


def run_hours(hours: int, rate: float) -> tuple[Emulator, dict[int, float]]:
    """Run this number of hours. Return the emulator, and the memory after each hour."""
    oms = Emulator("live-demo", live=rate, journal_size=3)  # a larger journal would grow until its limit
    session, memory = oms.session(), {}
    for hour in range(1, hours + 1):
        oms.clock.advance(hours=1)
        for path in PATHS:
            session.get(path).raise_for_status()
        memory[hour] = megabytes()
        packages = session.get(PATHS[0]).json()["count"]
        sys.stdout.write(
            f"hour {hour:2}: {len(oms.world.steps):6} steps, {packages} packages, {memory[hour]:.1f} MB\n"
        )
    return oms, memory


def main() -> int:
    """Run the day twice. Return 0 if the memory is flat and the results are equal."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--hours", type=int, default=24)
    arguments.add_argument("--rate", type=float, default=120)
    options = arguments.parse_args()
    one, memory = run_hours(options.hours, options.rate)
    growth = memory[options.hours] / memory[FIRST]
    other, _ = run_hours(options.hours, options.rate)
    is_same = one.export() == other.export() and all(
        one.session().get(path).content == other.session().get(path).content for path in PATHS
    )
    sys.stdout.write(f"hour {FIRST} to {options.hours}: {growth - 1:+.1%} memory; equal results: {is_same}\n")
    return 0 if growth <= MOST_GROWTH and is_same else 1


if __name__ == "__main__":
    sys.exit(main())
