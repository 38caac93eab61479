"""A receiver of the OMS's webhooks in Flask: `SECRET_KEY=… python receiver.py [PORT]`."""

from __future__ import annotations

import hashlib
import hmac
import os
import sys

from flask import Flask, Response, abort, request

MAX_BODY = 1024 * 1024


def create_app(secret_key: str) -> Flask:
    """Give the application; only what is signed with the hook's secret is taken."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    seen: dict[str, None] = {}

    @app.post("/hook")
    def receive() -> Response:
        body = request.get_data()  # the signature is of these bytes, not of what a parser makes of them
        if not is_signed(body, request.headers.get("X-Whisperer-Signature", ""), secret_key):
            abort(401)
        event = request.get_json()["event"]
        if event["uuid"] not in seen:  # an event may come twice: when the answer to the first got lost
            seen[event["uuid"]] = None
            print(event["type"], event["uuid"], flush=True)
        return Response("taken", 200)

    return app


def is_signed(body: bytes, signature: str, secret_key: str) -> bool:
    """Tell whether a body was signed with the secret; the comparison takes as long for any signature."""
    expected = "sha256=" + hmac.new(secret_key.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode())


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
    create_app(os.environ["SECRET_KEY"]).run("127.0.0.1", port)
