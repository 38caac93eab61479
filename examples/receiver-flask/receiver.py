"""A webhook receiver in Flask. Run it with `SECRET_KEY=… python receiver.py [PORT]`."""

from __future__ import annotations

import hashlib
import hmac
import os
import sys

from flask import Flask, Response, abort, request

MAX_BODY = 1024 * 1024


def create_app(secret_key: str) -> Flask:
    """Return the application. It accepts only events that are signed with the secret of the hook."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    seen: dict[str, None] = {}

    @app.post("/hook")
    def receive() -> Response:
        body = request.get_data()  # verify the signature of the raw bytes, before parsing
        if not is_signed(body, request.headers.get("X-Whisperer-Signature", ""), secret_key):
            abort(401)
        event = request.get_json()["event"]
        if event["uuid"] not in seen:  # the sender repeats an event if the response was lost
            seen[event["uuid"]] = None
            print(event["type"], event["uuid"], flush=True)
        return Response("accepted", 200)

    return app


def is_signed(body: bytes, signature: str, secret_key: str) -> bool:
    """Return whether the signature of the body is valid. The comparison takes constant time."""
    expected = "sha256=" + hmac.new(secret_key.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode())


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
    create_app(os.environ["SECRET_KEY"]).run("127.0.0.1", port)
