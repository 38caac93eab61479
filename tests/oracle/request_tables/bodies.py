"""Request bodies: content types, charsets, invalid JSON, JSON of the wrong type."""

from collections.abc import Iterator

from tests.oracle.request_tables.urls import COMMAND, INVOICE, INVOICE_NUMBER, JSON, PACKAGES, REMOTE_ID
from tests.oracle.wire import RawRequest

CONTENT_TYPES = (
    None, "", " ", JSON, JSON + "; charset=utf-8", JSON + ";charset=UTF-8", JSON + "; x=1", JSON + ";", JSON + ";;",
    " application/json ", "APPLICATION/JSON", "Application/Json; Charset=UTF-8", "*/*", "application/*", "*/json",
    "text/json", "text/plain", "text/*", "text/html", "application/xml", "application/vnd.api+json",
    "application/json+x", "application/jsonp", "application/json, text/plain", "json", "application", "/", "//", ";",
    "*", "*/", "/json", "application/", "; charset=utf-8", "\xe9/x", "image/png", "application/octet-stream",
    "application/json " + "x" * 300, "application/json; x=" + "y" * 300, "multipart/mixed; boundary=x", "a/b; c=d",
    'application/json; charset="utf-8"', "application/json\t", "application/json; q=0", "application /json",
)  # fmt: skip
CHARSETS = (
    "utf-8", "UTF8", "utf-16", "utf-16-le", "utf-32", "latin-1", "iso-8859-9", "ascii", "utf-8-sig", "utf-7", "idna",
    "punycode", "unicode_escape", "raw_unicode_escape", "cp1254", "foo", "", "base64", "rot13", "bz2", "hex", "zlib",
    "undefined", "uu", "mbcs2", '"utf-8"', '""', "'utf-8'", "*", "utf-8; charset=latin-1", "unicode-1-1-utf-7",
)  # fmt: skip
INVALID_JSON = (
    b"{", b"}", b"[", b"]", b'"', b"'", b"x", b"{'a':1}", b"{a:1}", b'{"a"}', b'{"a":}', b'{"a":1,}', b"[1,]", b"[,]",
    b"{,}", b'{"a" 1}', b'{"a":1 "b":2}', b'{"a":1,"b"}', b"[1 2]", b'{"a":1}}', b'{"a":1} x', b"1 2", b"// x",
    b"/* x */", b'{"a":1}/*', b"undefined", b"None", b"True", b"tru", b'{"a":nul}', b"--1", b"+1", b"1.", b".5", b"01",
    b"0x1", b"1e", b"1e+", b"-", b"NaN", b"Infinity", b"-Infinity", b'{"invoice_number":NaN}', b"[-Infinity]", b" ",
    b"\n", b"\n\n {", b"\x00", b'{"a":"\n"}', b'{"a":"\t"}', b'{"a":"\x00"}', b'{"a":"\\x"}', b'{"a":"\\u12"}',
    b'{"a":"\\u12G4"}', b'{"a":"x', b'"abc', b"\xef\xbb\xbf{}", b"\xef\xbb\xbf", b"\xff\xfe{\x00}\x00", b"\xff",
    b"\x80abc", b'{"invoice_number":"\xff"}', b'{"invoice_number":"a\xe9b"}', b'{"invoice_number":"\xed\xa0\x80"}',
    b'{"invoice_number":"\xc3', b'\xc3\xa9', b'{"a":1}\xe2\x80\xa8', b'{"invoice_number":' + b"9" * 4301 + b"}",
    b'{"invoice_number":-' + b"9" * 4301 + b"}", b"<xml/>", b"a=1&b=2", b"\r\n", b'{"a":1}\x00',
)  # fmt: skip
JSON_OF_WRONG_TYPE = (
    b"[]", b"[{}]", b"[1]", b'""', b'"x"', b"0", b"1", b"-1", b"1.5", b"1e400", b"null", b"true", b"false", b"{}",
    b'{"a":1}', b" {} ", b"\n{}\n", b'{"\\ud800":1}', b'{"":1}',
)  # fmt: skip
DEEP_JSON = {
    "arrays unclosed": b"[" * 100_000,
    "arrays": b"[" * 100_000 + b"]" * 100_000,
    "objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "in a field": b'{"invoice_number":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
}
VALID_BODY = b'{"invoice_number":"1"}'


