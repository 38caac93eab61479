"""The stand-ins for orjson and rpds behave as the compiled packages do, on CPython."""

from __future__ import annotations

import dataclasses
import enum
import importlib.util
import json
import math
import os
import random
import re
import struct
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest
import rpds
from hypothesis import given
from hypothesis import strategies as st

STAND_INS = Path(__file__).resolve().parents[2] / "npm" / "python" / "stand_ins"


def load(name: str) -> ModuleType:
    """Return a stand-in under another name than the package that it replaces."""
    spec = importlib.util.spec_from_file_location(f"stand_in_{name}", STAND_INS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


JSON, TREES = load("orjson"), load("rpds")


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    y: float


def result_of(call: Any, *arguments: Any, **options: Any) -> Any:
    """Return the result of a call, or the name of its error."""
    try:
        return call(*arguments, **options)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        return next(name for name, kind in ERRORS if isinstance(error, kind))


ERRORS = (("ValueError", ValueError), ("TypeError", TypeError), ("KeyError", KeyError), ("IndexError", IndexError))
TEXTS = st.text() | st.sampled_from(["", "\u2028\u2029", "\x00\x1f\x7f", '"\\/', "İğüşöç", "\U0001f600", JSON.MARK])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats() | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)
OPTIONS = [0, orjson.OPT_INDENT_2, orjson.OPT_SORT_KEYS, orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE]


@pytest.mark.medium
@pytest.mark.parametrize("option", OPTIONS)
def test_values_are_written_with_the_same_bytes(option: int) -> None:
    @given(VALUES)
    def check(value: Any) -> None:
        assert result_of(JSON.dumps, value, option=option) == result_of(orjson.dumps, value, option=option)

    check()


def floats() -> Iterator[float]:
    generator = random.Random(1)
    for _ in range(20_000):
        yield struct.unpack("d", generator.randbytes(8))[0]
        yield generator.uniform(-1, 1) * 10 ** generator.randint(-12, 25)
    yield from (1e15, 1e16, 1e17, 1e21, 1e22, 1e-4, 1e-5, 1.5e-5, 9.5e-5, 1e-6, 1e-7, -1e-5, -0.0, math.inf, math.nan)


@pytest.mark.medium
def test_floats_are_written_with_the_same_bytes() -> None:
    wrong = [value for value in floats() if JSON.dumps([value]) != orjson.dumps([value])]
    assert not wrong


TIMES = [
    datetime(2024, 1, 2, 3, 4, 5),  # noqa: DTZ001 - a time without a zone has its own form
    datetime(2024, 1, 2, 3, 4, 5, 67, UTC),
    datetime(2024, 1, 2, 3, 4, 5, 600_000, timezone(timedelta(hours=3))),
]


@pytest.mark.parametrize("option", [0, orjson.OPT_UTC_Z, orjson.OPT_NAIVE_UTC, orjson.OPT_OMIT_MICROSECONDS])
@pytest.mark.parametrize(
    "value",
    [*TIMES, date(2024, 1, 2), time(3, 4, 5), uuid.UUID(int=7), Colour.RED, Point(1, 2.5), (1, 2)],
    ids=repr,
)
def test_python_types_are_written_with_the_same_bytes(value: Any, option: int) -> None:
    document = {"value": [value]}
    assert result_of(JSON.dumps, document, option=option) == result_of(orjson.dumps, document, option=option)


def test_default_converts_unknown_types() -> None:
    for default in (None, str, lambda _: [1.5e300, {"a": 1e-7}]):
        assert result_of(JSON.dumps, [object], default=default) == result_of(orjson.dumps, [object], default=default)


@pytest.mark.parametrize(
    "outer", [lambda part: part, lambda part: [part, 1e16, part], lambda part: {"a": [part], "b": part}]
)
@pytest.mark.parametrize("contents", [b'{"x":1}', '"\u0131"', b""])
@pytest.mark.parametrize("option", OPTIONS[:2])
def test_fragments_are_inserted_unchanged(outer: Any, contents: bytes | str, option: int) -> None:
    written = JSON.dumps(outer(JSON.Fragment(contents)), option=option)
    assert written == orjson.dumps(outer(orjson.Fragment(contents)), option=option)


TEXT_SAMPLES = [
    "", " ", "nul", "NaN", "-Infinity", "[1,]", "{'a':1}", "[1] 2", "\ufeff1", '"\\ud83d"', '"\\ud83d\\ude00"',
    '"\x01"', "01", "1.", ".5", "+1", "-0", "1e400", "-1e400", "18446744073709551615", "18446744073709551616",
    '{"a":1,"a":2}', '"\\x"', "[[[]]]",
    "\t[ 1 ]\r\n", "\u00a01", "\x0c1", '"\\u00"', "tru", '{"a"}', "1_000", "\u0661",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXT_SAMPLES)
