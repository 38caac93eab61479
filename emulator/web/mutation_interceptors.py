"""Observes and changes the exchanges of all emulators of a process, for suite mutation.

An `Observer` finds the mutations that a suite can notice. A `Mutator` applies one of them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import unquote

from emulator.api.routes import Route
from emulator.api.serializers.rendering import to_json
from emulator.core.call import Reply
from emulator.core.errors import ServerError
from emulator.core.json_text import JsonValue
from emulator.core.schemas import is_nullable
from emulator.domain.webhook_retries import SIGNATURE_HEADER
from emulator.state.journal import TEST_HEADER
from emulator.web.app import EmulatorApp
from emulator.web.context import RequestContext
from emulator.web.mutations import (
    KINDS,
    MUTATION_HEADER,
    PAGE_KEYS,
    Exchange,
    Mutation,
    Proceed,
    find_values,
    parse_json,
)
from emulator.worlds.webhooks.delivery import Deliverer, DeliveryPlan


@contextmanager
def intercepting(interceptor: Observer | Mutator) -> Iterator[None]:
    """Pass the requests and deliveries of all emulators of the process to the interceptor, inside the block."""
    EmulatorApp.interceptor = Deliverer.interceptor = interceptor
    try:
        yield
    finally:
        EmulatorApp.interceptor = Deliverer.interceptor = None


class Observer:
    """Finds the mutations that a suite can notice. It changes nothing."""

    def __init__(self) -> None:
        self.requests = 0
        self.exercised: set[Mutation] = set()
        """Mutations that the suite causes without us, such as an event that a delivery fault sends twice."""
        self.reads: dict[str, set[str]] = {}
        """Operation -> paths of the keys that the client read. Without an operation, its reads are not known."""
        self._found: dict[Mutation, None] = {}
        self._responses: dict[bytes, Route] = {}
        """Body of each response with a document -> route."""
        self._tests: dict[Mutation, set[str]] = {}
        """Mutation -> the tests that can notice it, whose names the client sent."""

    def operation_of(self, body: bytes) -> str | None:
        """Return the operation that sent this body."""
        route = self._responses.get(body)
        return None if route is None else route.operation

    def respond(self, context: RequestContext, proceed: Proceed) -> Reply:
        self.requests += 1
        if context.route is None:
            return proceed(context)
        exchange, operation = Exchange(context, context.route, proceed), context.route.operation
        found = [Mutation(kind, operation, each) for kind in KINDS for each in sorted(KINDS[kind].find(exchange))]
        self._found |= dict.fromkeys(found)
        reply = exchange.reply
        if 200 <= reply.status < 300 and reply.body:
            self._responses[reply.body] = exchange.route
        if (test := context.environ.get(TEST_HEADER)) is not None:
            self._add_test(unquote(test), [*found, *self._mutations_of_keys(reply.body, exchange.route)])
        if reply.status == 429 and "Retry-After" not in reply.headers:
            self.exercised.add(Mutation("retry-after-missing", operation))
        return reply

    def change_plan(self, event_type: str, plan: DeliveryPlan) -> DeliveryPlan:
        for kind, rules in KINDS.items():
            if rules.change_plan is not None and (kind != "signature-wrong" or SIGNATURE_HEADER in plan.headers):
                self._found[Mutation(kind, event_type)] = None
        if plan.request_count > 1:
            self.exercised.add(Mutation("event-twice", event_type))
        return plan

    def mutations(self) -> list[Mutation]:
        """Return the mutations of what the client used. Keys that it did not read are not part of it."""
        found = [each for each in self._found if self._is_needed(each)]
        keys = {
            each: None for body, route in self._responses.items() for each in self._mutations_of_keys(body, route)
        }
        return [*found, *keys]

    def _add_test(self, test: str, mutations: Iterable[Mutation]) -> None:
        for each in mutations:
            self._tests.setdefault(each, set()).add(test)

    def tests_of(self, mutation: Mutation) -> list[str]:
        """Return the tests that can notice a mutation, if the client sent their names.

        The nearest comes first: the one that can notice the fewest mutations.
        """
        counts = Counter(test for tests in self._tests.values() for test in tests)
        return sorted(self._tests.get(mutation, ()), key=lambda test: (counts[test], test))

    def _is_needed(self, mutation: Mutation) -> bool:
        needed, reads = KINDS[mutation.kind].needs, self.reads.get(mutation.operation)
        return not needed or reads is None or needed in reads

    def _mutations_of_keys(self, body: bytes, route: Route) -> Iterator[Mutation]:
        schema = route.responses.get(200) or route.responses.get(201)
        if schema is None or (document := parse_json(body)) is None:
            return
        for path in self._paths(document, route):
            value = next((each for each in find_values(document, path) if each is not None), None)
            for kind, rules in KINDS.items():
                if value is not None and rules.fits_key is not None and rules.fits_key(schema, path, value):
                    yield Mutation(kind, route.operation, path)

    def _paths(self, document: JsonValue, route: Route) -> list[str]:
        """Return the paths of the keys that the client read. If they are not known, assume the nullable keys."""
        if (reads := self.reads.get(route.operation)) is not None:
            return sorted(reads - PAGE_KEYS)
        schema, is_page = str(route.responses.get(200)), route.is_paginated
        rows = find_values(document, "results") if is_page else [document]
        objects = [each for row in rows for each in (row if isinstance(row, list) else [row])]
        keys = {key for each in objects if isinstance(each, dict) for key in each}
        paths = [f"results.{key}" if is_page else key for key in sorted(keys)]
        return [path for path in paths if is_nullable(schema, path)]


class Mutator:
    """Changes one behaviour, and counts how often. After too many requests, it replies with errors only."""

    def __init__(self, mutation: Mutation, max_requests: float = math.inf) -> None:
        self.mutation, self.changes = mutation, 0
        self._kind, self._remaining = KINDS[mutation.kind], max_requests
        self._offered: dict[str, bool] = {}
        """URL of each page after one that changed -> whether the client requested it."""

    @property
    def is_handled(self) -> bool:
        """Whether the client adapted: it requested all pages, although they have another size."""
        return self.mutation.kind == "page-halved" and bool(self._offered) and all(self._offered.values())

    def respond(self, context: RequestContext, proceed: Proceed) -> Reply:
        self._remaining -= 1
        if self._remaining < 0:
            return self._marked(Reply(500, to_json(ServerError().body)))
        if context.route is None or context.route.operation != self.mutation.operation:
            return proceed(context)
        exchange = Exchange(context, context.route, proceed)
        if exchange.url in self._offered:
            self._offered[exchange.url] = True
        changed = self._kind.change(exchange, self.mutation.detail)
        if changed is None:
            return exchange.reply
        self.changes += 1
        for link in find_values(parse_json(changed.body), "next"):
            self._offered.setdefault(str(link), link is None)
        return self._marked(changed)

    def _marked(self, reply: Reply) -> Reply:
        return reply._replace(headers={**reply.headers, MUTATION_HEADER: self.mutation.name})

    def change_plan(self, event_type: str, plan: DeliveryPlan) -> DeliveryPlan:
        if self._kind.change_plan is None or event_type != self.mutation.operation:
            return plan
        self.changes += 1
        return self._kind.change_plan(plan)
