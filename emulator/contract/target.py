"""The server under test: requests with its credentials, and lookups of its records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import islice
from typing import Self
from urllib.parse import urljoin, urlsplit

import requests

from emulator.api.routes import AuthScheme, Route
from emulator.core.hosts import is_loopback
from emulator.core.json_text import JsonObject, JsonValue

FULL_ACCESS = "full-access"
"""The emulator's token with all permissions."""
OWN_CREDENTIALS = "the target's own credentials"
TIMEOUT = 30.0
SURFACES: Mapping[AuthScheme, str] = {"Token": "guide", "Bearer": "reference"}
PREFIXES: Mapping[str, AuthScheme] = {
    "/packages/": "Bearer",
    "/api/v1/oms/state-transition-logs/": "Bearer",
    "/": "Token",
}
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

UNKNOWN_ID = 2_000_000_000
"""An id that no record has. It is near the maximum of the column."""
PLACEHOLDER = re.compile(r"<\w+>")
LISTS = {"/api/v1/package-item/": "/api/v1/oms/packages/package-items/"}
"""Start of a path without a list -> the list with its ids."""
CANDIDATES = 20
"""Number of the newest records that are tried."""
MAX_PAGES = 10
SAMPLE_SIZE = 5
NO_COMMANDS = "no record of the newest pages lists a command"
Predicate = Callable[[JsonObject], bool]


class Unreachable(Exception):
    """No HTTP server responds at the target's address."""


class NoResponse(Exception):
    """A request got no response. The message is the reason."""


class NotVerified(Exception):
    """Ends a check that cannot be run against the target. The message is the reason."""


