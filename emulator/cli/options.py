"""Options of the commands: environment variables, groups in the help text, and suggestions for misspelt names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import click

from emulator.core.errors import did_you_mean

Decorated = TypeVar("Decorated", bound=Callable[..., object])

PREFIX = "OMS_EMULATOR_"
"""Prefix of the environment variables that set options."""


def environment_variable(name: str) -> str:
    """Return the environment variable that sets a flag."""
    return PREFIX + name.upper().replace("-", "_")


class GroupedOption(click.Option):
    """An option that the help text lists under the heading of its group."""

    def __init__(self, *declarations: Any, group: str = "Options", **settings: Any) -> None:
        super().__init__(*declarations, **settings)
        self.group = group


class GroupedCommand(click.Command):
    """A command whose help text lists its options in groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for option in self.get_params(ctx):
            if isinstance(option, click.Option) and (record := option.get_help_record(ctx)) is not None:
                groups.setdefault(getattr(option, "group", "Other"), []).append(record)
        for heading, records in groups.items():
            with formatter.section(heading):
                formatter.write_dl(records)


class NamedChoice(click.Choice[str]):
    """A choice of names that suggests the nearest one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            message = error.message.rstrip(".") + did_you_mean(value, self.choices)
            raise click.BadParameter(message, ctx=ctx, param=param) from None


def options_of(group: str) -> Callable[..., Callable[[Decorated], Decorated]]:
    """Return a decorator factory for the options of a group. Each can also be set by an environment variable.

    The flag takes precedence over the variable.
    """

    def option(name: str, *aliases: str, **settings: Any) -> Callable[[Decorated], Decorated]:
        settings |= {"envvar": environment_variable(name), "show_envvar": True, "group": group}
        return click.option(*aliases, f"--{name}", cls=GroupedOption, **settings)

    return option


def unknown_variables(options: Sequence[click.Parameter]) -> Iterator[str]:
    """Yield a message for each environment variable that looks like one of an option, and is not."""
    known = [str(option.envvar) for option in options if option.envvar]
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            yield f"the environment variable {name} has no effect{did_you_mean(name, known)}"
