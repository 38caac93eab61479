"""Packages: arranged, carried, cancelled."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from emulator.core.world import World
from emulator.handlers import control
from emulator.web.admin.documents import answered, asked_document, no_document


def add_packages(pages: Blueprint, world: Callable[[], World]) -> None:
    @pages.post("/packages")
    def make_package() -> Response:
        return answered(control.make_package(world(), asked_document()), 201)

    @pages.post("/packages/<int:pk>/carrier")
    def report_carrier(pk: int) -> Response:
        return answered(control.report_carrier(world(), pk, asked_document()))

    @pages.post("/packages/<int:pk>/cancel")
    def cancel_package(pk: int) -> Response:
        no_document()
        return answered(control.cancel_package(world(), pk))
