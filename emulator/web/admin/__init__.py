"""The control API under /__admin."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from emulator.core.refusals import ControlError
from emulator.core.world import World
from emulator.version import __version__
from emulator.web.admin.docs import add_docs
from emulator.web.admin.documents import answered_refusal
from emulator.web.admin.fidelity import add_fidelity
from emulator.web.admin.graph import add_graph
from emulator.web.admin.guard import refusal
from emulator.web.admin.orders import add_orders
from emulator.web.admin.packages import add_packages
from emulator.web.admin.stock import add_stock
from emulator.web.admin.tokens import add_tokens
from emulator.web.admin.ui import add_ui

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


NOUNS = (add_orders, add_packages, add_stock, add_graph, add_fidelity, add_tokens, add_ui)


def control_api(world: Callable[[], World], reset: Callable[[], None], allowed_hosts: Collection[str]) -> Flask:
    """Give the control API of an emulator: its present world, how to start that anew, and who may come."""
    app = Flask("emulator", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    pages = Blueprint("admin", __name__, url_prefix="/__admin")

    @pages.before_request
    def guard() -> ResponseReturnValue | None:
        why = refusal(request, allowed_hosts)
        return None if why is None else (jsonify(error=why), 403)

    @pages.get("/health")
    def health() -> Response:
        present = world()
        return jsonify(
            status="ok",
            version=__version__,
            world=present.name,
            scenario=present.settings.scenario,
            seed=present.settings.seed,
            now=present.clock.now().isoformat().replace("+00:00", "Z"),
        )

    @pages.post("/reset")
    def start_anew() -> ResponseReturnValue:
        reset()
        answer = Response(status=204)
        del answer.headers["Content-Type"]  # Flask names one for every answer, also for one without content
        return answer

    add_docs(pages)
    for add in NOUNS:
        add(pages, world)
    app.register_blueprint(pages)
    app.register_error_handler(ControlError, answered_refusal)

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
