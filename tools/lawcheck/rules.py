"""The list of rules and the reading of a whole tree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lawcheck import clocks, imports, money, shape, states, tenancy
from lawcheck.source import Finding, Rule, Source, apply

RULES: Final[dict[str, Rule]] = {
    "money-no-float": money.no_float,
    "money-no-float-shown": money.no_float_of_money,
    "money-unit-in-name": money.unit_in_name,
    "clock-passed-in": clocks.passed_in,
    "time-aware": clocks.aware,
    "imports-in-sight": imports.in_sight,
    "state-compare-and-set": states.compare_and_set,
    "tenant-key-first": tenancy.key_first,
    "tenant-in-statement": tenancy.named_in_statements,
    "file-length": shape.file_length,
    "function-length": shape.function_length,
    "named-limits": shape.named_limits,
    "limit-units": shape.units_of_limits,
}
FOLDERS: Final = ("src", "tools")


def files_of(root: Path) -> Iterator[Path]:
    """The Python files that the laws are about, in order."""
    for folder in FOLDERS:
        yield from sorted((root / folder).rglob("*.py"))


def check_tree(root: Path) -> list[Finding]:
    """Every finding in a checkout."""
    return [finding for file in files_of(root) for finding in apply(RULES, Source.read(root, file))]


def check_text(place: str, text: str) -> list[Finding]:
    """Every finding in one text as if it stood at ``place``."""
    return apply(RULES, Source(place, text))
