"""Every field of every request body, with values of every type."""

from collections.abc import Iterator

from tests.oracle.request_tables.urls import (
    COMMAND,
    INVOICE_NUMBER,
    JSON,
    PACKAGE,
    REMOTE_ID,
    TRANSFER,
    TRANSFER_COMMAND,
)
from tests.oracle.wire import RawRequest

TEXTS = (
    "null", '""', '" "', '"\\t\\n\\r "', '"\\u00a0"', '"\\u2003\\u2028"', '"\\u200b"', '"\\ufeff"', '"x"', '" x "',
    "0", "1", "-0", "1.5", "1e5", "1e400", "-1e400", "true", "false", "[]", "[1]", "{}", '{"a":1}', '["x"]',
    '"' + "x" * 255 + '"', '"' + "x" * 256 + '"', '"' + "é" * 255 + '"', '"' + "😀" * 256 + '"',
    '"' + " " * 300 + 'x"', '"a\\u0000b"', '"\\u0000"', '"\\ud800"', '"\\udfff x"', '"\\ud83d\\ude00"',
    '"' + "x" * 256 + '\\u0000"', '"' + "x" * 256 + '\\u0000\\ud800\\udbff"', "9" * 255, "9" * 256, "9" * 4300,
    '"<script>"', '"İstanbul"', "[[[[]]]]", '"\\u001f"',
)  # fmt: skip
NUMBERS = (
    *TEXTS, '"1"', '"1.0"', '"1.50"', '" 1 "', '"1.0 "', '"1_0"', '"_1"', '"+1"', '"-1"', '"1."', '"."', '".0"',
    '"0x1"', '"\\u0663"', '"\\u00b2"', '"1 1"', '"1e5"', '"' + "1" * 1000 + '"', '"' + "1" * 1001 + '"',
    '"' + "x" * 1001 + '"', "1.0", "2e0", "1e15", "1e16", "1e22", "1.00000000001", '"1.\\n"', '"\\n1\\n"', '"--1"',
)  # fmt: skip
OBJECTS = ("null", '""', '"x"', "0", "1", "1.5", "true", "false", "[]", "[1]", "[{}]", '"{}"')

TEXT_FIELDS = (
    (INVOICE_NUMBER, "invoice_number"),
    (PACKAGE + "set_remote_id/", "remote_id"),
    (TRANSFER + "set_invoice_number/", "invoice_number"),
    (REMOTE_ID, "remote_id"),
)
COMMANDS = (("package", COMMAND), ("transfer", TRANSFER_COMMAND))


def build_requests() -> Iterator[RawRequest]:
    for target, field in TEXT_FIELDS:
        for number, value in enumerate(TEXTS):
            yield post_json(f"{field} at {target} {number}", target, f'{{"{field}":{value}}}')
        for number, body in enumerate((f'{{"{field.upper()}":"x"}}', '{"other":1}', f'{{"{field}":"x","other":[]}}')):
            yield post_json(f"{field} at {target} named {number}", target, body)
        yield post_json(f"{field} at {target} twice", target, f'{{"{field}":"","{field}":"x"}}')
        yield post_json(f"{field} at {target} twice, blank last", target, f'{{"{field}":"x","{field}":""}}')
    for record, target in COMMANDS:
        yield from command_requests(f"command of {record}", target)


def command_requests(label: str, target: str) -> Iterator[RawRequest]:
    """Send commands that are refused before the transition is looked up."""
    for number, value in enumerate(NUMBERS):
        yield post_json(f"{label} transition {number}", target, f'{{"transition":{value}}}')
    for number, value in enumerate(TEXTS):
        yield post_json(f"{label} slug {number}", target, f'{{"slug":{value},"input_parameters":[]}}')
    for number, value in enumerate(OBJECTS):
        yield post_json(
            f"{label} input_parameters {number}", target, f'{{"transition":1,"input_parameters":{value}}}'
        )
    yield post_json(f"{label} empty", target, "{}")
    yield post_json(f"{label} all wrong", target, '{"transition":"x","slug":[],"input_parameters":1}')
    yield post_json(f"{label} all wrong, turned", target, '{"input_parameters":1,"slug":[],"transition":"x"}')
    yield post_json(f"{label} all null", target, '{"input_parameters":null,"slug":null,"transition":null}')
    yield post_json(f"{label} unknown keys", target, '{"a":1,"b":{}}')


def post_json(label: str, target: str, body: str) -> RawRequest:
    return RawRequest(label, target, "POST", content_type=JSON, body=body.encode())
