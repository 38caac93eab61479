"""Packages: arranged, carried, cancelled."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from emulator.core.world import World
from emulator.web.admin.documents import answered, asked_document, no_document
from emulator.web.admin.here import write


def add_packages(pages: Blueprint, world: Callable[[], World]) -> None:
    @pages.post("/packages")
    def make_package() -> Response:
        return answered(write(world(), "control_make_package", asked_document()), 201)

    @pages.post("/packages/<int:pk>/carrier")
    def report_carrier(pk: int) -> Response:
        return answered(write(world(), "control_report_carrier", asked_document(), pk=pk))

    @pages.post("/packages/<int:pk>/cancel")
    def cancel_package(pk: int) -> Response:
        no_document()
        return answered(write(world(), "control_cancel_package", pk=pk))
