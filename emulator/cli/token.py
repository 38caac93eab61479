"""`oms-emulator token`: credentials for either surface."""

from __future__ import annotations

import click

from emulator.core.credentials import CREDENTIALS

LIFETIME = 3600


@click.command()
@click.argument("role", metavar="ROLE", type=click.Choice(list(CREDENTIALS)))
@click.option("--expires-in", type=int, help=f"Seconds until it expires, in real time.  [default: {LIFETIME}]")
@click.option("--kind", type=click.Choice(["jwt", "token"]), default="jwt", show_default=True)
def token(*, role: str, expires_in: int | None, kind: str) -> None:
    """Print a credential that has ROLE.

    A jwt is for the reference surface (`Authorization: Bearer ...`), a token for the guide's (`Token ...`).
    """
    from emulator.core import jwts  # noqa: PLC0415 - other commands need it not
    from emulator.core.clock import machine_now  # noqa: PLC0415

    if kind == "token":
        if expires_in is not None:
            raise click.UsageError("a token does not expire; --expires-in is for --kind jwt")
        click.echo(role)
        return
    try:
        click.echo(jwts.issue(role, machine_now(), LIFETIME if expires_in is None else expires_in).token)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
