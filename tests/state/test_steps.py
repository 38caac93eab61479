"""Steps are encoded as lines and kept in order. Copies of a log do not affect each other."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from emulator.core import json_text
from emulator.core.fields import Form, Upload
from emulator.state.steps import Step, StepLog

AT = datetime(2026, 3, 2, 9, 0, 0, 5, tzinfo=UTC)
STEPS = [
    Step("command_package", {"pk": 7}, "admin", "tr-tr", "00000001", {"slug": "x"}, AT),
    Step("invoice_package", {"pk": 7}, "admin", None, "00000002", None, AT),
    Step("control_put_stock", {"location_id": 1, "sku": "A/b"}, None, None, None, {"quantity": 1}, AT),
    Step("set_package_remote_id", {"pk": 7}, "admin", None, "00000003", {}, AT),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.operation)
def test_a_step_can_be_decoded_from_its_line(step: Step) -> None:
    line = step.encode()
    assert b"\n" not in line
    assert Step.from_document(json_text.load_json(line)) == step


def test_a_decoded_form_has_the_same_order_and_the_names_of_files() -> None:
    form = Form([("a", "1"), ("b", "ü"), ("a", "2"), ("f", Upload("photo.png"))])
    again = Step.from_document(json_text.load_json(Step("x", body=form).encode())).body
    assert {name: again.getlist(name) for name in again} == {"a": ["1", "2"], "b": ["ü"], "f": ["photo.png"]}


def test_missing_keys_of_a_document_have_defaults() -> None:
    assert Step.from_document({"operation": "x"}, "admin") == Step("x", user="admin")
    assert Step.from_document({"operation": "x", "as": None}, "admin").user is None


def test_the_body_of_a_step_is_read_at_the_time_of_the_write() -> None:
    body: dict[str, Any] = {}
    pending = Step("x", body="before")
    body["read"] = 1
    assert pending.complete(AT, lambda: body) == Step("x", body={"read": 1}, at=AT)
    assert Step("x", body="sent").complete(AT, None).body == "sent"


@pytest.mark.medium
def test_a_log_has_the_same_content_as_a_list() -> None:
    """The log is tested by random appends, pops and copies, across compressed blocks."""
    dice = Random(5)
    pairs: list[tuple[StepLog, list[bytes]]] = [(StepLog(), [])]
    for number in range(20_000):
        log, model = dice.choice(pairs)
        if dice.random() < 0.75:
            log.append(b"%d" % number)
            model.append(b"%d" % number)
        elif model:
            assert log.pop() == model.pop()
        if dice.random() < 0.0005:
            pairs.append((log.copy(), list(model)))
    assert max(len(model) for _, model in pairs) > 3 * StepLog.BLOCK
    for log, model in pairs:
        assert (list(log), len(log)) == (model, len(model))
        assert [log.pop() for _ in model] == model[::-1]
        with pytest.raises(IndexError):
            log.pop()
