"""Form bodies: urlencoded and multipart, valid and malformed."""

from collections.abc import Iterator

from tests.oracle.asks.places import COMMAND, FORM, INVOICE_NUMBER
from tests.oracle.wire import Ask

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


def asks() -> Iterator[Ask]:
    plain = Ask("form", INVOICE_NUMBER, "POST", content_type=FORM)
    for number, body in enumerate(URLENCODED):
        yield plain.variant(f"urlencoded {number}", body=body)
    for charset in ("utf-8", "latin-1", "utf-16", "foo", "base64", "cp1254"):
        yield plain.variant(
            f"in {charset}", content_type=f"{FORM}; charset={charset}", body=b"invoice_number=\xe9%E9"
        )
    for number, body in enumerate(COMMAND_FORMS):
        yield plain.variant(f"of a command {number}", target=COMMAND, body=body)
    parted = plain.variant("in parts", content_type="multipart/form-data; boundary=B")
    for name, body in PARTED.items():
        yield parted.variant(name, body=body)
        yield parted.variant(f"{name}, cut", body=body[: len(body) // 2])
    for number, kind in enumerate(BOUNDARIES):
        yield parted.variant(f"with boundary {number}", content_type=kind, body=parts(field(b"invoice_number", b"1")))
    for name, part in COMMAND_PARTS.items():
        yield parted.variant(f"of a command {name}", target=COMMAND, body=parts(field(b"transition", b"x"), part))


def parts(*contents: bytes, boundary: bytes = b"B") -> bytes:
    return (
        b"".join(b"--" + boundary + b"\r\n" + content + b"\r\n" for content in contents)
        + b"--"
        + boundary
        + b"--\r\n"
    )


def field(name: bytes, value: bytes, *lines: bytes) -> bytes:
    return b"\r\n".join((b'Content-Disposition: form-data; name="' + name + b'"', *lines, b"", value))


def file(name: bytes, file_name: bytes, content: bytes, *lines: bytes) -> bytes:
    return field(name + b'"; filename="' + file_name, content, b"Content-Type: text/plain", *lines)


NAME = b"invoice_number"
BASE64 = b"Content-Transfer-Encoding: base64"
PARTED = {
    "whole": parts(field(NAME, b"1")),
    "blank": parts(field(NAME, b"")),
    "spaces": parts(field(NAME, b" 1 ")),
    "other": parts(field(b"x", b"1")),
    "twice": parts(field(NAME, b"1"), field(NAME, b" ")),
    "nul": parts(field(NAME, b"\x00")),
    "not utf-8": parts(field(NAME, b"\xff")),
    "long": parts(field(NAME, b"x" * 256)),
    "file": parts(file(NAME, b"a.txt", b"x")),
    "file and field": parts(field(NAME, b"1"), file(NAME, b"a.txt", b"x")),
    "nameless file": parts(file(NAME, b"", b"x")),
    "dot file": parts(file(NAME, b"..", b"x")),
    "no name": parts(b"Content-Disposition: form-data\r\n\r\n1"),
    "no header": parts(b"\r\n1"),
    "no disposition": parts(b"Content-Type: text/plain\r\n\r\n1"),
    "upper case": parts(b'CONTENT-DISPOSITION: FORM-DATA; NAME="invoice_number"\r\n\r\n1'),
    "unquoted": parts(b"Content-Disposition: form-data; name=invoice_number\r\n\r\n1"),
    "spaced name": parts(field(b" invoice_number ", b"1")),
    "newlines only": parts(field(NAME, b"1")).replace(b"\r\n", b"\n"),
    "other boundary": parts(field(NAME, b"1"), boundary=b"X"),
    "base64": parts(field(NAME, b"eHl6", BASE64)),
    "bad base64": parts(field(NAME, b"e", BASE64)),
    "base64 file": parts(file(b"f", b"x", b"eHl6", BASE64), field(NAME, b"1")),
    "bad base64 file": parts(file(b"f", b"x", b"e", BASE64)),
    "large header": parts(field(b"x" * 2000, b"1")),
    "only the end": b"--B--\r\n",
    "garbage": b"hello",
    "large garbage": b"hello" * 1000,
    "json": b'{"invoice_number":"1"}',
    "preamble": b"before\r\n" + parts(field(NAME, b"1")) + b"after",
    "too many fields": parts(*[field(b"a", b"1")] * 1003),
    "too many files": parts(*[file(b"f", b"x", b"1")] * 101),
    "not ascii": parts(field("ş".encode(), b"1"), field(NAME, "ş".encode())),
    "value over lines": parts(field(NAME, b"1\r\n2\r\n")),
}
COMMAND_PARTS = {
    "parameter": field(b"input_parameters.a", b"1"),
    "parameters": field(b"input_parameters", b"{}"),
    "parameter file": file(b"input_parameters.a", b"a.txt", b"x"),
    "parameters file": file(b"input_parameters", b"a.txt", b"x"),
    "transition file": file(b"transition", b"a.txt", b"x"),
    "blank slug": field(b"slug", b""),
    "slug file": file(b"slug", b"a.txt", b"x"),
}
