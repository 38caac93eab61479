"""A coverage report as one HTML page without scripts and without references to other files."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from string import Template
from typing import Any

from emulator.core.printing import as_html
from emulator.coverage.graphs import Graph, command_transitions
from emulator.coverage.results import Dimension, Results

COVERED, REFUSED, MISSING = "covered", "refused", "missing"
GRAPH_DIMENSIONS = ("transitions", "refusals")
"""The dimensions that the tables of transitions show."""
TABLE = "<table><thead><tr>{}</tr></thead>{}</table>"
NUMBER = '<td class="number">{}</td>'


def as_page(results: Results) -> str:
    """Return the HTML page."""
    template = Template((files("emulator") / "coverage" / "page.html").read_text("utf-8"))
    names = [dimension for dimension in results.dimensions if dimension.name not in GRAPH_DIMENSIONS]
    return template.substitute(
        percent=results.percent,
        covered=results.covered,
        total=results.total,
        links="".join(f'<a href="#{each.name}">{as_html(each.title)}</a>' for each in results.dimensions),
        summary="\n".join(map(summary_row, results.dimensions)),
        transitions="\n".join(transition_section(results)),
        names="\n".join(map(name_section, names)),
    )


def summary_row(dimension: Dimension) -> str:
    return (
        f'<tr><th scope="row">{as_html(dimension.title)}</th>{NUMBER.format(dimension.covered)}'
        f"{NUMBER.format(dimension.total)}{NUMBER.format(f'{dimension.percent} %')}"
        f'<td><meter max="{dimension.total}" value="{dimension.covered}" '
        f'aria-label="{as_html(dimension.title)}">{dimension.percent} %</meter></td></tr>'
    )


def heading(dimension: Dimension) -> str:
    return f'<h2 id="{dimension.name}">{as_html(dimension.title)}: {dimension.covered} of {dimension.total}</h2>'


def transition_section(results: Results) -> Iterator[str]:
    """Yield a table of transitions for each state graph. Installations with equal graphs share a table."""
    dimensions = [each for each in results.dimensions if each.name in GRAPH_DIMENSIONS]
    required = {row.name for dimension in dimensions for row in dimension.rows}
    yield from (heading(dimension) + extra_names(dimension) for dimension in dimensions)
    shown: list[Any] = []
    for graph in results.graphs:
        for part in ("packages", "transfers"):
            rows = [each for each in command_transitions(graph, part) if each["name"] in required]
            if rows and graph[part] not in shown:
                shown.append(graph[part])
                yield f"<h3>{part.capitalize()}, installation {as_html(graph['installation'])}</h3>"
                yield transition_table(graph, part, rows, results)


def transition_table(graph: Graph, part: str, transitions: list[dict[str, Any]], results: Results) -> str:
    """Return a table with a group of rows for each source state."""
    names = {state["id"]: state["name"] for state in graph[part]["states"]}
    head = '<th scope="col">status</th><th scope="col">transition</th><th scope="col">to</th>'
    head += '<th scope="col" class="number">taken</th><th scope="col" class="number">refused</th>'
    groups = ""
    for source in dict.fromkeys(each["source"] for each in transitions):
        groups += f'<tbody><tr><th scope="rowgroup" colspan="5">from {state_name(names, source)}</th></tr>'
        for each in transitions:
            if each["source"] == source:
                groups += transition_row(each, state_name(names, each["destination"]), results)
        groups += "</tbody>"
    return TABLE.format(head, groups)


def state_name(names: dict[int, str], state: int) -> str:
    return as_html(str(names.get(state, state)))


def transition_row(transition: dict[str, Any], destination: str, results: Results) -> str:
    name = transition["name"]
    taken, refused = (results.counts.hits[dimension].get(name, 0) for dimension in GRAPH_DIMENSIONS)
    title = f"{transition['id']} {transition['label'] or transition['command']}"
    if taken:
        status = status_cell(COVERED, "✓ taken")
    else:
        status = status_cell(REFUSED, "✗ only refused") if refused else status_cell(MISSING, "– not reached")
    what = f"<td>{as_html(title)}<br><code>{as_html(name)}</code></td>"
    return f"<tr>{status}{what}<td>{destination}</td>{NUMBER.format(taken)}{NUMBER.format(refused)}</tr>"


def status_cell(kind: str, text: str) -> str:
    return f'<td class="status {kind}">{text}</td>'


def name_section(dimension: Dimension) -> str:
    """Return a table of the dimension's names, those that are not covered first."""
    rows = ""
    for row in sorted(dimension.rows, key=lambda row: row.hits > 0):
        status = status_cell(COVERED, "✓ covered") if row.hits else status_cell(MISSING, "– not covered")
        rows += f"<tr>{status}<td><code>{as_html(row.name)}</code></td>{NUMBER.format(row.hits)}</tr>"
    head = '<th scope="col">status</th><th scope="col">name</th><th scope="col" class="number">hits</th>'
    return heading(dimension) + TABLE.format(head, f"<tbody>{rows}</tbody>") + extra_names(dimension)


def extra_names(dimension: Dimension) -> str:
    if not dimension.extra:
        return ""
    names = ", ".join(f"{row.name} ({row.hits})" for row in dimension.extra)
    return f"<p>Also counted, but not required: {as_html(names)}.</p>"