@dataclass(eq=False, repr=False)
class Target:
    """A server that claims to be the OMS. Redirects are not followed. Credentials are sent to this server only.

    Without its credential, a surface is not verified.
    """

    base_url: str
    token: str | None = FULL_ACCESS
    """The token for the guide surface."""
    session: requests.Session | None = None
    """The session to send with. Default: a new one."""
    _: KW_ONLY
    jwt: str | None = None
    """The JWT for the reference surface."""
    allow_writes: bool = False
    timeout: float = TIMEOUT
    """Seconds to wait for a response."""

    def __post_init__(self) -> None:
        self.base_url = self.base_url.rstrip("/")
        self.credentials: Mapping[AuthScheme, str | None] = {"Token": self.token, "Bearer": self.jwt}
        self.session = self._session = self.session or requests.Session()
        host = urlsplit(self.base_url).hostname or ""
        self._proxies = {"no_proxy": host} if is_loopback(host) else {}  # this machine is not behind a proxy
        self.unanswered = 0
        """Number of requests without a response."""
        self.cache: dict[object, JsonValue] = {}
        """What checks found out about the target: ids, and lists with enough rows."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._session.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = OWN_CREDENTIALS,
        headers: Mapping[str, str] | None = None,
        **options: JsonValue,
    ) -> requests.Response:
        """Send a request with the target's own credentials, with another token, or with none.

        `path` may be a link of the target. Raise `NotVerified` if the target rejects its own credentials or limits
        the rate, and `NoResponse` if there is no response.
        """
        scheme = scheme_of(path.removeprefix(self.base_url) if self.owns(path) else path)
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
        self, method: str, path: str, headers: Mapping[str, str | None], options: Mapping[str, JsonValue]
    ) -> requests.Response:
        try:
            return self._session.request(
                method,
                self.url(path),
                headers={"Accept": "application/json", **headers},
                auth=keep_headers,
                proxies=self._proxies,
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

    def owns(self, link: str) -> bool:
        """Return whether an absolute link leads to this target."""
        own, other = urlsplit(self.base_url), urlsplit(link)
        return (own.scheme, own.netloc) == (other.scheme, other.netloc) and bool(other.netloc)

    def probe(self) -> dict[AuthScheme, str]:
        """Send the first requests to each surface. Return the surfaces that cannot be verified, with the reason.

        Raise `Unreachable` if there is no response.
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

    # Lookups of records

    def sample_paths(self, route: Route, size: int = SAMPLE_SIZE) -> list[str]:
        """Return some paths of the route with existing ids, with different states first."""
        if paths := list(islice(self.expand_path(route.path), size)):
            return paths
        raise NotVerified(f"none of the {CANDIDATES} newest records has what {route.path} names")

    def expand_path(self, template: str) -> Iterator[str]:
        """Yield the path with existing ids. The ids come from the list at the path before each placeholder."""
        head, mark, rest = template.partition("<")
        if not mark:
            yield template
            return
        tail = rest.partition(">")[2]
        for id_ in self.candidates(head):
            yield from self.expand_path(f"{head}{id_}{tail}")

    def candidates(self, path: str) -> Sequence[int]:
        """Return ids of the rows of a list, with different states first. The result is cached."""
        if path not in self.cache:
            newest = different_states_first(self.rows(LISTS.get(path, path), limit=CANDIDATES))
            self.cache[path] = [row["id"] for row in newest]
        ids: Sequence[int] = self.cache[path]
        return ids

    def rows(self, path: str, **params: object) -> list[JsonObject]:
        """Return the rows of a page. Raise `NotVerified` if one has no id."""
        results: list[JsonObject] = self.fetch_page(path, **params)["results"]
        if not all(type(row.get("id")) is int for row in results):
            raise NotVerified(f"rows at {path} have no ids")
        return results

    def fetch(self, path: str, **params: object) -> tuple[requests.Response, JsonObject]:
        """Return a response with status 200 and its JSON object. Raise `NotVerified` if there is none."""
        try:
            response = self.get(path, **params)
        except NoResponse as error:
            raise NotVerified(f"GET {path} is not answered: {error}") from None
        if response.status_code != 200:
            raise NotVerified(f"{request_line(response)} answers {response.status_code}, and the check needs it")
        try:
            document = response.json()
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise NotVerified(f"{request_line(response)} does not answer with an object")
        return response, document

    def fetch_page(self, path: str, **params: object) -> JsonObject:
        """Return a page of a list. Raise `NotVerified` if it has no rows."""
        response, document = self.fetch(path, **params)
        results = document.get("results")
        if not isinstance(results, list) or not all(isinstance(row, dict) for row in results):
            raise NotVerified(f"{request_line(response)} answers without rows, so no ids are known")
        return document

    def first_row(self, path: str, predicate: Predicate, reason: str) -> JsonObject:
        """Return the first of `matching_rows`."""
        return next(self.matching_rows(path, predicate, reason))

    def matching_rows(self, path: str, predicate: Predicate, reason: str) -> Iterator[JsonObject]:
        """Yield the matching rows of a list's newest pages. Then raise `NotVerified` with the reason."""
        for number in range(1, MAX_PAGES + 1):
            page = self.fetch_page(path, limit=CANDIDATES, page=number)
            yield from (dict(row) for row in page["results"] if matches(row, predicate))
            if not page.get("next"):
                break
        raise NotVerified(reason)


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


def request_line(response: requests.Response) -> str:
    """Return the request of this response as `GET /path?query`."""
    url = urlsplit(str(response.request.url))
    return f"{response.request.method} {url.path}" + (f"?{url.query}" if url.query else "")


def list_path(route: Route) -> str:
    """Return the path of the list that contains the route's first id."""
    return route.path.partition("<")[0]


def record_path(path: str) -> str:
    """Return the path of the record that a path is below."""
    return path.removesuffix("/").rpartition("/")[0] + "/"


def with_unknown_id(path: str) -> str:
    """Replace every placeholder by an id that no record has."""
    return PLACEHOLDER.sub(str(UNKNOWN_ID), path)


def different_states_first(records: Sequence[JsonObject]) -> list[JsonObject]:
    """Move the first row of each state to the start."""
    firsts = {str(row.get("state")): row for row in reversed(records)}
    return [*firsts.values(), *(row for row in records if firsts[str(row.get("state"))] is not row)]


def matches(row: JsonObject, predicate: Predicate) -> bool:
    """Return whether the row matches. A row without the keys that the predicate reads does not match."""
    try:
        return "id" in row and predicate(row)
    except (LookupError, TypeError, AttributeError):
        return False
