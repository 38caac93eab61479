"""The command line."""

from __future__ import annotations

import sys

try:
    from collections.abc import Sequence
    from typing import Any, NoReturn

    import click

    from emulator.cli.data import export, import_, installation
    from emulator.cli.info import openapi, routes, scenarios, token
    from emulator.cli.mcp import mcp
    from emulator.cli.record import record
    from emulator.cli.reports import coverage, verify
    from emulator.cli.reruns import mutate, sweep
    from emulator.cli.serve import exec_, serve
    from emulator.core.version import __version__
except KeyboardInterrupt:  # Ctrl-C while the command starts
    sys.exit(130)


class CommandGroup(click.Group):
    """A group that prints each error as one line and exits with code 2."""

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


main.add_command(serve)
main.add_command(exec_)
main.add_command(mcp)
main.add_command(export)
main.add_command(import_)
main.add_command(record)
main.add_command(installation)
main.add_command(routes)
main.add_command(scenarios)
main.add_command(openapi)
main.add_command(token)
main.add_command(verify)
main.add_command(coverage)
main.add_command(mutate)
main.add_command(sweep)
