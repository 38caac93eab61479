"""A webhook receiver in Flask. Run it with `SECRET_KEY=… python receiver.py [PORT]`."""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
from datetime import datetime
from typing import Any

from flask import Flask, Response, abort, request

MAX_BODY = 1024 * 1024


def create_app(secret_key: str, packages: dict[int, dict[str, Any]] | None = None) -> Flask:
    """Return the application. It accepts only events that are signed with the secret of the hook.

    It stores the newest document of each package in `packages`, by its id.
    """
    packages = {} if packages is None else packages
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    seen: dict[str, None] = {}

    @app.post("/hook")
    def receive() -> Response:
        body = request.get_data()  # verify the signature of the raw bytes, before parsing
        if not is_signed(body, request.headers.get("X-Whisperer-Signature", ""), secret_key):
            abort(401)
        message = request.get_json()
        event, document = message["event"], message["payload"]
        if event["uuid"] not in seen:  # the sender repeats an event if the response was lost
            if "packageitem_set" in document:  # other documents are transfer orders and stock locations
                store_newest(packages, document)
            print(event["type"], event["uuid"], flush=True)
            seen[event["uuid"]] = None  # last, so that a failure above is tried again
        return Response("accepted", 200)

    return app


def store_newest(packages: dict[int, dict[str, Any]], document: dict[str, Any]) -> None:
    """Store a document unless a newer one is known. Events may arrive in any order."""
    known = packages.get(document["id"])
    if known is None or modified_at(known) <= modified_at(document):
        packages[document["id"]] = document


def modified_at(document: dict[str, Any]) -> datetime:
    """Return the time of the last change. As text, `09:00:00Z` would be later than `09:00:00.5Z`."""
    return datetime.fromisoformat(document["modified_date"])


def is_signed(body: bytes, signature: str, secret_key: str) -> bool:
    """Return whether the signature of the body is valid. The comparison takes constant time."""
    expected = "sha256=" + hmac.new(secret_key.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode())


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
    create_app(os.environ["SECRET_KEY"]).run("127.0.0.1", port)
