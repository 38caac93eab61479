"""A peer on granian: constant bytes from a bare WSGI function, or from a Flask application.

It reads the responses (`Answer`) from stdin. It is started in the way in which the emulator starts granian.
"""

import sys
import threading
from collections.abc import Callable, Iterable

from benchmarks.baseline import Answer, create_app, load
from emulator.web.granian_server import GranianServer


def bare_app(answers: list[Answer]) -> Callable[..., Iterable[bytes]]:
    """Return a WSGI function that looks up the path and returns its bytes."""
    known = {
        answer.path: (
            [("Content-Length", str(len(answer.body))), ("Content-Type", answer.content_type or "")],
            answer.body,
        )
        for answer in answers
    }

    def app(environ: dict, start_response: Callable) -> list[bytes]:
        headers, body = known[environ["PATH_INFO"]]
        start_response("200 OK", headers)
        return [body]

    return app


def main() -> None:
    answers = load(sys.stdin.buffer.read())
    server = GranianServer(create_app(answers) if sys.argv[1] == "flask" else bare_app(answers), "127.0.0.1", 0)
    server.start()
    sys.stdout.write(f"ready: {server.url}\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
