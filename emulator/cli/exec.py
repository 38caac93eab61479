"""`oms-emulator exec -- CMD`: run a command with an emulator, and exit with its exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from emulator.cli.serve import serve

if TYPE_CHECKING:
    from emulator.client.emulator import Emulator

NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""Exit codes of a shell for a command that does not exist, and for a file that is not executable."""
FORWARDED = (
    *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2),
    *(signal.SIGTSTP, signal.SIGWINCH),
)
TOKEN = "full-access"  # noqa: S105 - published
YEAR = 365 * 24 * 3600


@click.pass_context
def run(context: click.Context, /, *, command: Sequence[str], **options: Any) -> None:
    """Start an emulator, run a command, and exit with the exit code of the command.

    The command receives OMS_URL, OMS_TOKEN and OMS_JWT as environment variables. The emulator listens on a free port
    until the command exits. Signals are forwarded to the command. Options are those of `serve`; end them with `--`.
    """
    context.obj = ChildProcess(command)
    context.invoke(serve, **options)


def report_failure(name: str, reason: str, code: int) -> int:
    click.echo(f"oms-emulator: {name}: {reason}", err=True)
    return code


class ChildProcess:
    """A command in a separate process group, so that it receives each forwarded signal exactly once."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self.pid = 0
        self._pending_signals: list[int] = []
        self._resumed = False
        for number in FORWARDED:
            signal.signal(number, self.forward)
        signal.signal(signal.SIGCONT, self.resume)

    def wait(self, emulator: Emulator) -> int:
        """Run the command. Return its exit code, or 128 plus the number of the signal that terminated it."""
        variables = {
            "OMS_URL": emulator.url,
            "OMS_TOKEN": TOKEN,
            "OMS_JWT": emulator.jwt(TOKEN, expires_in=YEAR),
        }
        try:
            self._process = subprocess.Popen(self.command, env=os.environ | variables, process_group=0)  # noqa: S603 - the command is the argument of the user
        except FileNotFoundError:
            return report_failure(self.command[0], "command not found", NOT_FOUND)
        except OSError as error:
            return report_failure(self.command[0], error.strerror or str(error), NOT_EXECUTABLE)
        self.pid = self._process.pid
        for number in self._pending_signals:
            self.forward(number, None)
        with foreground(self.pid):
            return self._wait_for_exit()

    def forward(self, number: int, _: FrameType | None) -> None:
        if not self.pid:
            self._pending_signals.append(number)
            return
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def resume(self, number: int, frame: FrameType | None) -> None:
        """Resume the command after SIGCONT. Pass the terminal on if `fg` gave it to this process."""
        self._resumed = True
        if self.pid and foreground_group() == os.getpgrp():
            give_terminal(self.pid)
        self.forward(number, frame)

    def _wait_for_exit(self) -> int:
        """Wait for the command to exit. If it stops (Ctrl-Z), stop this process too until `fg` or `bg`."""
        while True:
            _, status = os.waitpid(self.pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                self._process.returncode = os.waitstatus_to_exitcode(status)
                return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
            self._resumed = False
            os.kill(os.getpid(), signal.SIGSTOP)
            if not self._resumed:  # another thread received the signal, and the handler waits for this one
                self.resume(signal.SIGCONT, None)


@contextmanager
def foreground(group: int) -> Iterator[None]:
    """Make a process group the foreground group of our terminal, so that only it receives Ctrl-C."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # without this, taking the terminal back would stop this process
    if foreground_group() == os.getpgrp():
        give_terminal(group)
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGCONT)  # it may have stopped when it read before it had the terminal
    try:
        yield
    finally:
        if foreground_group() == group:
            give_terminal(os.getpgrp())


def foreground_group() -> int | None:
    """Return the foreground process group of our terminal, or None without a terminal."""
    with suppress(OSError, ValueError):
        return os.tcgetpgrp(sys.stdin.fileno())
    return None


def give_terminal(group: int) -> None:
    with suppress(OSError, ValueError):
        os.tcsetpgrp(sys.stdin.fileno(), group)


def serve_options() -> list[click.Parameter]:
    """Return the options of `serve`, with port 0 (a free port) as the default."""
    options = [copy(option) for option in serve.params]
    for option in options:
        if option.name == "port":
            option.default = 0
    return options


exec_ = click.Command(
    "exec",
    callback=run,
    params=[*serve_options(), click.Argument(["command"], nargs=-1, required=True, type=click.UNPROCESSED)],
    help=run.__doc__,
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
)
