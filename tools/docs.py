"""Writes the generated pages of `docs/`: `make docs`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from emulator.core.bases import TableBase
from emulator.core.store import Root
from emulator.rules import installation
from emulator.web.admin.fidelity import ANY, fidelity_of, graph_of

FOLDER = Path(__file__).parent.parent / "docs"
MADE = "<!-- Made by `make docs`; change the data, not this page. -->"
TITLES = {
    "packages": "Packages",
    "transfers": "Transfer orders",
    "package": "Packages",
    "transfer_order": "Transfer orders",
}
TYPES = {"IntegerField": "integer", "CharField": "text", "ListField": "list", "ObjectField": "object"}
MARKS = """Four marks say how sure something is: `documented` (a page of the vendor says so), `observed` (a documented
sample or the vendor's published code shows it), `framework` (what Django REST framework does where the pages are
silent) and `assumed` (our best guess, with its reason)."""

DEFAULT_ONLY = """This is the default installation. `oms-emulator installation` makes others from recorded answers of
an OMS, checks and compares them."""


def states_and_commands() -> Iterator[str]:
    """Give the page of the state machine: states, transitions, commands."""
    yield from ("# States and commands", MADE, MARKS)
    yield DEFAULT_ONLY
    graph = default_graph()
    for part, found in graph.items():
        names = {state["id"]: state["name"] for state in found["states"]}
        yield f"## {TITLES[part]}: states"
        yield table(("id", "name", "enum_value", "provenance", "reason"), found["states"])
        for title, by_command in (("commands", True), ("moves from outside the API", False)):
            rows = [moved(row, names) for row in found["transitions"] if (row["actor"] == "command") is by_command]
            yield f"## {TITLES[part]}: {title}"
            columns = ("id", "label", "command", "from", "to", "slug", "provenance", "reason")
            yield table(columns if by_command else ("actor", *columns), rows)
    yield "## Commands and their parameters"
    yield "Keys of `input_parameters`; a star marks those that must be there. Others are ignored."
    for subject in ("package", "transfer_order"):
        yield f"### {TITLES[subject]}"
        yield table(("command", "parameters", "provenance", "reason"), of_subject(subject))


def fidelity() -> Iterator[str]:
    """Give the page of how true it is."""
    found = fidelity_of()
    yield from ("# How true it is", MADE, MARKS)
    yield "As data: `GET /__admin/fidelity`. States, transitions and commands: [their page](states-and-commands.md)."
    yield "## Operations"
    yield table(("operation", "method", "path", "doc", "provenance", "reason"), found["operations"])
    yield "## Statuses"
    rows = [
        row | {"operation": "every operation" if row["operation"] == ANY else row["operation"]}
        for row in found["statuses"]
    ]
    yield table(("operation", "status", "provenance", "reason"), rows)
    yield "## Shapes"
    yield "Each is a JSON Schema under `emulator/schemas`."
    yield table(("shape", "provenance", "reason"), found["shapes"])
    yield "## Webhooks"
    yield table(("rule", "provenance", "reason"), found["webhooks"])
    yield "## Live demo"
    yield table(("rule", "provenance", "reason"), found["live"])
    if found["filters"]:
        yield "## Filters"
        yield "A list takes each filter under its name and under its aliases."
        rows = [row | {key: ", ".join(row[key]) for key in ("operations", "aliases")} for row in found["filters"]]
        columns = ("operations", "name", "aliases", "type", "lookup", "doc", "provenance", "reason")
        yield table(columns, rows)
    yield "## Parameters of commands"
    parameters = [
        {"of": row["of"].replace("_", " "), "command": row["command"], "parameter": each["name"], **each}
        for row in found["commands"]
        for each in row["parameters"]
    ]
    yield table(("of", "command", "parameter", "provenance", "reason"), parameters)


def default_graph() -> dict[str, Any]:
    """Give the graph of the default installation, in English, without records."""
    base = TableBase(installation.load(installation.DEFAULT))
    return graph_of(Root(base, {}), installation.DEFAULT, "en-us")


def moved(row: Mapping[str, Any], names: Mapping[int, str]) -> dict[str, Any]:
    return {
        **row,
        "from": f"{row['source']} {names[row['source']]}",
        "to": f"{row['destination']} {names[row['destination']]}",
    }


def of_subject(subject: str) -> list[dict[str, Any]]:
    """Give the commands of a kind of record, their parameters in one cell."""
    rows = [row for row in fidelity_of()["commands"] if row["of"] == subject]
    return [row | {"parameters": ", ".join(map(parameter, row["parameters"]))} for row in rows]


def parameter(row: Mapping[str, Any]) -> str:
    return f"`{row['name']}`{'*' if row['required'] else ''} ({TYPES[row['type']]})"


def table(columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Give a Markdown table; a column that is empty in all rows is left out."""
    rows = list(rows)
    shown = [column for column in columns if any(row.get(column) not in {None, ""} for row in rows)]
    lines = [shown, ["---"] * len(shown), *([cell(row.get(column)) for column in shown] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: Any) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("<", "&lt;")


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "states-and-commands.md": states_and_commands,
    "fidelity.md": fidelity,
}


def text_of(page: str) -> str:
    return "\n\n".join(PAGES[page]()) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for page in PAGES:
        (FOLDER / page).write_text(text_of(page), "utf-8")
