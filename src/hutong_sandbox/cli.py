"""The command ``hutong-sandbox``."""

from __future__ import annotations

from typing import Final

import click
import uvloop

from hutong_sandbox.apps.command import apps
from hutong_sandbox.server import serve

PORT: Final = 8100
PORT_MAX: Final = 65_000


@click.group()
def main() -> None:
    """Simulated platforms with their true wire formats, on the loopback address only."""


@main.command("serve")
@click.option("--port", type=click.IntRange(0, PORT_MAX), default=PORT, show_default=True, help="0 takes free ports.")
@click.option("--seed", type=int, default=None, help="Same seed, same keys and numbers.")
@click.option("--hub-url", default=None, help="Callbacks may go to this host, too; loopback is always allowed.")
@click.option("--lifeline", is_flag=True, help="Stop when standard input ends.")
def serve_command(port: int, seed: int | None, hub_url: str | None, lifeline: bool) -> None:
    """Serve until stopped; prints one line ``ready {json}`` when every port listens."""
    try:
        uvloop.run(serve(port, seed, hub_url, lifeline=lifeline, say=click.echo))
    except OSError as error:
        raise click.ClickException(f"cannot listen on port {port}: {error.strerror or error}") from error


main.add_command(apps)
