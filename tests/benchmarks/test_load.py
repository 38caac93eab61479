"""The load generator checks each response and counts it once."""

import socket
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from benchmarks.load import Job, LoadFailedError, Outcome, Request, drive, measure
from benchmarks.servers import StartFailedError, baseline, fetch, running

Script = Callable[[int, bytes], bytes]


class Scripted:
    """A server that answers the nth request with a function, and closes the connection after `CLOSE`."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.accepted = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            self.threads.append(threading.Thread(target=self.serve, args=(connection,)))
            self.threads[-1].start()

    def serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while request := read_request(stream):
                with self.lock:
                    self.requests.append(request)
                    number = len(self.requests)
                reply = self.script(number, request)
                connection.sendall(reply.removesuffix(CLOSE))
                if reply.endswith(CLOSE):
                    return

    def stop(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join()


CLOSE = b"<close>"


def read_request(stream) -> bytes:
    lines = []
    while (line := stream.readline()) not in {b"\r\n", b""}:
        lines.append(line)
    sizes = [int(line[15:]) for line in lines if line.startswith(b"Content-Length:")]
    return b"".join(lines) + stream.read(sum(sizes))


@pytest.fixture
def served() -> Iterator[Callable[[Script], Scripted]]:
    """Return a function that starts scripted servers. They are stopped after the test."""
    started: list[Scripted] = []

    def start(script: Script) -> Scripted:
        started.append(Scripted(script))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def answer(body: bytes = b"hello", status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def load(server: Scripted, *requests: Request, connections: int = 2, limit: int = 12) -> Outcome:
    """Send this number of requests. The time limit is never reached."""
    wanted = requests or (Request("/", length=5),)
    return drive(Job(server.port, wanted, seconds=60, connections=connections, limit=limit))


def test_every_response_is_counted_once(served):
    server = served(lambda *_: answer())
    outcome = load(server, limit=50)
    assert outcome.answered == outcome.sent == len(server.requests) == 50
    assert outcome.rps == outcome.answered / outcome.seconds
    assert 0 < outcome.p50_ms <= outcome.p99_ms
    assert outcome.cpu_seconds > 0
    assert (outcome.failed, outcome.reconnects, server.accepted) == (0, 0, 2)


def test_a_slice_ends_after_its_time_without_open_requests(served):
    """Every sent request has a response."""
    server = served(lambda *_: answer())
    outcome = drive(Job(server.port, [Request("/")], seconds=0.02, connections=3))
    assert outcome.sent == len(server.requests)
    assert outcome.sent - 3 <= outcome.answered <= outcome.sent
    assert outcome.seconds == pytest.approx(0.02)


def test_responses_of_the_warm_up_are_not_counted(served):
    server = served(lambda *_: answer())
    outcome = drive(Job(server.port, [Request("/")], seconds=1, warm_up=60, connections=1, limit=9))
    assert len(server.requests) == outcome.sent == 9
    assert (outcome.answered, outcome.rps, outcome.p99_ms) == (0, 0, 0)


def test_requests_are_repeated_in_order(served):
    server = served(lambda *_: answer())
    load(server, Request("/a"), Request("/b"), Request("/c"), connections=1)
    paths = [request.split(b" ")[1] for request in server.requests]
    assert paths == [[b"/a", b"/b", b"/c"][number % 3] for number in range(len(paths))]


def test_each_connection_sends_its_share_in_order(served):
    """With two connections each sends every second request, although the first response comes after four others."""
    four_others = threading.Event()

    def reply(number: int, _request: bytes) -> bytes:
        if number == 5:
            four_others.set()
        assert number > 1 or four_others.wait(30)
        return answer()

    server = served(reply)
    wanted = [Request(f"/{number}") for number in range(4)]
    outcome = drive(Job(server.port, wanted, seconds=60, connections=2, limit=8, shares=True))
    paths = [int(request.split(b" ")[1][1:]) for request in server.requests]
    assert [[path for path in paths if path % 2 == share] for share in range(2)] == [[0, 2, 0, 2], [1, 3, 1, 3]]
    assert outcome.answered == outcome.sent == 8


def test_a_post_has_its_headers_and_body(served):
    """A 204 needs no Content-Length."""
    server = served(lambda *_: b"HTTP/1.1 204 No Content\r\n\r\n")
    outcome = load(server, Request("/c", "POST", {"X-A": "b"}, '{"ü": 1}', status=204, length=0))
    assert server.requests[0].startswith(b"POST /c HTTP/1.1\r\n")
    assert b"X-A: b\r\n" in server.requests[0]
    assert server.requests[0].endswith('{"ü": 1}'.encode())
    assert outcome.answered == 12


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (answer(status="500 Oops"), "GET /: status 500 instead of 200"),
        (answer(b"short"[:4]), "GET /: 4 bytes instead of 5"),
        (answer() + b"!", "GET /: 1 bytes more than its Content-Length"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "GET /: an answer without Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n", "GET /: an answer without Content-Length"),
        (answer()[:-1] + CLOSE, "GET /: closed before the answer was complete"),
        (b"HTTP/1.1 200" + CLOSE, "GET /: closed before the answer was complete"),
        (CLOSE, "GET /: closed before the answer was complete"),
    ],
)
def test_a_wrong_response_is_a_failure_with_its_reason(served, reply, reason):
    """It is not counted as answered, and the load continues."""
    server = served(lambda number, _request: reply if number == 1 else answer())
    outcome = load(server, connections=1)
    assert (outcome.failed, outcome.reasons) == (1, [reason])
    assert outcome.answered == outcome.sent - 1 == 11


def test_a_closed_connection_is_a_reconnect(served):
    """A response with `Connection: close` is correct."""
    server = served(lambda *_: answer(b"hello", "200 OK", "Connection: close") + CLOSE)
    outcome = load(server, connections=1)
    assert not outcome.failed
    assert outcome.answered == server.accepted == outcome.reconnects + 1 == 12


def test_a_response_in_pieces_is_counted_once(served):
    """Header names are case-insensitive."""
    body = b"x" * 3_000_000
    reply = b"HTTP/1.1 200 OK\r\ncontent-LENGTH:%d\r\n\r\n" % len(body) + body
    server = served(lambda *_: reply)
    outcome = load(server, Request("/", length=len(body)))
    assert (outcome.answered, outcome.failed) == (12, 0)


def test_a_server_that_stops_answering_is_an_error(served):
    release = threading.Event()

    def hang(_number: int, _request: bytes) -> bytes:
        release.wait()
        return answer()

    server = served(hang)
    with pytest.raises(LoadFailedError, match=r"no answer for 0\.01 s"):
        drive(Job(server.port, [Request("/")], 1, connections=1, patience=0.01))
    release.set()


@pytest.mark.medium
def test_a_refused_connection_is_an_error_across_processes():
    """The process of the load generator reports the reason in one line."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nothing listens on it
        port = taken.getsockname()[1]
        with pytest.raises(LoadFailedError, match=rf"^127\.0\.0\.1:{port}: .*refused"):
            measure(Job(port, [Request("/")], 1, connections=1))


@pytest.mark.medium
def test_the_baseline_returns_the_same_bytes(served):
    """It returns the response that was fetched from another server, also under load."""
    origin = served(lambda *_: answer("çarşı".encode(), "200 OK", "Content-Type: application/json"))
    with running([sys.executable, "-c", f"print('ready: http://127.0.0.1:{origin.port}')"]) as server:
        fetched = fetch(server, "/list/?page=2")
    with baseline([fetched], threads=2) as peer:
        again = fetch(peer, "/list/?page=2")
        same = Request("/list/", length=len(fetched.body))
        outcome = measure(Job(peer.port, [same], seconds=60, connections=2, limit=9))
    assert again == fetched
    assert fetched.content_type == "application/json"
    assert (outcome.answered, outcome.failed) == (9, 0)


def test_a_server_that_does_not_start_is_an_error():
    """The message has the last line of its output."""
    with (
        pytest.raises(StartFailedError, match=r"not ready .*no such thing"),
        running([sys.executable, "-c", "raise SystemExit('no such thing')"]),
    ):
        pass
