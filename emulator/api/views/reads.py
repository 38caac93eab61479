"""Read handlers: details, lists, and lists of the logs or events of one record."""

from __future__ import annotations

from collections.abc import Callable

from emulator.api.filters import FilterSet, ListQuery
from emulator.api.filters.query import find_ids
from emulator.api.parameters import Page, paginate
from emulator.api.serializers.cache import render_cache
from emulator.api.serializers.documents import render_document
from emulator.api.serializers.rendering import page_json
from emulator.core.call import Call, Reply
from emulator.core.errors import NotFound
from emulator.core.records import RecordKind, State, TransitionLog
from emulator.state.store import Snapshot
from emulator.state.world import World

ViewFunction = Callable[[Call, World], Reply]

GUIDE_PAGE_SIZE = 10
REFERENCE_PAGE_SIZE = 20


def detail_view(shape: str) -> ViewFunction:
    """Return a handler for the record in the path."""

    def handle(call: Call, world: World) -> Reply:
        body = render_document(shape, call.path["pk"], world.records, call.language, render_cache(world))
        if body is None:
            raise NotFound
        return Reply(200, body)

    return handle


def list_view(
    shape: str, kind: RecordKind, *, size: int = GUIDE_PAGE_SIZE, size_parameter: str = "limit"
) -> ViewFunction:
    """Return a handler that lists the records of a kind that match the request, by default the newest first."""
    everything = ListQuery(FilterSet(kind))

    def handle(call: Call, world: World) -> Reply:
        root = world.records
        ids = find_ids(root, call.list_query or everything)
        asked = paginate(call, ids, size, newest_first=False, size_parameter=size_parameter)
        return render_page(call, world, root, shape, asked)

    return handle


def related_list_view(
    shape: str, owner: RecordKind, kind: RecordKind, *, size: int = GUIDE_PAGE_SIZE
) -> ViewFunction:
    """Return a handler that lists the logs (newest first) or events (oldest first) of the record in the path."""

    def handle(call: Call, world: World) -> Reply:
        root = world.records
        ids = root.related(kind, "subject", get_subject_or_404(root, owner, call.path["pk"]))
        asked = paginate(call, ids, size, newest_first=kind is TransitionLog)
        return render_page(call, world, root, shape, asked)

    return handle


def related_detail_view(shape: str, owner: RecordKind, kind: RecordKind, key: str) -> ViewFunction:
    """Return a handler for one log or event of the record in the path."""

    def handle(call: Call, world: World) -> Reply:
        root = world.records
        id_ = call.path[key]
        if id_ not in root.related(kind, "subject", get_subject_or_404(root, owner, call.path["pk"])):
            raise NotFound
        return Reply(200, render_document(shape, id_, root, call.language, render_cache(world)) or b"")

    return handle


def get_subject_or_404(root: Snapshot, owner: RecordKind, pk: int) -> tuple[int, int]:
    """Return content type and id of a record, the key of its logs and events. Raise `NotFound` if there is none."""
    record = root.get(owner, pk) if root.has(owner, pk) else None
    if record is None:
        raise NotFound
    return root.get_existing(State, record.state).content_type, pk


def render_page(call: Call, world: World, root: Snapshot, shape: str, page: Page) -> Reply:
    """Return the response with the documents of a page."""
    results = (render_document(shape, id_, root, call.language, render_cache(world)) or b"" for id_ in page.ids)
    return Reply(200, page_json(page.count, page.next, page.previous, results))
