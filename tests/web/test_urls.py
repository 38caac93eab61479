"""The router matches paths as Django resolves URLs."""

from __future__ import annotations

import pytest

from emulator.api.routes import ROUTES, Route
from emulator.web.context import Router

ROUTER = Router(ROUTES)


def example_path(route: Route) -> tuple[str, dict[str, int]]:
    """Return a path of the route with a different number for each integer."""
    path, numbers = route.path.replace("<...rest>", "a/b.jpg"), {}
    for at, name in enumerate(("pk", "log_id", "webhook_event_id"), start=7):
        if f"<{name}>" in path:
            path, numbers[name] = path.replace(f"<{name}>", str(at)), at
    return path, numbers


@pytest.mark.parametrize("route", ROUTES, ids=[f"{route.operation} {route.path}" for route in ROUTES])
def test_every_route_matches_its_path(route: Route) -> None:
    path, numbers = example_path(route)
    match = ROUTER.match(path)
    assert match is not None
    assert match.resource.route(route.method) is route
    assert dict(match.path) == numbers


@pytest.mark.parametrize("route", ROUTES, ids=[f"{route.operation} {route.path}" for route in ROUTES])
def test_route_matches_no_other_path(route: Route) -> None:
    path, _ = example_path(route)
    if route.path.endswith("<...rest>"):
        assert ROUTER.match(route.path.removesuffix("<...rest>")) is None
        return
    for other in (path[:-1], f"{path}/", f"/{path}", path.upper(), path.replace("/", "//", 1), f"{path}x/"):
        found = ROUTER.match(other)
        assert found is None or found.resource.route(route.method) is not route, other


@pytest.mark.parametrize("path", ["/api/v1/oms/packages/{}/", "/packages/{}/command/", "/whisperer/hooks/{}/"])
@pytest.mark.parametrize("pk", ["x", "0x1", "²", "9" * 5000, "1,2", "1__0"])
def test_id_of_a_view_can_be_any_text(path: str, pk: str) -> None:
    """The framework's router accepts it, and the view finds no record."""
    match = ROUTER.match(path.format(pk))
    assert match is not None
    assert (match.path, match.has_invalid_id) == ({}, True)


@pytest.mark.parametrize("pk", ["+1", " 1", "1 ", "٣", "１", "1_000"])
def test_id_is_converted_as_python_does(pk: str) -> None:
    match = ROUTER.match(f"/api/v1/oms/packages/{pk}/")
    assert match is not None
    assert match.path == {"pk": int(pk)}


@pytest.mark.parametrize("pk", ["1.0", ".", "x.json", "1/2"])
def test_id_has_no_dot_and_no_slash(pk: str) -> None:
    assert ROUTER.match(f"/api/v1/oms/packages/{pk}/") is None


@pytest.mark.parametrize("pk", ["x", "+1", "٣", "9" * 5000])
def test_id_of_a_plain_url_consists_of_ascii_digits(pk: str) -> None:
    """Labels are not views of the framework's router."""
    assert ROUTER.match(f"/api/v1/oms/shipping-label/{pk}/preview/") is None


@pytest.mark.parametrize(("pk", "value"), [("0", 0), ("007", 7), ("9" * 400, int("9" * 400))])
def test_any_number_is_an_id(pk: str, value: int) -> None:
    match = ROUTER.match(f"/api/v1/oms/packages/{pk}/")
    assert match is not None
    assert match.path == {"pk": value}


def test_literal_segment_does_not_match_a_number() -> None:
    assert ROUTER.match("/api/v1/oms/7/") is None
    assert ROUTER.match("/7/v1/oms/packages/") is None


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/api/v1/oms/packages/", "GET, HEAD, OPTIONS"),
        ("/api/v1/oms/packages/7/command/", "POST, OPTIONS"),
        ("/cdn/x.jpg", "GET, HEAD, OPTIONS"),
    ],
)
def test_allow_header_has_the_order_of_the_framework(path: str, allow: str) -> None:
    match = ROUTER.match(path)
    assert match is not None
    assert match.resource.allow == allow


def test_head_has_the_route_of_get() -> None:
    match = ROUTER.match("/api/v1/oms/packages/")
    assert match is not None
    assert match.resource.route("HEAD") is match.resource.route("GET") is not None
    assert match.resource.route("PUT") is None


def test_each_operation_has_one_path() -> None:
    """Only the login has two paths."""
    names = [route.operation for route in ROUTES]
    assert {name for name in names if names.count(name) > 1} == {"login"}
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


@pytest.mark.medium
def test_matching_takes_linear_time() -> None:
    """Quadratic matching would take an hour."""
    assert ROUTER.match("".join(f"/{number}" for number in range(300_000))) is None
