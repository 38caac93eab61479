"""The peer: Flask + waitress giving back constant bytes, and nothing else.

The answers come on stdin, as `Answer`s; each path is one view that returns its bytes, query ignored.
"""

import base64
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Response
from waitress.channel import HTTPChannel
from waitress.server import create_server

from emulator.listening import KeptAliveTask


class KeptAlive(HTTPChannel):
    """waitress's own, but for this: it would close the connection after each 204, and be the slower for it."""

    task_class = KeptAliveTask


@dataclass(frozen=True)
class Answer:
    """What one method and path gives back, for ever."""

    method: str
    path: str
    status: int
    content_type: str | None
    body: bytes


def dump(answers: list[Answer]) -> bytes:
    """The answers as `load` reads them."""
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
