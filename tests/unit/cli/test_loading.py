"""How a command is loaded."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from hutong.cli import COMMANDS, Commands

LOOK = """
import gc, sys
from hutong.cli import Commands
rounds = []
gc.callbacks.append(lambda phase, info: rounds.append(phase))
found = Commands().get_command(None, "serve")
print(found.name, len(rounds), gc.isenabled(), gc.get_freeze_count() > 100_000)
"""


def test_what_a_command_imports_is_never_looked_through_for_garbage():
    told = subprocess.run([sys.executable, "-c", LOOK], check=True, capture_output=True, text=True).stdout
    assert told.split() == ["serve", "0", "True", "True"]


def test_garbage_is_looked_for_again_after_a_module_that_fails(monkeypatch):
    monkeypatch.setitem(COMMANDS, "serve", ("hutong.cli.not_there", "serve"))
    with pytest.raises(ModuleNotFoundError):
        Commands().get_command(None, "serve")
    assert gc.isenabled()
