"""The results of suite mutation: a file that grows with each result, and its report.

`emulator/client/reruns.py` makes the results inside pytest, `emulator/cli/reruns.py` with any other command.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import groupby
from os import PathLike
from pathlib import Path
from typing import Literal, NamedTuple

import orjson

from emulator.core.errors import InvalidDocument
from emulator.core.files import fill_template, read_regular_file
from emulator.core.json_text import JsonObject, escape_unprintable
from emulator.coverage.report import json_lines, percent
from emulator.web.mutation_interceptors import Mutator
from emulator.web.mutations import KINDS, TEXTS, Mutation

RESULTS_VARIABLE = "OMS_MUTATE"
"""Environment variable with the path of the results file, for the pytest plugin."""
FORMATS = ("text", "json", "junit", "html")
Outcome = Literal["killed", "survived", "handled", "no effect", "unstable"]
"""`killed`: a test failed. `handled`: no test failed, because the client adapted. `no effect`: no response changed.
`unstable`: a test failed although no response changed."""
COUNTED: tuple[Outcome, ...] = ("killed", "survived")


class Result(NamedTuple):
    """What happened to a suite with one mutation."""

    mutation: Mutation
    outcome: Outcome
    changes: int
    """Number of responses and deliveries that changed."""
    tests: int = 0
    """Number of tests that meet the behaviour. 0: not known, because another runner sends no names of tests."""
    test: str | None = None
    """In pytest the test that failed. Otherwise, or if none failed, the one that is nearest to the behaviour."""

    def as_document(self) -> JsonObject:
        return {**self._asdict(), "mutation": self.mutation.name}


def build_result(mutator: Mutator, tests: int, test: str | None, *, is_noticed: bool) -> Result:
    """Return the result of a run with a mutation. `is_noticed`: a test failed."""
    changed: Outcome = "killed" if is_noticed else "handled" if mutator.is_handled else "survived"
    unchanged: Outcome = "unstable" if is_noticed else "no effect"
    return Result(mutator.mutation, changed if mutator.changes else unchanged, mutator.changes, tests, test)


class RunInfo(NamedTuple):
    """The seconds of a run, and the tests that it could not use."""

    suite: float = 0.0
    """The run without a mutation."""
    reruns: float = 0.0
    own: float = 0.0
    """The tests that were selected for each mutation take this long without it."""
    total: float = 0.0
    """All, with the start of the interpreter."""
    left_out: Sequence[str] = ()
    """Tests that pass once and fail when they run again."""


class Settings(NamedTuple):
    """What a run does: the first line of its results file."""

    command: Sequence[str]
    only: Sequence[str] = ()

    def selects(self, mutation: Mutation) -> bool:
        """Return whether a pattern matches the name of a mutation, or the start of it: a kind and an operation."""
        return not self.only or any(
            fnmatchcase(mutation.name, each + end) for each in self.only for end in ("", ":*")
        )


def check_patterns(patterns: Sequence[str]) -> None:
    """Raise `InvalidDocument` if a pattern of `--only` matches no kind."""
    for pattern in patterns:
        kind = pattern.partition(":")[0]
        if not any(fnmatchcase(each, kind) for each in KINDS):
            raise InvalidDocument(f"unknown kind of mutation {kind!r}", KINDS, kind)


class ResultsFile:
    """A file with a line of JSON for the settings, each result and the info. A stopped run can continue with it."""

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)

    def start(self, settings: Settings, *, resume: bool) -> None:
        """Write the settings to a new file, or check those of the file to continue.

        Raise `InvalidDocument` if the file has other settings, or if it is not a results file.
        """
        if not (resume and self.path.exists()):
            if self.path.exists() and self.path.read_bytes():
                self.settings()  # another file is not replaced
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_bytes(b"")
            self._append({"settings": settings._asdict()})
            return
        earlier = self.settings()
        if list(earlier.command) != list(settings.command) or list(earlier.only) != list(settings.only):
            raise InvalidDocument(f"{self.path} is of another command: {' '.join(earlier.command)}")
        # Without the info of a complete run, and without a torn line.
        lines = [orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in self._lines() if "run" not in line]
        continued = self.path.with_name(self.path.name + ".part")
        continued.write_bytes(b"".join(lines))
        continued.replace(self.path)

    def _append(self, line: JsonObject) -> None:
        with self.path.open("ab") as file:
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def add(self, result: Result) -> None:
        self._append(result.as_document())

    def finish(self, info: RunInfo) -> None:
        """Record that all results are in the file."""
        self._append({"run": info._asdict()})

    def _lines(self) -> list[JsonObject]:
        """Return the complete lines. The last one is torn if the process was killed while it wrote."""
        try:
            return [orjson.loads(line) for line in self.path.read_bytes().split(b"\n")[:-1]]
        except orjson.JSONDecodeError as error:
            raise InvalidDocument(f"{self.path} is not a results file: {error}") from None

    def settings(self) -> Settings:
        lines = self._lines()
        if not lines or "settings" not in lines[0]:
            raise InvalidDocument(f"{self.path} is not a results file")
        return Settings(**lines[0]["settings"])

    def results(self) -> list[Result]:
        """Return the results so far."""
        lines = [line for line in self._lines() if "mutation" in line]
        return [Result(**{**line, "mutation": Mutation.from_name(line["mutation"])}) for line in lines]

    def run_info(self) -> RunInfo | None:
        """Return the facts of the last run, or None if it was stopped or did not begin."""
        last = (self._lines() or [{}])[-1]
        return RunInfo(**last["run"]) if "run" in last else None


# Report


@dataclass(frozen=True)
class MutationReport:
    """The results of a run, compared with the survivors of an earlier one."""

    results: Sequence[Result]
    known: Collection[str] = ()
    """Names of the mutations that survived in the baseline."""
    info: RunInfo = field(default_factory=RunInfo)

    @property
    def counts(self) -> Counter[Outcome]:
        return Counter(result.outcome for result in self.results)

    @property
    def counted(self) -> list[Result]:
        """The results of the mutations that changed a response, sorted by operation."""
        counted = [result for result in self.results if result.outcome in COUNTED]
        return sorted(counted, key=lambda result: (result.mutation.operation, result.mutation))

    @property
    def survivors(self) -> list[Result]:
        return [result for result in self.counted if result.outcome == "survived"]

    @property
    def findings(self) -> list[Result]:
        """The survivors that the baseline does not have."""
        return [result for result in self.survivors if result.mutation.name not in self.known]

    @property
    def percent(self) -> float:
        """The share of the counted mutations that a test notices, rounded down."""
        return percent(self.counts["killed"], len(self.counted))

    def reaches(self, minimum: float) -> bool:
        """Return whether at least this percentage is noticed. The comparison is exact."""
        return self.counts["killed"] * 100 >= minimum * len(self.counted)


def read_baseline(path: str | PathLike[str]) -> frozenset[str]:
    """Return the names of the survivors in a JSON report. Raise `InvalidDocument` if the file is none."""
    try:
        rows = orjson.loads(read_regular_file(Path(path)))["mutations"]
        return frozenset(row["name"] for row in rows if row["outcome"] == "survived")
    except OSError as error:
        raise InvalidDocument(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidDocument(f"{path} is not a JSON report of `mutate`: {error}") from None


def summary(report: MutationReport) -> str:
    """Return the result in one line, without a full stop."""
    line = f"{len(report.survivors)} of {len(report.counted)} changes were noticed by no test"
    if report.known:
        line += f", {len(report.findings)} of them are new"
    return f"{line}; {report.percent} % were noticed"


def render(report: MutationReport, form: str) -> str:
    """Return the report in one of `FORMATS`."""
    if form == "json":
        return json_lines(as_document(report)).decode()
    if form == "junit":
        return as_junit(report)
    return as_page(report) if form == "html" else as_text(report)


def describe(result: Result) -> dict[str, str]:
    """Return what changed, why it happens, what a user suffers, and the nearest test: heading -> sentence."""
    mutation, about = result.mutation, TEXTS[result.mutation.kind]
    parts = {"change": about.how, "in real life": about.why, "users": about.effect}
    texts = {name: text.format(operation=mutation.operation, detail=mutation.detail) for name, text in parts.items()}
    return texts | ({} if result.test is None else {"nearest test": result.test})


def as_document(report: MutationReport) -> JsonObject:
    return {
        "percent": report.percent,
        "counts": dict(report.counts),
        "run": report.info._asdict(),
        "mutations": [as_row(result, report) for result in report.results],
    }


def as_row(result: Result, report: MutationReport) -> JsonObject:
    row = {"name": result.mutation.name, **result.mutation._asdict(), **result._asdict()}
    del row["mutation"]
    return row | {"is_new": result in report.findings, "description": describe(result)}


def as_text(report: MutationReport) -> str:
    """Return the survivors by operation, and the summary."""
    lines = [*text_lines(report), *run_lines(report), summary(report)]
    return "".join(f"{escape_unprintable(line)}\n" for line in lines)


def text_lines(report: MutationReport) -> Iterator[str]:
    for operation, results in groupby(report.survivors, key=lambda result: result.mutation.operation):
        yield operation
        for result in results:
            yield f"  {result.mutation.name}" + ("" if result in report.findings else "  (in the baseline)")
            yield from (f"    {name + ':':13} {text}" for name, text in describe(result).items())
        yield ""


def run_lines(report: MutationReport) -> Iterator[str]:
    counts, info = report.counts, report.info
    if unstable := counts["unstable"]:
        yield f"{unstable} changes are not counted: a test failed although no response changed; run the suite twice"
    if info.left_out:
        yield f"left out, because they fail when they run again: {', '.join(info.left_out)}"
    if info.own:
        ratio, start = info.reruns / info.own, info.total - info.suite - info.reruns
        yield (
            f"{info.reruns:.1f} s for reruns, {ratio:.1f} times the own time of tests ({info.own:.1f} s); "
            f"{info.suite:.1f} s for the suite, {start:.1f} s for the start"
        )


def as_junit(report: MutationReport) -> str:
    """Return a suite for each operation and a case for each mutation. A new survivor is a failure."""
    return fill_template("client", "mutations.xml", report=report, describe=describe)


def as_page(report: MutationReport) -> str:
    """Return an HTML page with the survivors by operation."""
    return fill_template("client", "mutations.html", report=report, summary=summary(report), describe=describe)
