"""Hints for refusals: what was nearly right, where an id belongs, what would be let in. Never in the body."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from emulator.core import jwts
from emulator.core.credentials import CREDENTIALS
from emulator.core.exchange import Reply
from emulator.core.records import Package, State, TransferOrder, TransitionLog, Webhook, WebhookEvent
from emulator.routes import Route
from emulator.rules.explaining import SUBJECT_NAMES, by_number, near, of_other_kind
from emulator.rules.filters import FILTER_SETS
from emulator.web.dispatch import Arrival, hint_header, parsed_query
from emulator.web.negotiation import PARSERS
from emulator.web.places import place_hint
from emulator.web.routing import Match, Router
from emulator.worlds import Worlds

SURFACES = {"Token": "the guide surface (/api/v1/oms/)", "Bearer": "the reference surface (/packages/)"}
PLACES: Mapping[str, type[Any]] = {
    "/transfer_orders/": TransferOrder,
    "/whisperer/hooks/": Webhook,
    "/whisperer/hook_events/": WebhookEvent,
}
"""Part of a path -> the records that its `pk` names; elsewhere it names a package."""
FORMS = {
    "number": "a number",
    "boolean": "true or false",
    "null_boolean": "true or false",
    "choice": "the id of a record that is there",
    "uuid": "a UUID",
    "datetime": "a time like 2023-04-05T09:00:00Z",
    "date": "a day like 2023-04-05",
    "number_list": "numbers with commas between",
    "char_list": "texts with commas between",
    "char": "a text",
}
"""Type of a filter -> what it takes."""
MOST_WORLDS, MOST_NAMED = 100, 3
LONGEST_NAMED = 80
LONGEST_HINT = 4_000
WINDOW = "calls are counted by the world's clock: POST /__admin/clock/advance, or wait"


class Case(NamedTuple):
    """A refusal to explain."""

    arrival: Arrival
    reply: Reply
    match: Match | None
    router: Router
    worlds: Worlds

    @property
    def route(self) -> Route | None:
        return None if self.match is None else self.match.resource.route(self.arrival.method)

    @property
    def kind(self) -> type[Any]:
        """The kind of record that the path is about."""
        return next((kind for place, kind in PLACES.items() if place in self.arrival.path), Package)


def explained(arrival: Arrival, reply: Reply, router: Router, worlds: Worlds) -> Reply:
    """Give a refusal with all that can be said of it in its hint."""
    case = Case(arrival, reply, router.match(arrival.path), router, worlds)
    hint = hint_header("; ".join(told_of(case))[:LONGEST_HINT])["X-Emulator-Hint"]
    known = reply.headers.get("X-Emulator-Hint")
    if not hint:
        return reply
    return replace(reply, headers={**reply.headers, "X-Emulator-Hint": f"{known}; {hint}" if known else hint})


def told_of(case: Case) -> Iterator[str]:
    explain = EXPLAIN.get(case.reply.status)
    return iter(()) if explain is None else (text for text in explain(case) if text)


def redirected(case: Case) -> Iterator[str | None]:
    yield (
        f"{case.arrival.path} lacks its last slash: call {case.arrival.path}/;"
        " most clients follow a redirect with a GET and lose the body"
    )


def unauthenticated(case: Case) -> Iterator[str | None]:
    """Say which credentials are asked for, and what those that came are."""
    wanted = (case.match.resource.any.scheme if case.match else None) or "Token"
    scheme, _, token = str(case.arrival.environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    token = token.strip()
    form = {"Token": "Token <key>, such as Token full-access", "Bearer": "Bearer <JWT>, from oms-emulator token"}[
        wanted
    ]
    if not scheme:
        yield f"no Authorization header came; {SURFACES[wanted]} takes {form}"
    elif scheme.lower() != wanted.lower():
        # A lone word may be the key itself, which no hint may tell.
        named = scheme[:LONGEST_NAMED] if token else "one word"
        yield f"{named} is not the scheme of {SURFACES[wanted]}; it takes {form}"
    elif wanted == "Token" and token.count(".") == 2:
        yield f"that looks like a JWT, which {SURFACES['Bearer']} takes as Bearer"
    elif wanted == "Token" and token not in CREDENTIALS:
        nearest = near(token[:LONGEST_NAMED], CREDENTIALS)
        yield f"known tokens: {', '.join(CREDENTIALS)}" + (f"; nearest: {nearest}" if nearest else "")
    elif wanted == "Bearer":
        yield about_jwt(token, case)


def about_jwt(token: str, case: Case) -> str:
    """Say what is wrong with a JWT."""
    if token in CREDENTIALS:
        return f"{token} is a key: the reference takes a JWT with this role, from oms-emulator token {token}"
    try:
        claims = jwts.read(token)
    except jwts.InvalidJwt as error:
        return f"the JWT is not one of ours: {error}"
    late = case.arrival.world.clock.now().timestamp() - claims.expires_at
    return f"the JWT expired {late:.0f} seconds ago by the world's clock; oms-emulator token makes another"


def forbidden(case: Case) -> Iterator[str | None]:
    role = str(case.arrival.seen.token)
    may = "may only read" if role == "read-only" else "may do nothing"
    yield f"{role} {may}; full-access may {case.arrival.method} here"


def absent(case: Case) -> Iterator[str | None]:
    """Say what is at a path where nothing is, or whose id it is that no record has."""
    if case.match is None:
        yield place_hint(case.arrival.path, case.arrival.method, case.router)
        yield number_hint(case)
        return
    query = parsed_query(case.arrival.query, "")
    if query.get("format", ["json"])[-1] not in ("json", ""):
        yield f"format {query['format'][-1][:LONGEST_NAMED]!r} is not known; json is the only one"
    elif b"Invalid page" in case.reply.body:
        yield f"page {query['page'][-1][:LONGEST_NAMED]!r} is no page of this list; ?page=last names the last one"
    elif "pk" in case.match.path:
        yield from missing(case, case.match.path)


def number_hint(case: Case) -> str | None:
    """Say whose number it is that stands in a path where an id belongs."""
    segments = case.arrival.path.split("/")
    places = [at for at, name in enumerate(segments) if name in ("packages", "transfer_orders")]
    text = segments[places[0] + 1] if places and len(segments) > places[0] + 1 else ""
    return by_number(case.arrival.world.root, case.kind, text[:LONGEST_NAMED]) if text else None


def missing(case: Case, path: Mapping[str, int]) -> Iterator[str | None]:
    """Say where the record is that the path names."""
    world, pk, kind = case.arrival.world, path["pk"], case.kind
    name = SUBJECT_NAMES[kind]
    if world.root.has(kind, pk):
        yield from missing_part(case, path)
        return
    yield f"no {name} has the id {pk}"
    yield from of_other_kind(world.root, kind, pk)
    yield from filter(None, (by_number(world.root, kind, str(pk)), formerly(case, pk), elsewhere(case, kind, pk)))


def missing_part(case: Case, path: Mapping[str, int]) -> Iterator[str | None]:
    """Say whose log or event it is."""
    for key, kind, what in (("log_id", TransitionLog, "transition log"), ("webhook_event_id", WebhookEvent, "event")):
        record: Any = case.arrival.world.root.get(kind, path[key]) if key in path else None
        if record is not None:
            yield f"{what} {path[key]} belongs to record {record.object_id}, not to {path['pk']}"
        elif key in path:
            yield f"no {what} has the id {path[key]}"
            yield from of_other_kind(case.arrival.world.root, kind, path[key])


def formerly(case: Case, pk: int) -> str | None:
    """Say when the record was seen last, should it have been there."""
    place = f"{case.arrival.path.partition(f'/{pk}/')[0]}/{pk}/"
    for exchange in case.arrival.world.journal.newest_first():
        if exchange.path.startswith(place) and exchange.status < 300:
            return f"it was there in request {exchange.id}, and was undone, restored over or deleted since"
    return None


def elsewhere(case: Case, kind: type[Any], pk: int) -> str | None:
    """Name the worlds in which there is such a record."""
    names = [name for name in list(case.worlds)[:MOST_WORLDS] if name in case.worlds]
    others = [name for name in names if case.worlds.named(name, using=False) is not case.arrival.world]
    found = [name for name in others if case.worlds.named(name, using=False).root.has(kind, pk)][:MOST_NAMED]
    return f"in another world it is there: {', '.join(f'/w/{name}/' for name in found)}" if found else None


def wrong_method(case: Case) -> Iterator[str | None]:
    if case.match is not None:
        own = [f"{method} is {route.operation}" for method, route in case.match.resource.routes.items()]
        yield f"{case.arrival.method} is not allowed at {case.arrival.path}: {', '.join(own)}"
    yield place_hint(case.arrival.path, case.arrival.method, case.router, other_than=case.match)


def unacceptable(case: Case) -> Iterator[str | None]:
    """Say what form there is, or why the sender of webhooks will not: it uses the same status."""
    answered = orjson.loads(case.reply.body) if case.reply.body.startswith(b"{") else {}
    if answered.keys() != {"detail"}:
        yield UNWILLING.get(answered.get("code"))
        return
    accept = str(case.arrival.environ.get("HTTP_ACCEPT", ""))[:LONGEST_NAMED]
    yield f"JSON is the only form there is; Accept {accept!r} takes none: send application/json or */*"


def unparsable(case: Case) -> Iterator[str | None]:
    sent = str(case.arrival.environ.get("CONTENT_TYPE", ""))[:LONGEST_NAMED]
    yield f"Content-Type {sent!r} is not read here; known: {', '.join(PARSERS)}"


def throttled(case: Case) -> Iterator[str | None]:
    limits = case.arrival.world.settings.limits.get(str(case.arrival.seen.token), {})
    told = ", ".join(f"{scope} {rate}" for scope, rate in limits.items()) or "5 calls in a minute"
    yield f"{case.arrival.seen.token} may {told}; {WINDOW}"


def invalid(case: Case) -> Iterator[str | None]:
    """Say what would have been right in a query or a body."""
    if case.route is None or not case.reply.body.startswith(b"{"):
        return
    document = orjson.loads(case.reply.body)
    errors = document.get("error", document) if isinstance(document, dict) else {}
    if case.route.method == "GET":
        yield from wrong_filters(case, errors)
    else:
        yield from wrong_body(case, errors)


def wrong_filters(case: Case, errors: Mapping[str, Any]) -> Iterator[str | None]:
    """Say what the filters take that have wrong values."""
    filters = dict(FILTER_SETS[case.route.filters].names) if case.route and case.route.filters else {}
    query = parsed_query(case.arrival.query, "")
    for name in list(errors)[:MOST_NAMED]:
        if (one := filters.get(name)) is not None:
            yield f"{name} takes {FORMS[one.type]}"
            if name.startswith("state"):
                yield state_hint(case, query.get(name, [""])[-1])


def state_hint(case: Case, text: str) -> str:
    """Say which state a text names or nearly names."""
    enum = "TransferStatus" if case.kind is TransferOrder else "PackageStatus"
    states = {each.name: each for each in case.arrival.world.root.all(State) if each.enum_class == enum}
    nearest = near(text[:LONGEST_NAMED], states)
    return "" if nearest is None else f"state {nearest!r} has the id {states[nearest].id}"


def wrong_body(case: Case, errors: Mapping[str, Any]) -> Iterator[str | None]:
    """Say what the body lacks or nearly had."""
    sent = case.arrival.seen.body
    detail = str(errors.get("detail", ""))
    if detail.startswith("JSON parse error"):
        yield "the body is no JSON" + ("; it looks like a form" if b"=" in sent and b"{" not in sent else "")
    if {"transition", "slug"} & errors.keys() and case.route is not None:
        yield f"page: {case.route.doc}"
    if "input_parameters" in errors:
        yield "input_parameters is an object, {} for a command that takes nothing"


UNWILLING: Mapping[Any, str] = {
    "webhook_100_2": "there is a hook for this address and type, on or off: /whisperer/hooks/ lists it",
    "event_100_3": "an event that was delivered is not sent again, not even with force",
    "event_100_6": 'the sender still tries by itself; {"force": true} sends it now',
}
"""Code of the sender of webhooks -> what can be said of it."""

EXPLAIN: Mapping[int, Callable[[Case], Iterable[str | None]]] = {
    301: redirected,
    400: invalid,
    401: unauthenticated,
    403: forbidden,
    404: absent,
    405: wrong_method,
    406: unacceptable,
    415: unparsable,
    429: throttled,
}
"""Status -> what can be said of it."""
