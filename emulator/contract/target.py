"""The server under test: where it is, whose credentials are sent, and whether it may be written to."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import requests

from emulator.contract.findings import NotVerified
from emulator.routes.table import Scheme

DEFAULT_TOKEN = "full-access"  # noqa: S105 - the emulator's published token
OWN = "the target's own credentials"
TIMEOUT = 30.0
SURFACES: Mapping[Scheme, str] = {"Token": "guide", "Bearer": "reference"}
PREFIXES: Mapping[str, Scheme] = {"/packages/": "Bearer", "/": "Token"}
"""Start of a path -> the scheme of the surface that it belongs to; the first one counts."""
FIRST_QUESTIONS: Mapping[Scheme, tuple[str, ...]] = {
    "Token": ("/api/v1/oms/packages/?limit=1", "/api/v1/oms/transfer_orders/?limit=1"),
    "Bearer": ("/packages/?limit=1", "/packages/delivery-ranges/?limit=1"),
}
"""What a surface is asked first, and what else before it is said to be no OMS."""

NOT_GIVEN: Mapping[Scheme, str] = {
    "Token": "no token was given, and the guide surface needs one",
    "Bearer": "no JWT was given, and the reference surface needs one",
}
REFUSED_CALLERS = {401: "is refused", 403: "may not do this", 429: "asks too much"}
KNOWN_TROUBLE = (
    "certificate verify failed",
    "wrong version number",
    "Connection refused",
    "Name or service not known",
    "timed out",
    "No connection adapters",
    "Invalid URL",
    "Connection reset",
    "closed connection without response",
)


class Unreachable(Exception):
    """Nothing answers HTTP at the target's address."""


class NoAnswer(Exception):
    """A question that nothing answered; the message says why."""


class Target:
    """A server that claims to be the OMS. Redirects are not followed; credentials never leave its own host.

    `token` is for the guide surface, `jwt` for the reference surface; what belongs to a surface without its
    credentials is not asked. `timeout` is the longest silence in seconds.
    """

    def __init__(  # noqa: PLR0913 - what there is to say of a target
        self,
        base_url: str,
        token: str | None = DEFAULT_TOKEN,
        session: requests.Session | None = None,
        *,
        jwt: str | None = None,
        allow_writes: bool = False,
        timeout: float = TIMEOUT,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.credentials: Mapping[Scheme, str | None] = {"Token": token, "Bearer": jwt}
        self.session = session or session_for(self.base_url)
        self.allow_writes = allow_writes
        self.timeout = timeout
        self.unanswered = 0
        """How many questions got no answer."""
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
        """Send a request with the target's credentials, others, or None; `path` may also be one of its own links.

        Raises `NotVerified` where the target does not let its own credentials in, or asks to slow down, and
        `NoAnswer` where none comes.
        """
        scheme = scheme_of(self.below(path))
        key = self.credentials[scheme] if token == OWN else token
        if key is None and token == OWN:
            raise NotVerified(NOT_GIVEN[scheme])
        authorization = None if key is None else f"{scheme} {key}"
        answer = self.send(method, path, {"Authorization": authorization, **(headers or {})}, options)
        if answer.status_code == 429 or (token == OWN and answer.status_code in REFUSED_CALLERS):
            who = "JWT" if scheme == "Bearer" else "token"
            status = answer.status_code
            raise NotVerified(f"{status}, the {who} {REFUSED_CALLERS[status]}: {method} {path}")
        return answer

    def send(
        self, method: str, path: str, headers: Mapping[str, str | None], options: Mapping[str, Any]
    ) -> requests.Response:
        try:
            return self.session.request(
                method,
                self.url(path),
                headers={"Accept": "application/json", **headers},
                auth=as_they_are,
                allow_redirects=False,
                timeout=self.timeout,
                **options,
            )
        except (requests.RequestException, OSError, ValueError) as error:
            self.unanswered += 1
            raise NoAnswer(short(error)) from None

    def get(self, path: str, **params: object) -> requests.Response:
        return self.ask("GET", path, params=params)

    def url(self, path: str) -> str:
        return urljoin(self.base_url + "/", path if self.owns(path) else self.base_url + path)

    def below(self, path: str) -> str:
        """Give the path of one of the target's own links as the route table has it."""
        return path.removeprefix(self.base_url) if self.owns(path) else path

    def owns(self, link: str) -> bool:
        """Whether an absolute link leads to this target."""
        own, other = urlsplit(self.base_url), urlsplit(link)
        return (own.scheme, own.netloc) == (other.scheme, other.netloc) and bool(other.netloc)

    def greet(self) -> dict[Scheme, str]:
        """Ask each surface its first question; give the reasons why some surfaces need no further ones.

        Raises `Unreachable` if nothing answers.
        """
        refused: dict[Scheme, str] = {}
        foreign: dict[Scheme, str] = {}
        for scheme in SURFACES:
            try:
                foreign.update(self.no_oms(scheme))
            except NotVerified as reason:
                refused[scheme] = str(reason)
            except NoAnswer as silence:
                raise Unreachable(f"{self.base_url} does not answer: {silence}") from None
        # One surface of two that answers no JSON at all is drift; a server without any is another kind of server.
        return refused | foreign if len(refused) + len(foreign) == len(SURFACES) else refused

    def no_oms(self, scheme: Scheme) -> dict[Scheme, str]:
        """Give the reason why there is no such surface: none of its first answers is JSON."""
        answers = [self.ask("GET", path) for path in FIRST_QUESTIONS[scheme]]
        if any(is_json(answer) for answer in answers):
            return {}
        return {scheme: f"GET {FIRST_QUESTIONS[scheme][0]} {said(answers[0])}; is an OMS at this address?"}

    def answers(self) -> bool:
        """Whether anything answers still."""
        try:
            self.send("GET", "/", {}, {})
        except NoAnswer:
            return False
        return True


def session_for(base_url: str) -> requests.Session:
    """Give a session with the environment's proxies and certificates, which are looked up once, not at each call."""
    session = requests.Session()
    try:
        settings = session.merge_environment_settings(base_url, {}, False, None, None)
    except ValueError:
        return session  # the first question says what is wrong with the address
    session.proxies, session.verify, session.trust_env = settings["proxies"], settings["verify"], False
    return session


def scheme_of(path: str) -> Scheme:
    whole = path.partition("?")[0].rstrip("/") + "/"
    return next(scheme for prefix, scheme in PREFIXES.items() if whole.startswith(prefix))


def is_json(answer: requests.Response) -> bool:
    try:
        answer.json()
    except ValueError:
        return False
    return True


def said(answer: requests.Response) -> str:
    """Say what an answer is that is no JSON."""
    if answer.is_redirect:
        return f"leads to {answer.headers['Location']}"
    kind = answer.headers.get("Content-Type", "nothing").partition(";")[0]
    return f"answers {answer.status_code} with {kind}, not JSON"


def as_they_are(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave the headers alone: without it, requests would add what a `.netrc` has for the host."""
    return request


def short(error: Exception) -> str:
    """Say in a few words what went wrong on the way."""
    text = " ".join(str(error).split())
    return next((words for words in KNOWN_TROUBLE if words.lower() in text.lower()), text[:200])
