"""The peer: Flask + waitress with constant bytes.

It reads the responses (`Answer`) from stdin. Each path is a view that returns its bytes and ignores the query.
"""

import base64
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Response
from waitress.channel import HTTPChannel
from waitress.server import create_server

from emulator.web.server import KeepAliveTask


class KeptAlive(HTTPChannel):
    """A channel that stays open after a 204. waitress would close it and make the peer slower."""

    task_class = KeepAliveTask


@dataclass(frozen=True)
class Answer:
    """The constant response to one method and path."""

    method: str
    path: str
    status: int
    content_type: str | None
    body: bytes


def dump(answers: list[Answer]) -> bytes:
    """Return the responses as the bytes that `load` reads."""
    rows = [vars(answer) | {"body": base64.b64encode(answer.body).decode()} for answer in answers]
    return json.dumps(rows).encode()


def load(text: bytes) -> list[Answer]:
    return [Answer(**row | {"body": base64.b64decode(row["body"])}) for row in json.loads(text)]


def constant(answer: Answer) -> Callable[[], Response]:
    body, status, content_type = answer.body, answer.status, answer.content_type

    def view() -> Response:
        return Response(body, status, content_type=content_type)

    return view


def create_app(answers: list[Answer]) -> Flask:
    app = Flask("baseline", static_folder=None)
    for number, answer in enumerate(answers):
        app.add_url_rule(answer.path, str(number), constant(answer), methods=[answer.method])
    return app


def main() -> None:
    threads = int(sys.argv[1])
    app = create_app(load(sys.stdin.buffer.read()))
    server = create_server(app, host="127.0.0.1", port=0, threads=threads)
    server.channel_class = KeptAlive
    sys.stdout.write(f"ready: http://127.0.0.1:{server.effective_port}\n")
    sys.stdout.flush()
    server.run()


if __name__ == "__main__":
    main()
