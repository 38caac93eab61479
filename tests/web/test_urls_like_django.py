"""Hosts, redirects and URLs are handled as by Django."""

from __future__ import annotations

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http.request import split_domain_port
from django.middleware.common import CommonMiddleware
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.web.context import absolute_url, decode_path, is_valid_host
from emulator.web.dispatch import slash_location
from tests.oracle.request_tables.paging import EXTRAS
from tests.oracle.request_tables.routing import HOSTS, SLASHLESS_QUERIES, UNKNOWN_PATHS
from tests.oracle.request_tables.urls import LISTS
from tests.oracle.wire import RawRequest

quick = settings(deadline=None, derandomize=True)
PATHS = st.sampled_from(UNKNOWN_PATHS) | st.binary(max_size=12).map(lambda raw: "/" + raw.decode("latin-1"))
QUERIES = st.sampled_from([*EXTRAS, *SLASHLESS_QUERIES]) | st.text(st.characters(max_codepoint=255), max_size=8)


def django_request(path: str, query: str) -> WSGIRequest:
    environ = RawRequest("", "/").environ() | {"PATH_INFO": path, "QUERY_STRING": query}
    return WSGIRequest(environ)


@pytest.mark.parametrize("host", [*HOSTS, "A.b:1", "[::1]:1"])
def test_hosts(host: str) -> None:
    """Both accept the same hosts."""
    assert is_valid_host(host) == bool(split_domain_port(host)[0])


@quick
@given(PATHS.filter(lambda path: path[-1:] not in ("", "/")), QUERIES)
def test_missing_slash_redirects_as_by_django(path: str, query: str) -> None:
    """Both escape paths and queries in the same way."""
    theirs = CommonMiddleware(lambda _: None).get_full_path_with_slash(django_request(path, query))
    ours = slash_location(decode_path(path.encode("latin-1")), query)
    assert ours == theirs


@quick
@given(st.sampled_from(LISTS), QUERIES)
def test_absolute_url_equals_that_of_django(path: str, query: str) -> None:
    """Links start from this URL."""
    ours = absolute_url("http://oms.test", decode_path(path.encode("latin-1")), query)
    assert ours == django_request(path, query).build_absolute_uri()
