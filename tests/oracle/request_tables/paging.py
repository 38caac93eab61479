"""Pagination: `page`, `limit`, and links that keep every other parameter."""

from collections.abc import Iterator

from tests.oracle.request_tables.urls import CHILD_LISTS, LISTS, PACKAGES
from tests.oracle.wire import RawRequest

PAGES = (
    "0", "-1", "1", "2", "3", "19", "20", "21", "last", "LAST", "Last", "first", "", "+1", "%201", "1%20", "%2B2", "02",
    "1.0", "1e1", "abc", "None", "1_0", "0x2", "%D9%A3", "%C2%B2", "%00", "%E2%80%83" + "2", "9" * 19, "9" * 30,
    "9" * 5000, "-" + "9" * 30, "1,2", "true", "[]", "2#x", "last%20",
)  # fmt: skip
LIMITS = (
    "0", "-1", "1", "2", "7", "10", "99", "100", "101", "1000", "last", "", "%202%20", "%2B2", "+2", "02", "1.0", "1e1",
    "abc", "1_0", "%D9%A3", "%00", "9" * 30, "9" * 5000, "2.5", "null", "-0",
)  # fmt: skip
QUERIES = (
    "page=1&page=2", "page=2&page=", "page=2&page=abc", "limit=2&limit=3", "limit=3&limit=", "limit=3&limit=x&page=2",
    "limit=7&page=last", "limit=100&page=2", "limit=101&page=2", "limit=200&page=1", "limit=1&page=200",
    "limit=1&page=201", "p%61ge=2", "Page=2", "PAGE=2&page=3", "page[]=2", "&&page=2&&", "?page=2", "page=2&limit=5",
    "limit=5&page=2", "limit=5&page=1", "page=2;limit=5", "page==2", "page=2=", "offset=10&limit=3", "page_size=3",
)  # fmt: skip
EXTRAS = (
    "z=1&a=2", "b=&a", "a", "a=", "=x", "=", "a=2&a=1", "a=1&b=1&a=0", "a=%20&b=+&c=%2B", "a=%C3%A9", "a=\xe9", "a=\xc3\xa9",
    "a=%ff", "a=%", "a=%zz", "a=%2", "a=1;b=2", "a==b", "a=b=c", "a[]=1&a[]=2", "a='\"<>", "a=~!*()-_.", "a=/?:@", "a=$,;",
    "a=x%00y", "a=%F0%9F%98%80", "a=%ED%A0%80", "a=%0A", "a=\\|^`{}", "%C5%9F=1", "a%26b=c%3Dd", "A=1&a=1&B=1", "a=%25",
    "a=%41", "a.b=1&a-b=2&a_b=3", "1=2&10=3&9=4", "a=http://x.y/?z=1%26page=9", "page=2&limit=3&q=page", "%70age=4&b=1",
    "count=2", "a=[]", "%20a=1", "a+b=c+d", "a=" + "x" * 3000,
)  # fmt: skip


def build_requests() -> Iterator[RawRequest]:
    for number, value in enumerate(PAGES):
        yield RawRequest(f"page {number}", f"{PACKAGES}?page={value}")
    for number, value in enumerate(LIMITS):
        yield RawRequest(f"limit {number}", f"{PACKAGES}?limit={value}")
    for number, query in enumerate(QUERIES):
        yield RawRequest(f"pages {number}", f"{PACKAGES}?{query}")
    for number, query in enumerate(EXTRAS):
        yield RawRequest(f"links {number} from the second page", f"{PACKAGES}?{query}&page=2&limit=3")
        yield RawRequest(f"links {number} from the third page", f"{PACKAGES}?limit=3&page=3&{query}")
    yield from every_list()
    for host in ("oms.test:8080", "OMS.Test", "[::1]:80", "127.0.0.1", "localhost.", None):
        yield RawRequest(f"links at {host}", PACKAGES + "?page=2&limit=3", host=host)
    for fields in (999, 1000, 1001):
        query = "&".join(["a=1"] * (fields - 2))
        yield RawRequest(f"{fields} parameters", f"{PACKAGES}?page=2&limit=1&{query}")
    yield RawRequest("1001 blank parameters", f"{PACKAGES}?{'&' * 1001}")
    yield RawRequest("1001 parameters from a stranger", f"{PACKAGES}?{'a&' * 1001}", authorization=None)


def every_list() -> Iterator[RawRequest]:
    for target in LISTS:
        for query in (
            "",
            "?",
            "?page=2",
            "?page=last",
            "?limit=3&page=2",
            "?page=99999",
            "?limit=1000",
            "?page=abc",
        ):
            yield RawRequest(f"list {target}{query}", target + query)
    for target in CHILD_LISTS:
        for query in ("", "?page=1", "?page=last", "?page=99999", "?page=0", "?page=abc", "?limit=x"):
            yield RawRequest(f"list {target}{query}", target + query)
