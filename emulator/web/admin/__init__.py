"""The control API under /__admin."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from emulator.core.refusals import ControlError
from emulator.core.scenario import ScenarioError
from emulator.rules.installation import InvalidInstallation
from emulator.rules.scenarios import as_text
from emulator.version import __version__
from emulator.web.admin.audit import add_audit
from emulator.web.admin.clock import add_clock
from emulator.web.admin.coverage import add_coverage
from emulator.web.admin.docs import add_docs
from emulator.web.admin.documents import answered_problem, answered_refusal
from emulator.web.admin.faults import add_faults
from emulator.web.admin.fidelity import add_fidelity
from emulator.web.admin.graph import add_graph
from emulator.web.admin.guard import refusal
from emulator.web.admin.here import Here, name_request
from emulator.web.admin.hooks import add_hooks
from emulator.web.admin.journal import add_journal
from emulator.web.admin.live import add_live
from emulator.web.admin.metrics import add_metrics
from emulator.web.admin.orders import add_orders
from emulator.web.admin.packages import add_packages
from emulator.web.admin.scenario import add_scenario
from emulator.web.admin.snapshots import add_snapshots
from emulator.web.admin.stock import add_stock
from emulator.web.admin.tokens import add_tokens
from emulator.web.admin.ui import add_ui
from emulator.web.admin.worlds import add_worlds
from emulator.worlds import Worlds

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


NOUNS = (
    add_orders,
    add_packages,
    add_stock,
    add_graph,
    add_fidelity,
    add_tokens,
    add_clock,
    add_live,
    add_journal,
    add_faults,
    add_audit,
    add_hooks,
    add_coverage,
)
WORLD_NOUNS = (add_worlds, add_snapshots, add_scenario, add_metrics)


def control_api(worlds: Worlds, allowed_hosts: Collection[str]) -> Flask:
    """Give the control API of an emulator: its worlds, and who may come."""
    app = Flask("emulator", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    pages = Blueprint("admin", __name__, url_prefix="/__admin")
    here = Here(worlds)

    @pages.before_request
    def guard() -> ResponseReturnValue | None:
        why = refusal(request, allowed_hosts)
        return None if why is None else (jsonify(error=why), 403)

    @pages.get("/health")
    def health() -> Response:
        present = here.world()
        return jsonify(
            status="ok",
            version=__version__,
            world=here.name,
            scenario=present.settings.scenario,
            seed=present.settings.seed,
            now=as_text(present.clock.now()),
        )

    add_docs(pages)
    add_ui(pages)
    for add in NOUNS:
        add(pages, here.world)
    for add_noun in WORLD_NOUNS:
        add_noun(pages, here)
    app.register_blueprint(pages)
    app.after_request(name_request)
    app.register_error_handler(ControlError, answered_refusal)
    for kind in (ScenarioError, InvalidInstallation):
        app.register_error_handler(kind, answered_problem)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> ResponseReturnValue:
        known = sorted({rule.rule for rule in app.url_map.iter_rules()})
        headers = {key: value for key, value in error.get_headers() if key == "Allow"}
        return (
            jsonify(error=f"{request.method} {request.path}: {error.name}", known=known),
            error.code or 500,
            headers,
        )

    return app
