"""The command ``hutong``."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from types import ModuleType
from typing import Final

import click

from hutong import __version__
from hutong.cli.output import tell_error
from hutong.core.errors import HutongError

#: Command -> (module, name in it). Loaded when asked for: a command must not wait for what others need.
COMMANDS: Final = {
    "serve": ("hutong.cli.serve", "serve"),
    "demo": ("hutong.cli.demo", "demo"),
    "story": ("hutong.cli.story", "story"),
    "import": ("hutong.cli.imports", "import_group"),
    "doctor": ("hutong.cli.doctor", "doctor"),
    "key": ("hutong.cli.keys", "key"),
    "link": ("hutong.cli.links", "link_group"),
    "statement": ("hutong.cli.statements", "statement_group"),
    "staff": ("hutong.cli.staff", "staff"),
    "storm": ("hutong.cli.unbuilt", "storm"),
    "connector": ("hutong.cli.unbuilt", "connector"),
    "backup": ("hutong.cli.unbuilt", "backup"),
    "restore": ("hutong.cli.unbuilt", "restore"),
    "mcp": ("hutong.cli.unbuilt", "mcp"),
}


class Commands(click.Group):
    """Loads each command when it is asked for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Names, in the order of the day."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """A command, or None."""
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name]
        found = getattr(_load(module), attribute)
        assert isinstance(found, click.Command), name
        return found


def _load(name: str) -> ModuleType:
    """A command's module with all that it imports, none of it looked through for garbage: a third of a start and end.

    What is loaded stays for good, and Python would walk it for cycles again and again while it grows, and at the end.
    """
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def commands() -> None:
    """Hutong 互通: one hub over the walled platforms you sell on."""


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
