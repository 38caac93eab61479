"""What a client did that works here and hurts the real service."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from emulator.core.world import World
from emulator.rules.auditing import audit, misdeed_document
from emulator.web.admin.documents import answered


def add_audit(pages: Blueprint, world: Callable[[], World]) -> None:
    @pages.get("/audit")
    def audited() -> Response:
        kept = reversed(list(world().journal.newest_first()))
        found = [misdeed_document(misdeed) for misdeed in audit(kept)]
        return answered({"count": len(found), "results": found})
