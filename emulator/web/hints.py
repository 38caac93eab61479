"""Hints about errors, for the header X-Emulator-Hint: what was nearly right, and what would be accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, NamedTuple
from urllib.parse import quote

from emulator.api.filters import FILTER_SETS
from emulator.api.routes import ROUTES, Route
from emulator.core import credentials
from emulator.core.caching import cache_short
from emulator.core.call import Reply
from emulator.core.credentials import CREDENTIALS
from emulator.core.event_types import EVENT_TYPES
from emulator.core.json_text import JsonValue, load_json
from emulator.core.records import (
    DenialReason,
    Package,
    PackageItem,
    State,
    TransferOrder,
    TransitionLog,
    Webhook,
    WebhookEvent,
)
from emulator.domain.explanations import SUBJECT_NAMES, describe_number, describe_other_kind, nearest_name
from emulator.web.context import Match, RequestContext, Router
from emulator.web.parsing import BODY_PARSERS
from emulator.worlds.registry import WorldRegistry

ROUTE_LIST = "oms-emulator routes lists what is there"
START_PAGE = f"the inspector is at /__admin/ui/; {ROUTE_LIST}"
PRINTABLE_ASCII = "".join(map(chr, range(0x20, 0x7F)))
SURFACE_NAMES = {"Token": "the guide surface (/api/v1/oms/)", "Bearer": "the reference surface (/packages/)"}
CREDENTIAL_FORMS = {
    "Token": "Token <key>, such as Token full-access",
    "Bearer": "Bearer <JWT>, from oms-emulator token",
}
EVENT_NAMES = [each.name for each in EVENT_TYPES]
RECORD_TYPES: Mapping[str, type[Any]] = {
    "/transfer_orders/": TransferOrder,
    "/packages/package-items/": PackageItem,
    "/package-item/": PackageItem,
    "/package_denial_reason/": DenialReason,
    "/package-denial-reason/": DenialReason,
    "/state-transition-logs/": TransitionLog,
    "/whisperer/hooks/": Webhook,
    "/whisperer/hook_events/": WebhookEvent,
}
"""Part of a path -> the records that its `pk` identifies; elsewhere it identifies a package."""
FILTER_VALUES = {
    "number": "a number",
    "boolean": "true or false",
    "null_boolean": "true or false",
    "choice": "the id of an existing record",
    "uuid": "a UUID",
    "datetime": "a time like 2023-04-05T09:00:00Z",
    "date": "a day like 2023-04-05",
    "number_list": "numbers with commas between",
    "char_list": "texts with commas between",
    "char": "a text",
}
"""Type of a filter -> its values."""
MAX_WORLDS, MAX_NAMES = 100, 3
MAX_QUOTED_LENGTH = 80
MAX_HINT_LENGTH = 4_000
INACTIVE_USER = "the user of role {role} is inactive, so the service refuses its valid token; full-access may call"
THROTTLE_ADVICE = "calls are counted by the world's clock: POST /__admin/clock/advance, or wait"


def hint_header(hint: str | None) -> dict[str, str]:
    """Return the hint as a header. Characters beyond ASCII are percent-encoded, as headers cannot carry them."""
    # UTF-8 has no lone surrogates, but clients may send them.
    return {} if hint is None else {"X-Emulator-Hint": quote(hint, safe=PRINTABLE_ASCII, errors="backslashreplace")}


def with_hint(reply: Reply, hint: str) -> Reply:
    """Return a reply with another hint after its own."""
    added, present = hint_header(hint)["X-Emulator-Hint"], reply.headers.get("X-Emulator-Hint")
    return reply._replace(headers={**reply.headers, "X-Emulator-Hint": f"{present}; {added}" if present else added})


class ErrorCase(NamedTuple):
    """An error reply that needs a hint."""

    context: RequestContext
    reply: Reply
    worlds: WorldRegistry

    @property
    def record_type(self) -> type[Any]:
        """The type of record that the path is about."""
        return next((kind for part, kind in RECORD_TYPES.items() if part in self.context.path), Package)


def add_error_hints(context: RequestContext, reply: Reply, worlds: WorldRegistry) -> Reply:
    """Return an error reply with everything that can be said about it in its hint."""
    hints_for = HINTS.get(reply.status)
    if hints_for is None:
        return reply
    hint = "; ".join(filter(None, hints_for(ErrorCase(context, reply, worlds))))
    return with_hint(reply, hint[:MAX_HINT_LENGTH]) if hint else reply


def hints_for_redirect(case: ErrorCase) -> Iterator[str | None]:
    path = case.context.path
    yield f"{path} needs a trailing slash: call {path}/; most clients follow a redirect with a GET and lose the body"


def hints_for_unauthenticated(case: ErrorCase) -> Iterator[str | None]:
    """Yield the credential that is expected, and what is wrong with the one that was sent."""
    match = case.context.match
    expected = (match.resource.any_route.auth_scheme if match else None) or "Token"
    surface = SURFACE_NAMES[expected]
    if expected == "Bearer" and not case.context.path.startswith("/packages/"):
        surface = case.context.path  # the states module has its path below the guide, but takes a JWT
    scheme, _, token = str(case.context.environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    token = token.strip()
    if not scheme:
        yield f"the Authorization header is missing; {surface} requires {CREDENTIAL_FORMS[expected]}"
    elif scheme.lower() != expected.lower():
        # A single word may be the secret itself, which a hint must not repeat.
        quoted = scheme[:MAX_QUOTED_LENGTH] if token else "one word"
        yield f"{quoted} is not the scheme of {surface}; it requires {CREDENTIAL_FORMS[expected]}"
    elif expected == "Bearer":
        yield jwt_hint(token, case)
    elif token.count(".") == 2:
        yield f"this looks like a JWT; {SURFACE_NAMES['Bearer']} accepts it as Bearer"
    elif token in CREDENTIALS:
        yield INACTIVE_USER.format(role=token)
    else:
        nearest = nearest_name(token[:MAX_QUOTED_LENGTH], CREDENTIALS)
        yield f"known tokens: {', '.join(CREDENTIALS)}" + (f"; nearest: {nearest}" if nearest else "")


def jwt_hint(token: str, case: ErrorCase) -> str:
    """Return why a JWT was refused."""
    if token in CREDENTIALS:
        return f"{token} is a key; the reference requires a JWT with this role, from oms-emulator token {token}"
    try:
        claims = credentials.decode_token(token)
    except credentials.InvalidJwt as error:
        return f"the JWT is invalid: {error}"
    age = case.context.world.clock.now().timestamp() - claims.expires_at
    if age < 0:
        return INACTIVE_USER.format(role=claims.role)
    return f"the JWT expired {age:.0f} seconds ago by the world's clock; oms-emulator token makes another"


def hints_for_forbidden(case: ErrorCase) -> Iterator[str | None]:
    role = str(case.context.info.role)
    if CREDENTIALS[role].may_write:
        return  # the view refused the call, and its own hint says why
    permission = "may only read" if role == "read-only" else "may not call anything"
    yield f"{role} {permission}; full-access may {case.context.method} here"


def hints_for_not_found(case: ErrorCase) -> Iterator[str | None]:
    """Yield what is near a path without an operation, or where a record is that was not found."""
    context = case.context
    if context.match is None:
        yield suggest_operation(context.path, context.method, context.router)
        yield number_hint(case)
        return
    query = context.query
    format_ = context.match.format or query.get("format", ["json"])[-1]
    if format_ not in ("json", ""):
        yield f"format {format_[:MAX_QUOTED_LENGTH]!r} is unknown; json is the only format"
    elif b"Invalid page" in case.reply.body:
        page = query["page"][-1][:MAX_QUOTED_LENGTH]
        yield f"page {page!r} is not a page of this list; ?page=last is the last page"
    elif context.match.has_invalid_id:
        yield number_hint(case)
        yield suggest_operation(context.path, context.method, context.router, current=context.match)
        yield "ids are integers"
    elif "pk" in context.match.path:
        yield from record_hints(case, context.match.path)


def number_hint(case: ErrorCase) -> str | None:
    """Return a hint if the path has the number of a record in place of its id."""
    segments = case.context.path.split("/")
    places = [at for at, name in enumerate(segments) if name in ("packages", "transfer_orders")]
    number = segments[places[0] + 1] if places and len(segments) > places[0] + 1 else ""
    return (
        describe_number(case.context.world.records, case.record_type, number[:MAX_QUOTED_LENGTH]) if number else None
    )


def record_hints(case: ErrorCase, path: Mapping[str, int]) -> Iterator[str | None]:
    """Yield where the record is that the path identifies."""
    view, pk, kind = case.context.world.records, path["pk"], case.record_type
    if view.has(kind, pk):
        yield from nested_record_hints(case, path)
        return
    yield f"no {SUBJECT_NAMES.get(kind, 'denial reason')} has the id {pk}"
    yield from describe_other_kind(view, kind, pk)
    yield describe_number(view, kind, str(pk))
    yield earlier_request_hint(case, pk)
    yield other_worlds_hint(case, kind, pk)


def nested_record_hints(case: ErrorCase, path: Mapping[str, int]) -> Iterator[str | None]:
    """Yield which record a transition log or an event belongs to."""
    view = case.context.world.records
    for key, kind, name in (("log_id", TransitionLog, "transition log"), ("webhook_event_id", WebhookEvent, "event")):
        record: Any = view.get(kind, path[key]) if key in path else None
        if record is not None:
            yield f"{name} {path[key]} belongs to record {record.object_id}, not to {path['pk']}"
        elif key in path:
            yield f"no {name} has the id {path[key]}"
            yield from describe_other_kind(view, kind, path[key])


def earlier_request_hint(case: ErrorCase, pk: int) -> str | None:
    """Return which request in the journal still found the record, or None."""
    record_path = f"{case.context.path.partition(f'/{pk}/')[0]}/{pk}/"
    for exchange in case.context.world.journal.newest_first():
        if exchange.path.startswith(record_path) and exchange.status < 300:
            return f"request {exchange.id} found it; it was undone, deleted or replaced by a restore since then"
    return None


def other_worlds_hint(case: ErrorCase, kind: type[Any], pk: int) -> str | None:
    """Return which other worlds have such a record, or None."""
    names = [name for name in list(case.worlds)[:MAX_WORLDS] if name in case.worlds]
    worlds = ((name, case.worlds.get(name, using=False)) for name in names)
    others = [name for name, world in worlds if world is not case.context.world and world.records.has(kind, pk)]
    prefixes = ", ".join(f"/w/{name}/" for name in others[:MAX_NAMES])
    return f"it exists in another world: {prefixes}" if prefixes else None


def hints_for_wrong_method(case: ErrorCase) -> Iterator[str | None]:
    context = case.context
    if context.match is not None:
        methods = [f"{method} is {route.operation}" for method, route in context.match.resource.routes.items()]
        yield f"{context.method} is not allowed at {context.path}: {', '.join(methods)}"
    yield suggest_operation(context.path, context.method, context.router, current=context.match)


def hints_for_not_acceptable(case: ErrorCase) -> Iterator[str | None]:
    """Yield which media type exists, or why the webhook service refuses: it uses the same status."""
    document = load_json(case.reply.body) if case.reply.body.startswith(b"{") else {}
    if document.keys() != {"detail"}:
        yield WEBHOOK_REFUSALS.get(str(document.get("code")))
        return
    accept = str(case.context.environ.get("HTTP_ACCEPT", ""))[:MAX_QUOTED_LENGTH]
    yield f"JSON is the only format, and Accept {accept!r} excludes it: send application/json or */*"


def hints_for_unsupported_media_type(case: ErrorCase) -> Iterator[str | None]:
    content_type = case.context.content_type[:MAX_QUOTED_LENGTH]
    yield f"Content-Type {content_type!r} is not supported; supported: {', '.join(BODY_PARSERS)}"


def hints_for_throttled(case: ErrorCase) -> Iterator[str | None]:
    role = case.context.info.role
    limits = case.context.world.settings.limits.get(str(role), {})
    rates = ", ".join(f"{scope} {rate}" for scope, rate in limits.items()) or "5 calls in a minute"
    yield f"{role} may {rates}; {THROTTLE_ADVICE}"


def hints_for_bad_request(case: ErrorCase) -> Iterator[str | None]:
    """Yield what would be right in a query or a body."""
    route = case.context.route
    if route is None or not case.reply.body.startswith(b"{"):
        return
    document = load_json(case.reply.body)
    errors = document.get("error", document) if isinstance(document, dict) else {}
    if route.method != "GET":
        yield from body_hints(case, errors, route.doc)
    elif route.filter_set is not None:
        yield from filter_hints(case, errors, route.filter_set)


def filter_hints(case: ErrorCase, errors: Mapping[str, JsonValue], filters: str) -> Iterator[str | None]:
    """Yield which values the filters take whose values are wrong."""
    table = dict(FILTER_SETS[filters].names)
    for name in list(errors)[:MAX_NAMES]:
        if (one := table.get(name)) is not None:
            yield f"{name} requires {FILTER_VALUES[one.value_type]}"
            if name.startswith("state"):
                yield state_hint(case, case.context.query.get(name, [""])[-1])


def state_hint(case: ErrorCase, text: str) -> str | None:
    """Return the id of the state with a name like this, or None."""
    enum = "TransferStatus" if case.record_type is TransferOrder else "PackageStatus"
    states = {each.name: each for each in case.context.world.records.all(State) if each.enum_class == enum}
    nearest = nearest_name(text[:MAX_QUOTED_LENGTH], states)
    return None if nearest is None else f"state {nearest!r} has the id {states[nearest].id}"


def body_hints(case: ErrorCase, errors: Mapping[str, JsonValue], page: str) -> Iterator[str | None]:
    """Yield what is wrong with a body, and the page that documents it."""
    raw = case.context.body_bytes
    if str(errors.get("detail", "")).startswith("JSON parse error"):
        yield "the body is not JSON" + ("; it looks like a form" if b"=" in raw and b"{" not in raw else "")
    if {"transition", "slug"} & errors.keys():
        yield f"page: {page}"
    if "valid choice" in (problem := str(errors.get("event_type"))):
        nearest = nearest_name(problem.partition('"')[2].partition('"')[0], EVENT_NAMES)
        yield "/whisperer/hooks/registry/ lists the event types" + (f"; nearest: {nearest}" if nearest else "")
    if "input_parameters" in errors:
        yield "input_parameters must be an object: {} for a command without parameters"


WEBHOOK_REFUSALS: Mapping[str, str] = {
    "webhook_100_2": "a hook for this address and event type exists, active or not: /whisperer/hooks/ lists it",
    "event_100_3": "an event that was delivered is not sent again, not even with force",
    "event_100_6": 'retries are still scheduled; {"force": true} sends it now',
}
"""Error code of the webhook service -> its hint."""

HINTS: Mapping[int, Callable[[ErrorCase], Iterable[str | None]]] = {
    301: hints_for_redirect,
    400: hints_for_bad_request,
    401: hints_for_unauthenticated,
    403: hints_for_forbidden,
    404: hints_for_not_found,
    405: hints_for_wrong_method,
    406: hints_for_not_acceptable,
    415: hints_for_unsupported_media_type,
    429: hints_for_throttled,
}
"""Status -> the function that yields its hints."""

GUIDE_PREFIX = "/api/v1/oms"
SIMILARITY_THRESHOLD = 0.75
MAX_PATH_LENGTH = 300
REPLACEMENT_CHARACTER = "\ufffd"


def suggest_operation(path: str, method: str, router: Router, current: Match | None = None) -> str | None:
    """Return a hint that names the operation that was probably meant.

    It is at the same path of the other surface, or at the most similar path. `current` is the match of the path
    itself, if only the method is wrong.
    """
    if len(path) > MAX_PATH_LENGTH or "%" in path or REPLACEMENT_CHARACTER in path:
        return None
    if current is None and (hint := suggest_other_surface(path, method, router)) is not None:
        return hint
    route = find_nearest_route(path_template(path), method)
    if route is None:
        return None if current is not None else f"nothing is at {path}; {START_PAGE if path == '/' else ROUTE_LIST}"
    if current is not None and route in current.resource.routes.values():
        return None
    return f"nearest: {route.operation}, {route.method} {route.path}"


def suggest_other_surface(path: str, method: str, router: Router) -> str | None:
    """Return a hint that names the operation at the same path of the other surface, or None."""
    rest = with_slash(path).removeprefix(GUIDE_PREFIX)
    for surface, other in (("the guide", GUIDE_PREFIX + rest), ("the reference", rest)):
        match = router.match(other) if other != with_slash(path) else None
        if match is not None:
            route = match.resource.route(method) or match.resource.any_route
            return f"nothing is at {path}; {surface} has {route.operation} at {other}"
    return None


def with_slash(path: str) -> str:
    return path if path.endswith("/") else path + "/"


def path_template(path: str) -> str:
    """Replace the integers of a path, so that it can be compared with the paths of routes."""
    parts = with_slash(path).lower().split("/")
    return "/".join("<>" if part.isascii() and part.isdigit() else part for part in parts)


@cache_short(256)
def find_nearest_route(template: str, method: str) -> Route | None:
    """Return the route with the most similar path, or None. A route with the same method wins a tie."""
    scores = [(path_similarity(template, route), route.method == method, -at) for at, route in enumerate(ROUTES)]
    best = max(scores)
    return ROUTES[-best[2]] if best[0] >= SIMILARITY_THRESHOLD else None


def path_similarity(template: str, route: Route) -> float:
    """Return the similarity of two paths, or 0 if cheap upper bounds show that it is below the threshold."""
    names = "/".join("<>" if part.startswith("<") else part for part in route.path.split("/"))
    matcher = SequenceMatcher(None, template.replace("-", "_"), names.replace("-", "_"), autojunk=False)
    bounds = (matcher.real_quick_ratio, matcher.quick_ratio)
    return 0.0 if any(bound() < SIMILARITY_THRESHOLD for bound in bounds) else matcher.ratio()
