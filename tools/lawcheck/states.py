"""State changes go through a transition table and a compare-and-set update, never by a bare assignment."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from lawcheck.source import Source, dotted, string_of

#: The compare-and-set itself (Unit.transition).
HELPERS: Final = frozenset({"src/hutong/db/unit.py"})
STATE_NAMES: Final = frozenset({"state", "status"})
SET_STATE = re.compile(r"\bUPDATE\b.*?\bSET\b(?P<set>.*?)(?:\bWHERE\b(?P<where>.*))?$", re.IGNORECASE | re.DOTALL)
ASSIGNS = re.compile(r"\b(state|status)\s*=", re.IGNORECASE)
MENTIONS = re.compile(r"\b(state|status)\b", re.IGNORECASE)


def compare_and_set(source: Source) -> Iterator[tuple[int, str]]:
    """No UPDATE of a state column outside the one helper, unless raw SQL compares the old state in its WHERE."""
    if not source.place.startswith("src/hutong/") or source.place in HELPERS:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "values":
            names = {keyword.arg for keyword in node.keywords} | _keys(node)
            if names & STATE_NAMES and _begins_with(node, "update") and not _compares_state(source, node):
                yield node.lineno, "an UPDATE sets a state without comparing the old one; use Unit.transition"
        elif isinstance(node, ast.expr) and (text := string_of(node)) is not None:
            match = SET_STATE.search(text)
            if match and ASSIGNS.search(match["set"]) and not MENTIONS.search(match["where"] or ""):
                yield node.lineno, "this UPDATE sets a state without comparing the old one in its WHERE"


def _keys(call: ast.Call) -> set[str | None]:
    """Keys of a literal dict given to ``values``: names as text, or columns (``sales_order.c.state``)."""
    keys = [key for arg in call.args if isinstance(arg, ast.Dict) for key in arg.keys]
    columns: set[str | None] = {key.attr for key in keys if isinstance(key, ast.Attribute)}
    return columns | {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def _compares_state(source: Source, node: ast.expr) -> bool:
    """Whether a ``where`` anywhere in the chain mentions the state column."""
    top: ast.AST = node
    while isinstance(source.parents.get(top), ast.Attribute | ast.Call):  # ends at the statement that holds the chain
        top = source.parents[top]
    wheres = [
        call
        for call in ast.walk(top)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "where"
    ]
    inside = [part for call in wheres for arg in call.args for part in ast.walk(arg)]
    return any(isinstance(part, ast.Attribute) and part.attr in STATE_NAMES for part in inside)


def _begins_with(node: ast.expr, name: str) -> bool:
    """Whether a chain like ``update(t).where(…)`` begins with a call of that name."""
    while True:  # ends at the head of the chain: every step goes one call or attribute inwards
        if isinstance(node, ast.Call):
            if dotted(node.func).split(".")[-1] == name:
                return True
            node = node.func
        elif isinstance(node, ast.Attribute):
            node = node.value
        else:
            return False
