"""`GET /__admin/coverage`: how much of the emulated behaviour callers met so far, in all worlds of the server."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from emulator.core.world import World
from emulator.coverage import build_report, counts_of
from emulator.coverage.formats import as_document
from emulator.web.admin.documents import answered
from emulator.web.record_coverage import register_graph


def add_coverage(pages: Blueprint, world: Callable[[], World]) -> None:
    @pages.get("/coverage")
    def coverage() -> Response:
        present = world()
        register_graph(present)
        return answered(as_document(build_report(counts_of(present.coverage))))
