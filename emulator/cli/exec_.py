"""`oms-emulator exec -- CMD`: run a command beside an emulator of its own, and give its exit code."""

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
    from emulator.server import Emulator

NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""What a shell exits with for a command that is not there, and for one that is no program."""
PASSED_ON = (
    *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2),
    *(signal.SIGTSTP, signal.SIGWINCH),
)
TOKEN = "full-access"  # noqa: S105 - published
YEAR = 365 * 24 * 3600


@click.pass_context
def run(context: click.Context, /, *, command: Sequence[str], **options: Any) -> None:
    """Run a command with an emulator beside it, and exit with its code.

    The command finds OMS_URL, OMS_TOKEN and OMS_JWT in its environment. The emulator answers on a free port until the
    command ends; signals are passed on to it. Options as for `serve`; they end with `--`.
    """
    context.obj = Child(command)
    context.invoke(serve, **options)


def unable_to_run(name: str, why: str, code: int) -> int:
    click.echo(f"oms-emulator: {name}: {why}", err=True)
    return code


class Child:
    """A command in a process group of its own: each signal reaches it once, whoever else it was sent to."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self.pid = 0
        self._early: list[int] = []
        self._went_on = False
        for number in PASSED_ON:
            signal.signal(number, self.pass_on)
        signal.signal(signal.SIGCONT, self.go_on)

    def wait(self, emulator: Emulator) -> int:
        """Run the command to its end; give its exit code, or 128 and the number of the signal that ended it."""
        variables = {"OMS_URL": emulator.url, "OMS_TOKEN": TOKEN, "OMS_JWT": emulator.jwt(TOKEN, expires_in=YEAR)}
        try:
            self._process = subprocess.Popen(self.command, env=os.environ | variables, process_group=0)  # noqa: S603 - what we are for
        except FileNotFoundError:
            return unable_to_run(self.command[0], "command not found", NOT_FOUND)
        except OSError as error:
            return unable_to_run(self.command[0], error.strerror or str(error), NOT_EXECUTABLE)
        self.pid = self._process.pid
        for number in self._early:
            self.pass_on(number, None)
        with foreground(self.pid):
            return self._ended()

    def pass_on(self, number: int, _: FrameType | None) -> None:
        if not self.pid:
            self._early.append(number)
            return
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def go_on(self, number: int, frame: FrameType | None) -> None:
        """Let the command go on; `fg` has given us the terminal, which is for it, and `bg` has not."""
        self._went_on = True
        if self.pid and holder() == os.getpgrp():
            give_terminal(self.pid)
        self.pass_on(number, frame)

    def _ended(self) -> int:
        """Wait for its end; stop as it does, so that Ctrl-Z stops all of us and `fg` or `bg` lets all go on."""
        while True:
            _, status = os.waitpid(self.pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                self._process.returncode = os.waitstatus_to_exitcode(status)
                return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
            self._went_on = False
            os.kill(os.getpid(), signal.SIGSTOP)
            if not self._went_on:  # another thread got the signal, and the handler waits for this one
                self.go_on(signal.SIGCONT, None)


@contextmanager
def foreground(group: int) -> Iterator[None]:
    """Let a process group have the terminal, if we have it: Ctrl-C then reaches that group and nobody else."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # or taking the terminal back would stop us
    if holder() == os.getpgrp():
        give_terminal(group)
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGCONT)  # it may have read before it had the terminal
    try:
        yield
    finally:
        if holder() == group:
            give_terminal(os.getpgrp())


def holder() -> int | None:
    """Give the process group that has our terminal, if we have one."""
    with suppress(OSError, ValueError):
        return os.tcgetpgrp(sys.stdin.fileno())
    return None


def give_terminal(group: int) -> None:
    with suppress(OSError, ValueError):
        os.tcsetpgrp(sys.stdin.fileno(), group)


def options_of_serve() -> list[click.Parameter]:
    """Give what `serve` takes, with a free port unless one is asked for."""
    found = [copy(option) for option in serve.params]
    for option in found:
        if option.name == "port":
            option.default = 0
    return found


exec_ = click.Command(
    "exec",
    callback=run,
    params=[*options_of_serve(), click.Argument(["command"], nargs=-1, required=True, type=click.UNPROCESSED)],
    help=run.__doc__,
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
)
