"""Reads: one document, a page of all, a page of what belongs to one record. Made by these few functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from emulator.core.errors import NotFound
from emulator.core.exchange import Call, Reply
from emulator.core.records import State, TransitionLog
from emulator.core.store import Root
from emulator.core.world import World
from emulator.params.pagination import Page, paginate
from emulator.rules.filters import FilterSet, ListQuery
from emulator.rules.filters.query import find_ids
from emulator.shapes.cache import render_cache
from emulator.shapes.documents import render_document
from emulator.shapes.rendering import page_json

Handler = Callable[[Call, World], Reply]

GUIDE_PAGE_SIZE = 10
REFERENCE_PAGE_SIZE = 20


def detail(shape: str) -> Handler:
    """Give a handler that answers with the record of the path."""

    def handle(call: Call, world: World) -> Reply:
        body = render_document(shape, call.path["pk"], world.root, call.language, render_cache(world))
        if body is None:
            raise NotFound
        return Reply(200, body)

    return handle


def listing(shape: str, kind: type[Any], *, size: int = GUIDE_PAGE_SIZE, size_parameter: str = "limit") -> Handler:
    """Give a handler that answers with a page of the records of a kind that the call wants, newest first unless it
    or its row's filters say otherwise.
    """
    everything = ListQuery(FilterSet(kind))

    def handle(call: Call, world: World) -> Reply:
        root = world.root
        ids = find_ids(root, call.wanted or everything)
        asked = paginate(call, ids, size, newest_first=False, size_parameter=size_parameter)
        return answer_page(call, world, root, shape, asked)

    return handle


def belonging(shape: str, owner: type[Any], kind: type[Any], *, size: int = GUIDE_PAGE_SIZE) -> Handler:
    """Give a handler for a page of what belongs to the record of the path: logs newest first, events oldest first."""

    def handle(call: Call, world: World) -> Reply:
        root = world.root
        ids = root.related(kind, "subject", subject_of(root, owner, call.path["pk"]))
        return answer(call, world, root, shape, ids, size, newest_first=kind is TransitionLog)

    return handle


def belonging_detail(shape: str, owner: type[Any], kind: type[Any], key: str) -> Handler:
    """Give a handler for one of what belongs to the record of the path; another record's is not found."""

    def handle(call: Call, world: World) -> Reply:
        root = world.root
        id_ = call.path[key]
        if id_ not in root.related(kind, "subject", subject_of(root, owner, call.path["pk"])):
            raise NotFound
        return Reply(200, render_document(shape, id_, root, call.language, render_cache(world)) or b"")

    return handle


def subject_of(root: Root, owner: type[Any], pk: int) -> tuple[int, int]:
    """Give content type and id of the record, by which logs and events name it; `NotFound` if there is none."""
    record = root.get(owner, pk) if root.has(owner, pk) else None
    if record is None:
        raise NotFound
    return root.one(State, record.state).content_type, pk


def answer(  # noqa: PLR0913 - a page is made of these
    call: Call, world: World, root: Root, shape: str, ids: Sequence[int], size: int, *, newest_first: bool
) -> Reply:
    """Give the page of these ids that the call asks for."""
    return answer_page(call, world, root, shape, paginate(call, ids, size, newest_first=newest_first))


def answer_page(call: Call, world: World, root: Root, shape: str, asked: Page) -> Reply:
    """Give the documents of a page."""
    results = (render_document(shape, id_, root, call.language, render_cache(world)) or b"" for id_ in asked.ids)
    return Reply(200, page_json(asked.count, asked.next, asked.previous, results))
