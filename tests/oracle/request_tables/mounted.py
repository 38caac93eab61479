"""Applications below a prefix: links and redirects keep the path of the mount (`SCRIPT_NAME`)."""

from collections.abc import Iterator

from tests.oracle.request_tables import paging, routing
from tests.oracle.request_tables.urls import PACKAGES
from tests.oracle.wire import RawRequest

MOUNTS = (
    "/shop", "/shop/", "/a/b", "/a b", "/\xc3\xb6", "/%41", "/x?y", "/x;y", "/w/default", "//shop", "/shop//", "/",
    "/api/v1/oms", "/~a-b_c.d", "/'\"<>", "/a+b&c=d", "/a#b", "/a:b@c$,",
)  # fmt: skip


def build_requests() -> Iterator[RawRequest]:
    for number, mount in enumerate(MOUNTS):
        for target in (
            f"{PACKAGES}?page=2&limit=3",
            f"{PACKAGES[:-1]}?a=1",
            "//x.test/api/v1/oms",
            "",
            "/",
            "/nowhere",
        ):
            yield RawRequest(f"mount {number} {target}", target, script_name=mount)
    for request in (*paging.build_requests(), *routing.requests_without_slash(), *routing.requests_with_ids()):
        yield request.variant("below a mount", script_name="/shop")
