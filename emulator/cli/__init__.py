"""The command line."""

from __future__ import annotations

import sys

try:
    from collections.abc import Sequence
    from importlib import import_module
    from typing import Any, NoReturn

    import click

    from emulator.core.version import __version__
except KeyboardInterrupt:  # Ctrl-C while the command starts
    sys.exit(130)


COMMANDS = {
    "serve": "serve",
    "exec": "serve",
    "mcp": "mcp",
    "export": "data",
    "import": "data",
    "record": "record",
    "installation": "data",
    "routes": "info",
    "scenarios": "info",
    "openapi": "info",
    "token": "info",
    "verify": "reports",
    "coverage": "reports",
    "mutate": "reruns",
    "sweep": "reruns",
}
"""Command -> its module in this package. A command imports only its own module."""
KEYWORDS = {"exec": "exec_", "import": "import_"}
"""Command -> its function, if the name is taken in Python."""


class CommandGroup(click.Group):
    """A group that prints each error as one line and exits with code 2."""

    def list_commands(self, _: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{COMMANDS[name]}"), KEYWORDS.get(name, name))
        return command

    def main(self, args: Sequence[str] | None = None, *_: Any, **extra: Any) -> Any:
        try:
            code = super().main(args, standalone_mode=False, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            sys.exit(2)
        except click.ClickException as error:
            exit_with_message(error.format_message())
        except OSError as error:  # a file or folder that cannot be read
            exit_with_message(f"cannot use {error.filename}: {error.strerror}" if error.filename else str(error))
        except (click.Abort, KeyboardInterrupt):
            sys.exit(130)
        sys.exit(code if isinstance(code, int) else 0)


def exit_with_message(message: str) -> NoReturn:
    click.echo(f"oms-emulator: {' '.join(message.split())}", err=True)
    sys.exit(2)


EPILOG = """\b
Examples:
  oms-emulator serve --open
  oms-emulator exec -- npm test
  oms-emulator verify http://127.0.0.1:8080
\b
Completion, for bash (zsh_source and fish_source for others):
  eval "$(_OMS_EMULATOR_COMPLETE=bash_source oms-emulator)"
"""


@click.group(cls=CommandGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="oms-emulator")
def main() -> None:
    """Emulate the Akinon OMS package and transfer-order services."""
