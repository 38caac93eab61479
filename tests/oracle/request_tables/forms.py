"""Form bodies: urlencoded and multipart, valid and malformed."""

from collections.abc import Iterator

from tests.oracle.request_tables.urls import COMMAND, FORM, INVOICE_NUMBER
from tests.oracle.wire import RawRequest

URLENCODED = (
    b"invoice_number=1", b"invoice_number=", b"invoice_number", b"invoice_number=1&invoice_number=",
    b"invoice_number=&invoice_number=1", b"invoice_number=a+b%20c", b"invoice_number=+", b"invoice_number=%00",
    b"invoice_number=%ff", b"invoice_number=%ED%A0%80", b"invoice_number=\xff", b"\xff", b"&&&", b"=", b"=====",
    b"a;b", b"a=1;invoice_number=1", b"invoice_number[]=1", b"Invoice_number=1", b"invoice%5Fnumber=1",
    b'{"invoice_number":"1"}', b"%", b"%zz=1", b"invoice_number=%", b"invoice_number=" + b"x" * 256, b"null", b" ",
    b"&".join([b"a=1"] * 1000), b"&".join([b"a=1"] * 1001), b"&" * 1001, b"invoice_number=\xc5\x9f", b"\n",
    b"invoice_number=1\n", b"invoice_number=%E9",
)  # fmt: skip
COMMAND_FORMS = (
    b"transition=1", b"transition=", b"transition=x", b"transition=+", b"transition=1&transition=x", b"slug=", b"slug=+",
    b"slug=%00", b"input_parameters.=1", b"input_parameters[a]=1", b"transition=x&input_parameters=",
    b"transition=x&input_parameters={}", b"transition=x&input_parameters.a=1", b"slug=+&input_parameters.a=1&input_parameters.a=2",
    b"transition=x&input_parameters.a.b=1", b"input_parameters=1&slug=%00", b"transition=\xd9\xa3", b"Transition=1",
    b"transition=x&input_parameters.%0A=1", b"input_parameters.%0A=1", b"transition=" + b"1" * 1001,
)  # fmt: skip
BOUNDARIES = (
    "multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary="a b"',
    'multipart/form-data; boundary="a "', "multipart/form-data; boundary=\xe9", "multipart/form-data; boundary=B,",
    "multipart/form-data; boundary=" + "x" * 201, "multipart/form-data; boundary=" + "x" * 202, "multipart/*; boundary=B",
    "multipart/form-data; charset=foo; boundary=B", "multipart/form-data; charset=base64; boundary=B",
    "Multipart/Form-Data; boundary=B", " multipart/form-data; boundary=B", "multipart/form-data; BOUNDARY=B",
    "multipart/form-data; boundary=b", "multipart/form-data;boundary=B", "multipart/form-data; boundary='B'",
    "multipart/form-data; boundary*=utf-8''B", "multipart/form-data; charset=latin-1; boundary=B",
    "multipart/form-data; charset=utf-16; boundary=B", "multipart/form-data; boundary=A; boundary=B",
)  # fmt: skip


