"""`serve --watch`: reload the scenario and installation files when they are saved."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.domain.installation import bundled_path, installation_files, is_inline_document
from emulator.domain.scenario_files import FOLDER
from emulator.state.scenario import Scenario

if TYPE_CHECKING:
    from emulator.client.emulator import Emulator

LOG = logging.getLogger("emulator.watch")
POLL_SECONDS = 0.5

Versions = dict[Path, tuple[int, int]]
"""File -> time of its last change, and size."""


class FileWatcher:
    """Reloads an emulator when its files have changed. An error leaves the worlds as they are."""

    def __init__(self, emulator: Emulator) -> None:
        """Raise `ValueError` if the emulator started from no file."""
        self._emulator = emulator
        self._loaded = self._seen = self._versions()
        if not self._loaded:
            raise ValueError("--watch needs a --scenario or an --installation that is a file")

    def check(self) -> None:
        """Reload if files have changed since the last reload, and not since the last check."""
        seen, self._seen = self._seen, self._versions()
        if self._seen == seen != self._loaded:
            self._loaded = seen
            self._reload()

    def _versions(self) -> Versions:
        """Return the versions of the files that exist. Editors delete a file for a moment when they save it."""
        found: Versions = {}
        for file in watched_files(self._emulator.worlds.scenario):
            try:
                stat = file.stat()
            except OSError:
                continue
            found[file] = (stat.st_mtime_ns, stat.st_size)
        return found

    def _reload(self) -> None:
        try:
            self._emulator.reload()
        except (OSError, ValueError) as error:
            LOG.error("the worlds stay as they were: %s", " ".join(str(error).split()))
            return
        self._loaded = self._seen = self._versions() | self._loaded  # a file may have changed since
        LOG.info("reloaded %s", ", ".join(map(str, self._loaded)))


def watched_files(scenario: Scenario) -> Iterator[Path]:
    """Yield the files of a scenario and of its installation, without those of the package."""
    if scenario.file is not None and FOLDER not in (file := Path(scenario.file)).parents:
        yield file
    name = scenario.installation
    if not is_inline_document(name) and bundled_path(name) is None:
        yield from installation_files(Path(name))


@contextmanager
def watching(emulator: Emulator) -> Iterator[None]:
    """Check the files in a thread, inside the block."""
    watcher, stopped = FileWatcher(emulator), threading.Event()

    def poll() -> None:
        while not stopped.wait(POLL_SECONDS):
            watcher.check()

    thread = threading.Thread(target=poll, name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
