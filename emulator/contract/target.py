"""The server under test: where it is, whose token is sent, and whether it may be written to."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import requests

from emulator.contract.findings import NotVerified

DEFAULT_TOKEN = "full-access"  # noqa: S105 - the emulator's published token
OWN = "the target's own token"
TIMEOUT = 30
FIRST_QUESTION = "/api/v1/oms/packages/?limit=1"

REFUSED_CALLERS = {401: "the token is refused", 403: "the token may not do this", 429: "too many requests"}


class Unreachable(Exception):
    """Nothing answers HTTP at the target's address."""


class Target:
    """A server that claims to be the OMS. Redirects are not followed; credentials never leave its own host."""

    def __init__(
        self,
        base_url: str,
        token: str = DEFAULT_TOKEN,
        session: requests.Session | None = None,
        *,
        allow_writes: bool = False,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.token = token
        self.session = session or requests.Session()
        self.allow_writes = allow_writes
        self.known: dict[Any, Any] = {}
        """What checks learnt about the target and others may use: ids, and lists with enough rows."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.session.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = OWN,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> requests.Response:
        """Send a request with the target's token, another one, or None; `path` may also be one of its own links.

        Raises `NotVerified` where the target does not let its own token in, or asks to slow down.
        """
        authorization = None if token is None else f"Token {self.token if token == OWN else token}"
        answer = self.session.request(
            method,
            self.url(path),
            headers={"Accept": "application/json", "Authorization": authorization, **(headers or {})},
            auth=as_they_are,
            allow_redirects=False,
            timeout=TIMEOUT,
            **options,
        )
        if answer.status_code == 429 or (token == OWN and answer.status_code in REFUSED_CALLERS):
            raise NotVerified(f"{answer.status_code}, {REFUSED_CALLERS[answer.status_code]}: {method} {path}")
        return answer

    def get(self, path: str, **params: object) -> requests.Response:
        return self.ask("GET", path, params=params)

    def url(self, path: str) -> str:
        return urljoin(self.base_url + "/", path if self.owns(path) else self.base_url + path)

    def owns(self, link: str) -> bool:
        """Whether an absolute link leads to this target."""
        own, other = urlsplit(self.base_url), urlsplit(link)
        return (own.scheme, own.netloc) == (other.scheme, other.netloc) and bool(other.netloc)

    def greet(self) -> str | None:
        """Ask the first question; give the reason why all further ones are pointless, if there is one.

        Raises `Unreachable` if nothing answers.
        """
        try:
            self.ask("GET", FIRST_QUESTION)
        except NotVerified as reason:
            return str(reason)
        except (requests.RequestException, ValueError) as error:
            raise Unreachable(f"{self.base_url} does not answer: {short(error)}") from None
        return None


def as_they_are(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave the headers alone: without it, requests would add what a `.netrc` has for the host."""
    return request


def short(error: Exception) -> str:
    """Say in a few words what went wrong on the way."""
    text = " ".join(str(error).split())
    known = ("Connection refused", "Name or service not known", "timed out", "No connection adapters", "Invalid URL")
    return next((words for words in known if words.lower() in text.lower()), text[:200])
