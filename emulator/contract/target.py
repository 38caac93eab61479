"""The server under test: its address, the credentials to send, and whether it may be written to."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import requests

from emulator.api.routes import AuthScheme

DEFAULT_TOKEN = "full-access"  # noqa: S105 - the emulator's published token
OWN_CREDENTIALS = "the target's own credentials"
TIMEOUT = 30.0
SURFACES: Mapping[AuthScheme, str] = {"Token": "guide", "Bearer": "reference"}
PREFIXES: Mapping[str, AuthScheme] = {"/packages/": "Bearer", "/": "Token"}
"""Start of a path -> the scheme of its surface. The first matching prefix counts."""
FIRST_REQUESTS: Mapping[AuthScheme, tuple[str, ...]] = {
    "Token": ("/api/v1/oms/packages/?limit=1", "/api/v1/oms/transfer_orders/?limit=1"),
    "Bearer": ("/packages/?limit=1", "/packages/delivery-ranges/?limit=1"),
}
"""Scheme -> the requests that decide whether the server has this surface."""

NO_CREDENTIALS: Mapping[AuthScheme, str] = {
    "Token": "no token was given, and the guide surface needs one",
    "Bearer": "no JWT was given, and the reference surface needs one",
}
REJECTIONS = {401: "is refused", 403: "may not do this", 429: "exceeds the rate limit"}
KNOWN_ERRORS = (
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
    """No HTTP server responds at the target's address."""


class NoResponse(Exception):
    """A request got no response. The message is the reason."""


class NotVerified(Exception):
    """Ends a check that cannot be run against the target. The message is the reason."""


class Target:
    """A server that claims to be the OMS. Redirects are not followed. Credentials are sent to this server only.

    `token` is for the guide surface and `jwt` for the reference surface. Without its
    credentials, a surface is not verified. `timeout` is the number of seconds to wait for a response.
    """

    def __init__(  # noqa: PLR0913 - the settings of a target
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
        self.credentials: Mapping[AuthScheme, str | None] = {"Token": token, "Bearer": jwt}
        self.session = session or session_for(self.base_url)
        self.allow_writes = allow_writes
        self.timeout = timeout
        self.unanswered = 0
        """Number of requests without a response."""
        self.cache: dict[Any, Any] = {}
        """What checks found out about the target: ids, and lists with enough rows."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.session.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = OWN_CREDENTIALS,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> requests.Response:
        """Send a request with the target's own credentials, with another token, or with none.

        `path` may be a link of the target. Raises `NotVerified` if the target rejects its own credentials or limits
        the rate, and `NoResponse` if there is no response.
        """
        scheme = scheme_of(self.relative_path(path))
        key = self.credentials[scheme] if token == OWN_CREDENTIALS else token
        if key is None and token == OWN_CREDENTIALS:
            raise NotVerified(NO_CREDENTIALS[scheme])
        authorization = None if key is None else f"{scheme} {key}"
        response = self.send(method, path, {"Authorization": authorization, **(headers or {})}, options)
        status = response.status_code
        if status == 429 or (token == OWN_CREDENTIALS and status in REJECTIONS):
            credential = "JWT" if scheme == "Bearer" else "token"
            raise NotVerified(f"{status}, the {credential} {REJECTIONS[status]}: {method} {path}")
        return response

    def send(
        self, method: str, path: str, headers: Mapping[str, str | None], options: Mapping[str, Any]
    ) -> requests.Response:
        try:
            return self.session.request(
                method,
                self.url(path),
                headers={"Accept": "application/json", **headers},
                auth=keep_headers,
                allow_redirects=False,
                timeout=self.timeout,
                **options,
            )
        except (requests.RequestException, OSError, ValueError) as error:
            self.unanswered += 1
            raise NoResponse(shorten(error)) from None

    def get(self, path: str, **params: object) -> requests.Response:
        return self.request("GET", path, params=params)

    def url(self, path: str) -> str:
        return urljoin(self.base_url + "/", path if self.owns(path) else self.base_url + path)

    def relative_path(self, path: str) -> str:
        """Return the path of a link as the route table has it."""
        return path.removeprefix(self.base_url) if self.owns(path) else path

    def owns(self, link: str) -> bool:
        """Return whether an absolute link leads to this target."""
        own, other = urlsplit(self.base_url), urlsplit(link)
        return (own.scheme, own.netloc) == (other.scheme, other.netloc) and bool(other.netloc)

    def probe(self) -> dict[AuthScheme, str]:
        """Send the first requests to each surface. Return the surfaces that cannot be verified, with the reason.

        Raises `Unreachable` if there is no response.
        """
        rejected: dict[AuthScheme, str] = {}
        foreign: dict[AuthScheme, str] = {}
        for scheme in SURFACES:
            try:
                if reason := self.probe_surface(scheme):
                    foreign[scheme] = reason
            except NotVerified as error:
                rejected[scheme] = str(error)
            except NoResponse as error:
                raise Unreachable(f"{self.base_url} does not answer: {error}") from None
        # If only one of two surfaces returns no JSON, that is drift. If both do, the server is not an OMS.
        return rejected | foreign if len(rejected) + len(foreign) == len(SURFACES) else rejected

    def probe_surface(self, scheme: AuthScheme) -> str | None:
        """Return why the surface does not exist, or None if one of its first responses is JSON."""
        responses = [self.request("GET", path) for path in FIRST_REQUESTS[scheme]]
        if any(is_json(response) for response in responses):
            return None
        return f"GET {FIRST_REQUESTS[scheme][0]} {describe(responses[0])}; is an OMS at this address?"

    def is_reachable(self) -> bool:
        try:
            self.send("GET", "/", {}, {})
        except NoResponse:
            return False
        return True


def session_for(base_url: str) -> requests.Session:
    """Return a session that reads the environment's proxies and certificates once, not at each request."""
    session = requests.Session()
    try:
        settings = session.merge_environment_settings(base_url, {}, False, None, None)
    except ValueError:
        return session  # the first request reports the invalid address
    session.proxies, session.verify, session.trust_env = settings["proxies"], settings["verify"], False
    return session


def scheme_of(path: str) -> AuthScheme:
    directory = path.partition("?")[0].rstrip("/") + "/"
    return next(scheme for prefix, scheme in PREFIXES.items() if directory.startswith(prefix))


def is_json(response: requests.Response) -> bool:
    try:
        response.json()
    except ValueError:
        return False
    return True


def describe(response: requests.Response) -> str:
    """Describe a response that is not JSON."""
    if response.is_redirect:
        return f"redirects to {response.headers['Location']}"
    media_type = response.headers.get("Content-Type", "nothing").partition(";")[0]
    return f"answers {response.status_code} with {media_type}, not JSON"


def keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Return the request unchanged. Used as `auth`, it stops requests from adding credentials of `.netrc`."""
    return request


def shorten(error: Exception) -> str:
    """Return a short description of a network error."""
    text = " ".join(str(error).split())
    return next((known for known in KNOWN_ERRORS if known.lower() in text.lower()), text[:200])
