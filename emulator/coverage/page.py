"""A report as one page that needs nothing else: the state graphs, and a table for each dimension."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from string import Template
from typing import Any

from emulator.core.printing import as_html
from emulator.coverage.drawing import OUTSIDE, REFUSED, SIGNS, TAKEN, UNMET, Met, drawn
from emulator.coverage.report import Dimension, Report, Row

LEGEND = {
    TAKEN: "taken (solid)",
    REFUSED: "refused, never taken (dashed)",
    UNMET: "not met (dotted)",
    OUTSIDE: "by carrier or planner, not by the API (thin)",
}
MARKER = (
    '<marker id="to-{0}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" '
    'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8z"/></marker>'
)
SAMPLE = '<svg width="46" height="12"><g class="move {0}"><path d="M2 6H42" marker-end="url(#to-{0})"/></g></svg>{1}'
GRAPHED = ("transitions", "refusals")
"""The dimensions that the graphs show."""


def as_page(report: Report) -> str:
    """Give the page, as text."""
    template = Template((files("emulator") / "coverage" / "page.html").read_text("utf-8"))
    return template.substitute(
        percent=report.percent,
        met=report.met,
        total=report.total,
        markers="".join(map(MARKER.format, LEGEND)),
        links="".join(f'<a href="#{each.name}">{as_html(each.title)}</a>' for each in report.dimensions),
        summary="\n".join(map(summary_row, report.dimensions)),
        graphs="\n".join(pictures(report)),
        tables="\n".join(section for each in report.dimensions for section in table(each, details(report))),
    )


def summary_row(dimension: Dimension) -> str:
    return (
        f'<tr><td>{as_html(dimension.title)}</td><td class="number">{dimension.met}</td>'
        f'<td class="number">{dimension.total}</td><td class="number">{dimension.percent} %</td>'
        f'<td><meter max="{dimension.total}" value="{dimension.met}">{dimension.percent} %</meter></td></tr>'
    )


def pictures(report: Report) -> Iterator[str]:
    """Give the graphs with their legend, if the report tells of transitions."""
    shown = {each.name: {row.name for row in each.rows} for each in report.dimensions if each.name in GRAPHED}
    if not shown:
        return
    met = Met(report.counts.met["transitions"], report.counts.met["refusals"])
    yield '<h2 id="graphs">State graphs</h2><ul class="legend">'
    yield "".join(f"<li>{SAMPLE.format(kind, text)}</li>" for kind, text in LEGEND.items())
    yield "</ul><p>In a state: ✓ ✗ – say it of transitions that stay there. Point at a line to see which it is.</p>"
    drawn_before: list[Any] = []
    for graph in report.graphs:
        for part in ("packages", "transfers"):
            if graph[part] in drawn_before:
                continue
            drawn_before.append(graph[part])
            title = f"{part.capitalize()}, installation {graph['installation']}"
            if any(each["name"] in names for names in shown.values() for each in graph[part]["transitions"]):
                yield f'<h3>{as_html(title)}</h3><div class="wide">{drawn(graph[part], met, title)}</div>'


def details(report: Report) -> dict[str, str]:
    """Give what is known of each transition besides its name: label, source and destination."""
    found: dict[str, str] = {}
    for graph in report.graphs:
        for part in ("packages", "transfers"):
            names = {state["id"]: state["name"] for state in graph[part]["states"]}
            for move in graph[part]["transitions"]:
                ends = [str(names.get(move[key], move[key])) for key in ("source", "destination")]
                found[move["name"]] = f"{move['id']} {move['label']}: {' → '.join(ends)}"
    return found


def table(dimension: Dimension, known: dict[str, str]) -> Iterator[str]:
    """Give the table of a dimension, what was not met first."""
    rows = sorted(dimension.rows, key=lambda row: row.times > 0)
    more = dimension.name in GRAPHED
    yield f'<h2 id="{dimension.name}">{as_html(dimension.title)}: {dimension.met} of {dimension.total}</h2>'
    yield "<table><thead><tr><th></th><th>name</th>" + ("<th>transition</th>" if more else "")
    yield '<th class="number">times</th></tr></thead><tbody>'
    for row in rows:
        yield table_row(row, known.get(row.name, "") if more else None)
    yield "</tbody></table>"
    if dimension.beside:
        beside = ", ".join(f"{row.name} ({row.times})" for row in dimension.beside)
        yield f"<p>Met besides, and not asked for: {as_html(beside)}.</p>"


def table_row(row: Row, more: str | None) -> str:
    kind, word = (TAKEN, "met") if row.times else (UNMET, "not met")
    cell: Any = "" if more is None else f"<td>{as_html(more)}</td>"
    return (
        f'<tr class="{kind if kind == UNMET else ""}"><td class="sign {kind}">{SIGNS[kind]} {word}</td>'
        f'<td>{as_html(row.name)}</td>{cell}<td class="number">{row.times}</td></tr>'
    )