def build_requests() -> Iterator[RawRequest]:
    plain = RawRequest("body", INVOICE_NUMBER, "POST", content_type=JSON)
    for number, kind in enumerate(CONTENT_TYPES):
        yield plain.variant(f"of type {number}", content_type=kind, body=VALID_BODY)
        yield plain.variant(f"empty of type {number}", content_type=kind)
    for number, charset in enumerate(CHARSETS):
        yield plain.variant(f"in charset {number}", content_type=f"{JSON}; charset={charset}", body=VALID_BODY)
    yield from requests_in_encodings(plain)
    for number, body in enumerate(INVALID_JSON):
        yield plain.variant(f"not json {number}", body=body)
    for number, body in enumerate(JSON_OF_WRONG_TYPE):
        yield plain.variant(f"other json {number}", body=body)
        yield plain.variant(f"other json {number} for a remote id", target=REMOTE_ID, body=body)
    for number, body in enumerate((*JSON_OF_WRONG_TYPE, *INVALID_JSON[:6])):
        if body.strip() not in (b"{}", b'{"a":1}'):
            yield plain.variant(f"command json {number}", target=COMMAND, body=body)
    for name, body in DEEP_JSON.items():
        yield plain.variant(f"deep {name}", body=body)
    yield from requests_of_sizes(plain)
    yield from requests_with_unread_body()


def requests_in_encodings(plain: RawRequest) -> Iterator[RawRequest]:
    text = '{"invoice_number":"şé"}'
    for name in (
        "utf-8",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-32",
        "utf-8-sig",
        "cp1254",
        "iso-8859-9",
        "utf-7",
    ):
        yield plain.variant(
            f"written in {name}", content_type=f"{JSON}; charset={name}", body=text.encode(name, "replace")
        )
        yield plain.variant(f"written in {name}, not said", body=text.encode(name, "replace"))
    rfc2231 = ("utf-8''utf-8", "''utf-8", "utf-8''latin-1", "nope''utf-8")
    for number, value in enumerate(rfc2231):
        yield plain.variant(
            f"charset by rfc 2231 {number}", content_type=f"{JSON}; charset*={value}", body=VALID_BODY
        )


def requests_of_sizes(plain: RawRequest) -> Iterator[RawRequest]:
    yield plain.variant("of no length", body=VALID_BODY, content_length="0")
    yield plain.variant("of a length that is none", body=VALID_BODY, content_length="abc")
    yield plain.variant("cut short", body=VALID_BODY, content_length="5")
    yield plain.variant("of the largest size", body=b'"' + b"x" * 2_621_438 + b'"')
    yield plain.variant("too large", body=b'"' + b"x" * 2_621_439 + b'"')
    yield plain.variant("too large form", content_type="application/x-www-form-urlencoded", body=b"x" * 2_621_441)


def requests_with_unread_body() -> Iterator[RawRequest]:
    """Send bodies with requests that do not read them."""
    for number, (kind, body) in enumerate(((JSON, b"{"), ("text/plain", b"x"), (None, b"x"), (JSON, b"\xff"))):
        read = RawRequest(f"unread body {number}", PACKAGES + "?limit=1", content_type=kind, body=body)
        yield read
        yield read.variant("by HEAD", method="HEAD")
        yield read.variant("by OPTIONS", method="OPTIONS")
        yield read.variant("by DELETE", method="DELETE")
        yield read.variant("by POST", method="POST")
        yield read.variant(
            "for an invoice of nothing", target=INVOICE.replace("{package}", "999999999"), method="POST"
        )
