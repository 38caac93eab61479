"""A decoded record equals the encoded record, for all kinds and values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.core.records import KINDS, OMITTED, Omitted, Package, WebhookEvent
from emulator.state.record_codec import decode_record, encode_record
from emulator.state.store import Snapshot
from tests.support.worlds import build_world

ZONES = st.sampled_from([UTC, timezone(timedelta(hours=3))])
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(),
    str: st.text(alphabet=st.characters()) | st.just("\ud800"),
    bool: st.booleans(),
    bytes: st.sampled_from([b"{}", b'{"a":[1,null]}', b'["\xc3\xbc"]', b"null"]),
    datetime: st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=ZONES),  # noqa: DTZ001 - bounds
    Omitted: st.just(OMITTED),
    type(None): st.none(),
    Any: st.none(),
}


def records_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind).values()
    return st.tuples(*(st.one_of([VALUES[each] for each in get_args(hint) or (hint,)]) for hint in hints)).map(
        kind._make
    )


def no_snapshot(number: int) -> Snapshot:
    raise AssertionError(number)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_decoded_record_equals_the_encoded_record(kind: type[Any], data: st.DataObject) -> None:
    record = data.draw(records_of(kind))
    text = encode_record(record)
    assert b"\n" not in text
    assert decode_record(kind, text, no_snapshot) == record


def test_an_event_refers_to_the_snapshot_of_its_step() -> None:
    root = Snapshot(build_world().base, {}, 17)
    asked: list[int] = []
    event = WebhookEvent(1, 2, 3, 4, snapshot=root)

    def snapshot_at(number: int) -> Snapshot:
        asked.append(number)
        return root

    assert decode_record(WebhookEvent, encode_record(event), snapshot_at) == event
    assert asked == [17]


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b"null", b"[" * 9999, b'["' + b"x" * 9 + b'"]'])
def test_a_text_that_is_not_a_record_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="no package"):
        decode_record(Package, text, no_snapshot)
