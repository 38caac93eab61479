"""Inside `oms.intercept`, a session repeats requests as over a socket: as the `Retry` of its adapter says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from io import BytesIO
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from emulator import Emulator

HOST = "http://acme-oms.akinon.net"
LIST = "/api/v1/oms/packages/"
JSON = {"Content-Type": "application/json"}
BODY = b'{"remote_id": "R-1"}'
LIMIT = 2.0
"""Shorter than the delay of a late response, and long enough for a busy machine to receive the request."""


class Case(NamedTuple):
    """A policy, a fault, and the outcome: the status or the error, and the number of exchanges in the journal."""

    retry: Retry | int
    fault: dict[str, Any]
    outcome: int | type[Exception]
    exchanges: int
    method: str = "GET"
    sleeps: tuple[float, ...] = ()
    body: Callable[[], Any] = lambda: None


UNAVAILABLE = Retry(3, status_forcelist=[503])
ANY_METHOD = Retry(3, status_forcelist=[503], allowed_methods=None)
ONCE, LATE = {"status": 503, "times": 1}, {"kind": "delay", "seconds": 5, "times": 1}
RESET, LOST = {"kind": "reset", "times": 1}, {"kind": "lost_response", "times": 1}

CASES = {
    "status once": Case(UNAVAILABLE, ONCE, 200, 2),
    "status without a policy": Case(0, ONCE, 503, 1),
    "status that is not in the list": Case(Retry(3, status_forcelist=[500]), ONCE, 503, 1),
    "a number of retries": Case(3, ONCE, 503, 1),
    "exhausted": Case(Retry(2, status_forcelist=[503]), {"status": 503}, requests.exceptions.RetryError, 3),
    "exhausted at once": Case(Retry(0, status_forcelist=[503]), {"status": 503}, requests.exceptions.RetryError, 1),
    "exhausted, without raising": Case(
        Retry(2, status_forcelist=[503], raise_on_status=False), {"status": 503}, 503, 3
    ),
    "backoff": Case(
        Retry(3, status_forcelist=[503], backoff_factor=1), {"status": 503, "times": 3}, 200, 4, sleeps=(2, 4)
    ),
    "Retry-After": Case(Retry(3), {"status": 429, "retry_after": 7, "times": 1}, 200, 2, sleeps=(7,)),
    "Retry-After is not respected": Case(
        Retry(3, respect_retry_after_header=False), {"status": 429, "retry_after": 7, "times": 1}, 429, 1
    ),
    "POST is not repeated": Case(UNAVAILABLE, ONCE, 503, 1, "POST", body=lambda: BODY),
    "POST is repeated": Case(ANY_METHOD, ONCE, 204, 2, "POST", body=lambda: BODY),
    "a file is sent again": Case(ANY_METHOD, ONCE, 204, 2, "POST", body=lambda: BytesIO(BODY)),
    "reset": Case(2, RESET, 200, 2),
    "reset without a policy": Case(0, RESET, requests.ConnectionError, 1),
    "reset each time": Case(2, {"kind": "reset"}, requests.ConnectionError, 3),
    "reset of a POST": Case(2, RESET, requests.ConnectionError, 1, "POST", body=lambda: BODY),
    "reset, reads are not repeated": Case(Retry(2, read=0), RESET, requests.ConnectionError, 1),
    "reset, retries are turned off": Case(Retry(False), RESET, requests.ConnectionError, 1),
    "lost response": Case(2, LOST, 200, 2),
    "late": Case(2, LATE, 200, 2),
    "late without a policy": Case(0, LATE, requests.ReadTimeout, 1),
    "late each time": Case(1, LATE | {"times": 2}, requests.ConnectionError, 2),
}


class Sleeps(list[float]):
    """The sleeps of `urllib3`, which do not take place."""


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> Sleeps:
    sleeps = Sleeps()
    monkeypatch.setattr("urllib3.util.retry.time", SimpleNamespace(sleep=sleeps.append))
    return sleeps


@pytest.fixture(params=["socket", "intercept"])
def base(request: pytest.FixtureRequest) -> Iterator[tuple[Emulator, str]]:
    """Yield an emulator, and the address under which requests reach it."""
    if request.param == "intercept":
        oms = Emulator("demo", packages=5)
        with oms.intercept(HOST):
            yield oms, HOST
    else:
        with Emulator("demo", packages=5) as oms:
            yield oms, oms.url


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_requests_are_repeated_as_over_a_socket(case: Case, base: tuple[Emulator, str], sleeps: Sleeps) -> None:
    oms, url = base
    path = LIST if case.method == "GET" else f"{LIST}{oms.package()['id']}/set_remote_id/"
    oms.faults.add(**case.fault)
    with requests.Session() as session:
        session.mount(url, HTTPAdapter(max_retries=case.retry))
        failure = nullcontext() if isinstance(case.outcome, int) else pytest.raises(case.outcome)
        with failure as raised:
            answer = session.request(
                case.method, url + path, headers=oms.auth | JSON, data=case.body(), timeout=LIMIT
            )
            assert answer.status_code == case.outcome
            assert len(answer.raw.retries.history) == case.exchanges - 1
    assert (case.outcome if raised is None else raised.type) == case.outcome
    assert len(oms.requests) == case.exchanges
    assert tuple(sleeps) == case.sleeps
    if case.method == "POST":
        assert {request.json["remote_id"] for request in oms.requests} == {"R-1"}


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not isinstance(case.outcome, int)])
def test_errors_have_the_words_of_a_socket(name: str, sleeps: Sleeps) -> None:
    """The addresses differ, and the numbers of objects."""
    case = CASES[name]
    texts = []
    with Emulator("demo", packages=5) as oms, oms.intercept(HOST), requests.Session() as session:
        for url in (oms.url, HOST):
            oms.faults.clear()
            oms.faults.add(**case.fault)
            session.mount(url, HTTPAdapter(max_retries=case.retry))
            with pytest.raises(requests.RequestException) as raised:
                session.request(case.method, url + LIST, headers=oms.auth | JSON, data=case.body(), timeout=LIMIT)
            texts.append(re.sub(r"host='[^']*', port=\d+", "", str(raised.value)))
    assert texts[0] == texts[1]
