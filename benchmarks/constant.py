"""A peer on granian: constant bytes from a bare WSGI function, or from a Flask application.

It reads the responses (`Answer`) from stdin. granian is started by its own entry point, with one worker process. By
default it starts more threads while requests wait. An optional argument is the number of threads.
"""

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable

from granian import Granian
from granian.constants import Interfaces

from benchmarks.baseline import Answer, create_app, load
from benchmarks.servers import free_port


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
    answers, port = load(sys.stdin.buffer.read()), free_port()
    app = create_app(answers) if sys.argv[1] == "flask" else bare_app(answers)
    threading.Thread(target=print_ready, args=[port], daemon=True).start()
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else None
    server = Granian(
        "constant", port=port, interface=Interfaces.WSGI, workers=1, blocking_threads=threads, log_enabled=False
    )
    server.serve(target_loader=lambda _: app)


def print_ready(port: int) -> None:
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.005)
    sys.stdout.write(f"ready: http://127.0.0.1:{port}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