def build_requests() -> Iterator[RawRequest]:
    plain = RawRequest("form", INVOICE_NUMBER, "POST", content_type=FORM)
    for number, body in enumerate(URLENCODED):
        yield plain.variant(f"urlencoded {number}", body=body)
    for charset in ("utf-8", "latin-1", "utf-16", "foo", "base64", "cp1254"):
        yield plain.variant(
            f"in {charset}", content_type=f"{FORM}; charset={charset}", body=b"invoice_number=\xe9%E9"
        )
    for number, body in enumerate(COMMAND_FORMS):
        yield plain.variant(f"of a command {number}", target=COMMAND, body=body)
    parted = plain.variant("in parts", content_type="multipart/form-data; boundary=B")
    for name, body in MULTIPART_BODIES.items():
        yield parted.variant(name, body=body)
        yield parted.variant(f"{name}, cut", body=body[: len(body) // 2])
    for number, kind in enumerate(BOUNDARIES):
        yield parted.variant(
            f"with boundary {number}", content_type=kind, body=multipart_body(field_part(b"invoice_number", b"1"))
        )
    for name, part in COMMAND_PARTS.items():
        yield parted.variant(
            f"of a command {name}", target=COMMAND, body=multipart_body(field_part(b"transition", b"x"), part)
        )


def multipart_body(*contents: bytes, boundary: bytes = b"B") -> bytes:
    return (
        b"".join(b"--" + boundary + b"\r\n" + content + b"\r\n" for content in contents)
        + b"--"
        + boundary
        + b"--\r\n"
    )


def field_part(name: bytes, value: bytes, *lines: bytes) -> bytes:
    return b"\r\n".join((b'Content-Disposition: form-data; name="' + name + b'"', *lines, b"", value))


def file_part(name: bytes, file_name: bytes, content: bytes, *lines: bytes) -> bytes:
    return field_part(name + b'"; filename="' + file_name, content, b"Content-Type: text/plain", *lines)


NAME = b"invoice_number"
BASE64 = b"Content-Transfer-Encoding: base64"
MULTIPART_BODIES = {
    "whole": multipart_body(field_part(NAME, b"1")),
    "blank": multipart_body(field_part(NAME, b"")),
    "spaces": multipart_body(field_part(NAME, b" 1 ")),
    "other": multipart_body(field_part(b"x", b"1")),
    "twice": multipart_body(field_part(NAME, b"1"), field_part(NAME, b" ")),
    "nul": multipart_body(field_part(NAME, b"\x00")),
    "not utf-8": multipart_body(field_part(NAME, b"\xff")),
    "long": multipart_body(field_part(NAME, b"x" * 256)),
    "file": multipart_body(file_part(NAME, b"a.txt", b"x")),
    "file and field": multipart_body(field_part(NAME, b"1"), file_part(NAME, b"a.txt", b"x")),
    "nameless file": multipart_body(file_part(NAME, b"", b"x")),
    "dot file": multipart_body(file_part(NAME, b"..", b"x")),
    "no name": multipart_body(b"Content-Disposition: form-data\r\n\r\n1"),
    "no header": multipart_body(b"\r\n1"),
    "no disposition": multipart_body(b"Content-Type: text/plain\r\n\r\n1"),
    "upper case": multipart_body(b'CONTENT-DISPOSITION: FORM-DATA; NAME="invoice_number"\r\n\r\n1'),
    "unquoted": multipart_body(b"Content-Disposition: form-data; name=invoice_number\r\n\r\n1"),
    "spaced name": multipart_body(field_part(b" invoice_number ", b"1")),
    "newlines only": multipart_body(field_part(NAME, b"1")).replace(b"\r\n", b"\n"),
    "other boundary": multipart_body(field_part(NAME, b"1"), boundary=b"X"),
    "base64": multipart_body(field_part(NAME, b"eHl6", BASE64)),
    "bad base64": multipart_body(field_part(NAME, b"e", BASE64)),
    "base64 file": multipart_body(file_part(b"f", b"x", b"eHl6", BASE64), field_part(NAME, b"1")),
    "bad base64 file": multipart_body(file_part(b"f", b"x", b"e", BASE64)),
    "large header": multipart_body(field_part(b"x" * 2000, b"1")),
    "only the end": b"--B--\r\n",
    "garbage": b"hello",
    "large garbage": b"hello" * 1000,
    "json": b'{"invoice_number":"1"}',
    "preamble": b"before\r\n" + multipart_body(field_part(NAME, b"1")) + b"after",
    "too many fields": multipart_body(*[field_part(b"a", b"1")] * 1003),
    "too many files": multipart_body(*[file_part(b"f", b"x", b"1")] * 101),
    "not ascii": multipart_body(field_part("ş".encode(), b"1"), field_part(NAME, "ş".encode())),
    "value over lines": multipart_body(field_part(NAME, b"1\r\n2\r\n")),
}
COMMAND_PARTS = {
    "parameter": field_part(b"input_parameters.a", b"1"),
    "parameters": field_part(b"input_parameters", b"{}"),
    "parameter file": file_part(b"input_parameters.a", b"a.txt", b"x"),
    "parameters file": file_part(b"input_parameters", b"a.txt", b"x"),
    "transition file": file_part(b"transition", b"a.txt", b"x"),
    "blank slug": field_part(b"slug", b""),
    "slug file": file_part(b"slug", b"a.txt", b"x"),
}
