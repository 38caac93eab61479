"""The command line."""

from __future__ import annotations

import sys

try:
    import gc
    from collections import UserDict
    from collections.abc import Iterator, Sequence
    from contextlib import contextmanager
    from pkgutil import resolve_name
    from typing import Any, NoReturn

    import click

    from emulator.core.version import __version__
except KeyboardInterrupt:  # Ctrl-C while the command starts
    sys.exit(130)


class LazyCommands(UserDict[str, Any]):
    """Commands by name. The module of a command is imported when the command is used."""

    def __getitem__(self, name: str) -> click.Command:
        with garbage_collection_paused():
            command: click.Command = resolve_name(self.data[name])
        return command


@contextmanager
def garbage_collection_paused() -> Iterator[None]:
    """Pause it during imports: they create many objects and free few. Collections took a twentieth of the start."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


COMMAND_TABLE = {
    "coverage": ("reports:coverage", "Merge coverage FILES and report the coverage."),
    "exec": ("serve:exec_", "Start an emulator, run a command, and exit with the exit code of the command."),
    "export": ("data:export", "Write a world as a scenario file."),
    "import": (
        "data:import_",
        "Create a scenario from recorded GET responses of an OMS: lists, details, logs and events of both surfaces.",
    ),
    "installation": ("data:installation", "Create, lint and compare installations: states, transitions, locations."),
    "mcp": ("mcp:mcp", "Serve the control API to coding agents (Model Context Protocol)."),
    "mutate": (
        "reruns:mutate",
        "Change one behaviour of the emulator at a time, and report the changes that no test notices.",
    ),
    "openapi": ("data:openapi", "Print the OpenAPI 3.1 document of the emulated API, or another description of it."),
    "record": ("record:record", "Record the traffic between a client and a real OMS, until Ctrl-C."),
    "routes": ("data:routes", "List all operations: name, method, path, statuses and the page that documents them."),
    "scenarios": ("data:scenarios", "List the bundled scenarios."),
    "serve": ("serve:serve", "Run the server until it is stopped."),
    "sweep": (
        "reruns:sweep",
        "Run tests once for each call that they make and each kind of fault, and print a grid of the outcomes.",
    ),
    "token": ("data:token", "Print a credential with the role ROLE."),
    "verify": ("reports:verify", "Check whether the server at URL conforms to the contract."),
}
"""Command -> its module and function in this package, and the first sentence of its help, for the list of commands.

Importing all commands takes half a second.
"""
COMMANDS = LazyCommands({name: f"emulator.cli.{target}" for name, (target, _) in COMMAND_TABLE.items()})


class ListingGroup(click.Group):
    """A group that lists the known commands if a name is unknown."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if args[0].startswith("-"):  # an option
                raise
            raise click.UsageError(f"{error.format_message()} Known: {', '.join(self.commands)}.", ctx) from None


class CommandGroup(ListingGroup):
    """A group that prints each error as one line and exits with code 2."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands. Import only those that another program added, as the npm package does."""
        summaries = {name: click.Command(name, help=summary) for name, (_, summary) in COMMAND_TABLE.items()}
        listed = {name: summaries.get(name) or self.commands[name] for name in self.commands}
        click.Group(commands=listed).format_commands(ctx, formatter)

    def main(self, args: Sequence[str] | None = None, *_: Any, **extra: Any) -> Any:
        try:
            code = super().main(args, standalone_mode=False, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            sys.exit(2)
        except click.ClickException as error:
            exit_with(error.format_message())
        except OSError as error:  # a file or folder that cannot be read
            exit_with(f"cannot use {error.filename}: {error.strerror}" if error.filename else str(error))
        except (click.Abort, KeyboardInterrupt):
            sys.exit(130)
        sys.exit(code if isinstance(code, int) else 0)


def exit_with(message: str, code: int = 2) -> NoReturn:
    """Print an error in one line, and exit."""
    click.echo(f"oms-emulator: {' '.join(message.split())}", err=True)
    sys.exit(code)


EPILOG = """\b
Examples:
  oms-emulator serve --open
  oms-emulator exec -- npm test
  oms-emulator verify http://127.0.0.1:8080
\b
Completion, for bash (zsh_source and fish_source for others):
  eval "$(_OMS_EMULATOR_COMPLETE=bash_source oms-emulator)"
"""


@click.group(
    cls=CommandGroup, commands=COMMANDS, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, "-V", "--version", prog_name="oms-emulator")
def main() -> None:
    """Emulate the Akinon OMS package and transfer-order services."""