def test_text_is_read_to_the_same_value(text: str) -> None:
    for document in (text, text.encode()):
        ours, theirs = result_of(JSON.loads, document), result_of(orjson.loads, document)
        assert (repr(ours), type(ours)) == (repr(theirs), type(theirs))


@pytest.mark.parametrize(
    "document", [b"\xff", b'"\xed\xa0\x80"', b'"\xc0\x80"', memoryview(b"[1]"), bytearray(b"[1]"), 1, None]
)
def test_bytes_are_read_to_the_same_value(document: Any) -> None:
    assert result_of(JSON.loads, document) == result_of(orjson.loads, document)


@pytest.mark.medium
@given(VALUES)
def test_written_text_is_read_back(value: Any) -> None:
    text = json.dumps(value)
    assert repr(result_of(JSON.loads, text)) == repr(result_of(orjson.loads, text))


def exercise(package: Any) -> list[Any]:
    """Return what the operations that `referencing` uses result in."""
    tree = package.HashTrieMap({"a": 1}).insert("b", 2)
    group = package.HashTrieSet([1]).insert(2)
    items = package.List([1, 2]).push_front(0)
    return [
        sorted(tree.items()), sorted(tree.remove("a").items()), result_of(tree.remove, "z"),
        sorted(tree.update({"c": 3}).items()), sorted(package.HashTrieMap.convert({"k": 1}).items()),
        tree.get("z", 9),
        sorted(tree), len(tree), "a" in tree, tree == package.HashTrieMap({"a": 1, "b": 2}), hash(tree) == hash(tree),
        sorted(package.HashTrieMap.fromkeys(["x"]).items()), sorted(tree.discard("z").items()),
        sorted(group), sorted(group.remove(1)), result_of(group.remove, 9), sorted(group.discard(9)),
        sorted(group.update([3], [4])), 1 in group, len(group),
        list(items), items.first, list(items.rest), list(items.drop_first()), len(items), list(package.List(1, 2)),
        result_of(lambda: package.List().first), list(package.List([5])), list(package.List()),
    ]  # fmt: skip


def test_tree_types_behave_as_those_of_rpds() -> None:
    assert exercise(TREES) == exercise(rpds)


PROGRAM = """
import sys
sys.path[:0] = sys.argv[1:]
sys.modules["jsonschema_rs"] = None
import hashlib, orjson, rpds
from emulator import Emulator

oms = Emulator("demo", packages=5)
client, root = oms.session(), oms.url + "/api/v1/oms/packages/"
command = root + str(oms.package()["id"]) + "/command/"
pages = [client.get(root), client.get(root + "?sort=-id&limit=2")]
pages += [client.post(command, json=body) for body in ({}, {"transition": "1"}, [1])]
print("stand_ins" in orjson.__file__, "stand_ins" in rpds.__file__)
print([(page.status_code, hashlib.sha256(page.content).hexdigest(), sorted(page.headers.items())) for page in pages])
"""


@pytest.mark.medium
def test_emulator_validates_bodies_with_the_stand_ins() -> None:
    """An emulator with both stand-ins answers with the same bytes."""
    outputs = []
    for folders in ([], [str(STAND_INS)]):
        done = subprocess.run([sys.executable, "-c", PROGRAM, *folders], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout.splitlines())
    assert [lines[0] for lines in outputs] == ["False False", "True True"]
    assert outputs[0][1] == outputs[1][1]


@pytest.mark.gate
def test_tests_of_the_emulator_pass_with_the_stand_ins() -> None:
    """The tests that read and write most JSON run with both stand-ins in place of the compiled packages."""
    program = (
        "import sys, orjson, rpds, pytest; "
        "assert all('stand_ins' in each.__file__ for each in (orjson, rpds)); sys.exit(pytest.main(sys.argv[1:]))"
    )
    folders = ["tests/core", "tests/state", "tests/api/serializers"]
    fast = "not slow and not browser and not oracle and not gate"
    options = ["-n", "0", "-p", "no:cacheprovider", "-m", fast]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-c", program, *folders, *options],
        cwd=STAND_INS.parents[2],
        env=environment | {"PYTHONPATH": str(STAND_INS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert re.search(r"\b[1-9]\d\d+ passed", done.stdout), done.stdout[-300:]
