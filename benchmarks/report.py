"""Results as a text table and as a JSON document."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.rounds import PRINTED, Result

HEADINGS = ("bar", "ours", "theirs", "unit", "ratio", "rounds", "bound", "met")


def table(results: Sequence[Result]) -> str:
    """Return one line per bar, and below them the two sides of each bar with details, and failed measurements."""
    rows = [HEADINGS, *(cells(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([*lines, "", *(describe_sides(result) for result in results)])


def cells(result: Result) -> tuple[str, ...]:
    bar = result.bar
    if result.problem:
        return (bar.name, "", "", bar.unit, "", "", str(bar.bound), "not measured")
    low, high = result.spread
    return (
        bar.name,
        figure(result.ours),
        figure(result.theirs),
        bar.unit,
        f"{result.ratio:.2f}",
        f"{low:.2f}-{high:.2f} of {len(result.rounds)}",
        str(bar.bound),
        "-" if bar.bound is PRINTED else "yes" if result.is_met else "NO",
    )


def line(result: Result) -> str:
    """Return one result as a line, which is printed as soon as the bar is measured."""
    template = "ours {1}, theirs {2} {3}, ratio {4} ({5}), {6}: {7}"
    return result.problem or template.format(*cells(result))


def figure(value: float) -> str:
    """Return a number with three digits, or all digits of a large number."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def describe_sides(result: Result) -> str:
    bar = result.bar
    if result.problem:
        return f"{bar.name}: {result.problem}"
    details = [f"  {name}: {figure(ours)} / {figure(theirs)}" for name, (ours, theirs) in result.details.items()]
    return "\n".join([f"{bar.name}: {bar.ours} / {bar.theirs}", *details])


def machine() -> dict[str, object]:
    """Describe the machine. Figures of different machines are not comparable."""
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def cpu_ticks() -> tuple[int, int]:
    """Return the stolen and the total CPU ticks since boot; Linux only."""
    try:
        first = Path("/proc/stat").read_text().splitlines()[0]
    except OSError:
        return 0, 0
    counts = [int(count) for count in first.split()[1:9]]
    return counts[7], sum(counts)


def stolen_percent(before: tuple[int, int]) -> float:
    """Return the stolen CPU time since `before`, in percent. A high value explains a wide spread."""
    after = cpu_ticks()
    return 100 * (after[0] - before[0]) / max(after[1] - before[1], 1)


def document(results: Sequence[Result], stolen_percent: float) -> dict[str, object]:
    """Return all figures, with every round."""
    return {
        "machine": machine() | {"stolen_percent": stolen_percent},
        "bars": {result.bar.name: entry(result) for result in results},
    }


def entry(result: Result) -> dict[str, object]:
    bar = result.bar
    row: dict[str, object] = {"ours_is": bar.ours, "theirs_is": bar.theirs, "unit": bar.unit}
    row |= {"bound": str(bar.bound)}
    if result.problem:
        return row | {"problem": result.problem}
    low, high = result.spread
    return row | {
        "ours": result.ours,
        "theirs": result.theirs,
        "ratio": result.ratio,
        "least": low,
        "greatest": high,
        "met": result.is_met,
        "details": result.details,
        "rounds": [asdict(round_) for round_ in result.rounds],
    }
