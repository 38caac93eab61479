"""Interception of hosts in libraries without sessions: methods of their classes are replaced inside a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from emulator.client.session import PATCH_LOCK, InProcessAdapter, InterceptedHost


class HostIntercept(NamedTuple):
    """An interception of one host by a library without sessions."""

    owner: object
    host: InterceptedHost
    adapter: InProcessAdapter


class MethodPatch:
    """Replaces methods of a library's classes while hosts are intercepted."""

    def __init__(self, methods: Mapping[tuple[type, str], Callable[..., Any]]) -> None:
        """`methods` are the replacements, by class and name."""
        self.intercepts: tuple[HostIntercept, ...] = ()
        """Newest first."""
        self._methods = methods
        self._originals = {(owner, name): getattr(owner, name) for owner, name in methods}

    def install(self) -> None:
        for (owner, name), method in self._methods.items():
            vars(method)["patch"] = self
            setattr(owner, name, method)

    def remove(self) -> None:
        """Restore the methods, unless a later patch of another library has replaced them."""
        if all(getattr(owner, name) is method for (owner, name), method in self._methods.items()):
            for (owner, name), original in self._originals.items():
                setattr(owner, name, original)

    def find_adapter(self, url: str) -> InProcessAdapter | None:
        return next((each.adapter for each in self.intercepts if each.host.matches(url)), None)


@contextmanager
def intercept_hosts(
    find_patch: Callable[[], MethodPatch], urls: tuple[str, ...], adapter: InProcessAdapter
) -> Iterator[None]:
    """Send requests to these hosts to the application until the block ends. `find_patch` returns the patch to use."""
    owner = object()
    with PATCH_LOCK:
        patch = find_patch()
        newest = (HostIntercept(owner, InterceptedHost.parse(url), adapter) for url in urls)
        patch.intercepts = (*newest, *patch.intercepts)
        patch.install()
    try:
        yield
    finally:
        with PATCH_LOCK:
            patch.intercepts = tuple(each for each in patch.intercepts if each.owner is not owner)
            if not patch.intercepts:
                patch.remove()
