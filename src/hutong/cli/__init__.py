"""The command ``hutong``."""

from __future__ import annotations

import sys

import click

from hutong import __version__
from hutong.cli.demo import demo
from hutong.cli.keys import key
from hutong.cli.output import tell_error
from hutong.cli.serve import serve
from hutong.cli.story import story
from hutong.core.errors import HutongError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def commands() -> None:
    """Hutong 互通: one hub over the walled platforms you sell on."""


for command in (serve, demo, story, key):
    commands.add_command(command)


def main() -> None:
    """Run a command; an error tells cause and fix, and the exit code is not 0."""
    try:
        commands(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except HutongError as error:
        tell_error(error)
        sys.exit(1)
