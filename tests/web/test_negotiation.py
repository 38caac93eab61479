"""Media types, parsers and page links are selected as by the framework."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.http import Http404
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework import exceptions
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.utils import urls

from emulator.api import parameters
from emulator.core.errors import NotAcceptable, NotFound
from emulator.web import negotiation, parsing
from tests.oracle.request_tables.bodies import CONTENT_TYPES
from tests.oracle.request_tables.formats import ACCEPTS
from tests.oracle.request_tables.paging import EXTRAS

NEGOTIATOR = DefaultContentNegotiation()
PARSERS = [JSONParser(), FormParser(), MultiPartParser()]

PIECES = [
    "application",
    "*",
    "/",
    "json",
    "html",
    "text",
    ";",
    ",",
    " ",
    "q=0.5",
    "indent=4",
    "indent=",
    "=",
    '"',
    "a",
    "\xe9",
    "*=utf-8''4",
]
HEADERS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
quick = settings(deadline=None, derandomize=True)


def framework_media_type(accept: str | None, format_: str | None) -> Any:
    headers = {} if accept is None else {"accept": accept}
    request = SimpleNamespace(headers=headers, query_params={"format": format_} if format_ else {})
    try:
        _, media_type = NEGOTIATOR.select_renderer(request, [JSONRenderer()])
    except (exceptions.NotAcceptable, Http404) as error:
        return 406 if isinstance(error, exceptions.NotAcceptable) else 404
    return JSONRenderer().get_indent(media_type, {})


def emulator_media_type(accept: str | None, format_: str | None) -> Any:
    try:
        return negotiation.indent_of(negotiation.select_media_type(accept, format_))
    except (NotAcceptable, NotFound) as error:
        return error.status


def is_distinguished(accept: str) -> bool:
    """Return whether no two types are equally specific. Among those the framework picks by hash."""
    return sum("indent" in token for token in accept.split(",")) < 2


@pytest.mark.parametrize("format_", [None, "json", "xml"])
@pytest.mark.parametrize("accept", ACCEPTS)
def test_accept_and_format(accept: str | None, format_: str | None) -> None:
    """Both return the same media type and indentation, or raise the same error."""
    assert emulator_media_type(accept, format_) == framework_media_type(accept, format_)


@pytest.mark.medium
@quick
@given(HEADERS.filter(is_distinguished))
def test_any_accept_header_is_negotiated_as_by_the_framework(accept: str) -> None:
    assert emulator_media_type(accept, None) == framework_media_type(accept, None)


def framework_parser(content_type: str) -> str | None:
    parser = NEGOTIATOR.select_parser(SimpleNamespace(content_type=content_type), PARSERS)
    return parser and parser.media_type


@pytest.mark.parametrize("content_type", [kind for kind in CONTENT_TYPES if kind is not None])
def test_parsers(content_type: str) -> None:
    assert parsing.select_parser(content_type) == framework_parser(content_type)


@pytest.mark.medium
@quick
@given(HEADERS)
def test_any_content_type_selects_the_parser_of_the_framework(content_type: str) -> None:
    assert parsing.select_parser(content_type) == framework_parser(content_type)


URLS = st.sampled_from(EXTRAS) | st.text(st.characters(codec="utf-8", exclude_characters="#[]"), max_size=12)


@pytest.mark.medium
@quick
@given(URLS.map(lambda query: f"http://oms.test/packages/?{query}"))
def test_links(url: str) -> None:
    assert parameters.page_url(url, 7) == urls.replace_query_param(url, "page", 7)
    assert parameters.page_url(url, 1) == urls.remove_query_param(url, "page")


@pytest.mark.parametrize(
    ("page", "pages", "links"),
    [
        (1, 1, (None, None)),
        (1, 2, ("u?page=2", None)),
        (2, 3, ("u?page=3", "u")),
        (3, 3, (None, "u?page=2")),
    ],
)
def test_link_to_the_first_page_has_no_number(page: int, pages: int, links: tuple[str | None, str | None]) -> None:
    """The link to the first page is the URL of the list."""
    assert parameters.page_links(f"u?page={page}", page, pages) == links
