"""Read views: details, lists, and lists of the logs, events or items of one record."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from emulator.api.filters import FilterSet, ListQuery
from emulator.api.filters.query import find_ids
from emulator.api.parameters import Page, paginate
from emulator.api.serializers import render_document
from emulator.api.serializers.rendering import page_json, render_cache
from emulator.core.call import Call, Reply
from emulator.core.errors import NotFound
from emulator.core.records import Package, PackageItem, RecordKind, State, TransitionLog, User
from emulator.state.store import Reader, Snapshot
from emulator.state.world import World

R = TypeVar("R")
ViewFunction = Callable[[Call, World], Reply]

GUIDE_PAGE_SIZE = 10
REFERENCE_PAGE_SIZE = 20


def detail_view(serializer: str) -> ViewFunction:
    """Return a view for the record in the path."""

    def view(call: Call, world: World) -> Reply:
        return Reply(200, render(serializer, call.path["pk"], call, world))

    return view


def list_view(
    serializer: str, kind: RecordKind, *, size: int = GUIDE_PAGE_SIZE, size_parameter: str = "limit"
) -> ViewFunction:
    """Return a view that lists the records of a kind that match the request, by default the newest first."""
    all_records = ListQuery(FilterSet(kind))

    def view(call: Call, world: World) -> Reply:
        snapshot = world.records
        ids = find_ids(snapshot, call.list_query or all_records)
        page = paginate(call, ids, size, newest_first=False, size_parameter=size_parameter)
        return render_page(call, world, snapshot, serializer, page)

    return view


def related_list_view(
    serializer: str, owner: RecordKind, kind: RecordKind, *, size: int = GUIDE_PAGE_SIZE
) -> ViewFunction:
    """Return a view that lists the logs (newest first) or events (oldest first) of the record in the path."""

    def view(call: Call, world: World) -> Reply:
        snapshot = world.records
        ids = snapshot.related(kind, "subject", get_subject_or_404(snapshot, owner, call.path["pk"]))
        page = paginate(call, ids, size, newest_first=kind is TransitionLog)
        return render_page(call, world, snapshot, serializer, page)

    return view


def related_detail_view(serializer: str, owner: RecordKind, kind: RecordKind, key: str) -> ViewFunction:
    """Return a view for one log or event of the record in the path."""

    def view(call: Call, world: World) -> Reply:
        id_ = call.path[key]
        subject = get_subject_or_404(world.records, owner, call.path["pk"])
        if id_ not in world.records.related(kind, "subject", subject):
            raise NotFound
        return Reply(200, render(serializer, id_, call, world))

    return view


def list_package_items(call: Call, world: World) -> Reply:
    """List the package's items, oldest first."""
    snapshot = world.records
    package = get_or_404(snapshot, Package, call.path["pk"])
    ids = snapshot.related(PackageItem, "package", package.id)
    page = paginate(call, ids, REFERENCE_PAGE_SIZE, newest_first=False)
    return render_page(call, world, snapshot, "reference-package-item-row", page)


def get_or_404(reader: Reader, kind: type[R], pk: int) -> R:
    """Return the record in the path. Raise `NotFound` if it does not exist."""
    if (record := reader.get(kind, pk)) is None:
        raise NotFound
    return record


def find_user(reader: Reader, username: str | None) -> User | None:
    """Return the installation's user with this name, or None."""
    return next((user for user in reader.all(User) if user.username == username), None)


def get_subject_or_404(reader: Reader, owner: RecordKind, pk: int) -> tuple[int, int]:
    """Return the key of a record's logs and events: content type and id. Raise `NotFound` if it is missing."""
    record = get_or_404(reader, owner, pk)
    return reader.get_existing(State, record.state).content_type, pk


def render(serializer: str, id_: int, call: Call, world: World) -> bytes:
    """Return the document of a record. Raise `NotFound` if the record does not exist."""
    body = render_document(serializer, id_, world.records, call.language, render_cache(world))
    if body is None:
        raise NotFound
    return body


def render_page(call: Call, world: World, snapshot: Snapshot, serializer: str, page: Page) -> Reply:
    """Return the response with the documents of a page."""
    cache = render_cache(world)
    results = (render_document(serializer, id_, snapshot, call.language, cache) or b"" for id_ in page.ids)
    return Reply(200, page_json(page.count, page.next, page.previous, results))
