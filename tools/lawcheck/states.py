"""State changes go through a transition table and a compare-and-set update, never by a bare assignment."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from lawcheck import sql
from lawcheck.source import Source, dotted

#: The compare-and-set itself (Unit.transition).
HELPERS: Final = frozenset({"src/hutong/db/unit.py"})
STATE_NAMES: Final = frozenset({"state", "status"})
MENTIONS: Final = re.compile(r"\b(state|status)\b", re.IGNORECASE)


def compare_and_set(source: Source) -> Iterator[tuple[int, str]]:
    """No state column is set outside the one helper, unless the statement compares the old state in its WHERE."""
    if not source.place.startswith("src/hutong/") or source.place in HELPERS:
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and len(node.args) > 1 and _runs_with_state(source, node):
            yield node.lineno, "an UPDATE is run with a state as its parameter; use Unit.transition"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ("values", "ordered_values") and _sets_state_blindly(source, node):
                yield node.lineno, "an UPDATE sets a state without comparing the old one; use Unit.transition"
            elif node.func.attr == "on_conflict_do_update" and _overwrites_state(source, node):
                yield node.lineno, "an upsert sets a state without comparing the old one in its where"
        elif isinstance(node, ast.Attribute) and _is_set_by_hand(node):
            yield node.lineno, f"{dotted(node)} is set by hand; a row's state changes by Unit.transition"
    for text_node, text in sql.texts(source):
        if any(columns & STATE_NAMES and not MENTIONS.search(where) for columns, where in sql.updates(text)):
            yield text_node.lineno, "this UPDATE sets a state without comparing the old one in its WHERE"


def _is_set_by_hand(target: ast.Attribute) -> bool:
    """Whether ``row.state = …`` stands here; what an object keeps of itself (``self.state``) is no row."""
    return isinstance(target.ctx, ast.Store) and target.attr in STATE_NAMES and dotted(target.value) != "self"


def _sets_state_blindly(source: Source, call: ast.Call) -> bool:
    """Whether ``values(…)`` gives an UPDATE a state, and no ``where`` of that statement mentions the state column."""
    given = {keyword.arg for keyword in call.keywords} | _keys(source, [*call.args, *_unpacked(call)])
    if not given & STATE_NAMES:
        return False
    top, after = _around(source, call)
    before = sql.chain(source, top)
    wheres = [part for part in before + after if isinstance(part.func, ast.Attribute) and part.func.attr == "where"]
    return _updates(source, before) and not any(_mentions_state(arg) for part in wheres for arg in part.args)


def _runs_with_state(source: Source, call: ast.Call) -> bool:
    """Whether an UPDATE is run with a state among its parameters: SQLAlchemy sets what it is given there."""
    statement, parameters = call.args[:2]
    if not _keys(source, parameters.elts if isinstance(parameters, ast.List) else [parameters]) & STATE_NAMES:
        return False
    return _updates(source, sql.chain(source, statement))


def _updates(source: Source, calls: list[ast.Call]) -> bool:
    return any((sql.builder(source, call) or dotted(call.func).split(".")[-1]) == "update" for call in calls)


def _overwrites_state(source: Source, call: ast.Call) -> bool:
    """Whether ``on_conflict_do_update(set_=…)`` sets a state, and its ``where`` does not mention it."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    sets = _keys(source, [given["set_"]] if "set_" in given else [])
    return bool(sets & STATE_NAMES) and not ("where" in given and _mentions_state(given["where"]))


def _unpacked(call: ast.Call) -> list[ast.expr]:
    return [keyword.value for keyword in call.keywords if keyword.arg is None]


def _keys(source: Source, values: list[ast.expr], seen: frozenset[str] = frozenset()) -> set[str | None]:
    """Keys of what is given as a dict or as pairs: names as text, or columns (``t.c.state``, ``t.c["state"]``)."""
    found: set[str | None] = set()
    for value in values:
        if isinstance(value, ast.Name) and value.id not in seen:
            found |= _keys(source, source.values_of(value), seen | {value.id})
        elif isinstance(value, ast.Dict):
            found |= {_column(key) for key in value.keys if key is not None}
            found |= _keys(source, [item for key, item in zip(value.keys, value.values, strict=True) if not key], seen)
        elif isinstance(value, ast.Call) and dotted(value.func) == "dict":
            found |= {keyword.arg for keyword in value.keywords}
            found |= _keys(source, [*value.args, *_unpacked(value)], seen)
        elif isinstance(value, ast.BinOp):
            found |= _keys(source, [value.left, value.right], seen)
        elif isinstance(value, ast.Tuple) and value.elts:
            found.add(_column(value.elts[0]))
    return found


def _column(key: ast.expr) -> str | None:
    """The name of a column, as text or as an attribute or item of its table."""
    if isinstance(key, ast.Attribute):
        return key.attr
    at = key.slice if isinstance(key, ast.Subscript) else key
    return at.value if isinstance(at, ast.Constant) and isinstance(at.value, str) else None


def _around(source: Source, call: ast.Call) -> tuple[ast.expr, list[ast.Call]]:
    """The whole expression of a statement that ``call`` is a part of, and the calls on the name it is kept under."""
    top: ast.expr = call
    while isinstance(holder := source.parents.get(top), ast.Attribute) or (
        isinstance(holder, ast.Call) and holder.func is top
    ):  # ends at the statement that holds the chain
        top = holder
    kept = holder.targets if isinstance(holder, ast.Assign) else []
    return top, [part for name in kept if isinstance(name, ast.Name) for part in sql.chain(source, name)]


def _mentions_state(condition: ast.expr) -> bool:
    return any(
        isinstance(part, ast.Attribute | ast.Subscript) and _column(part) in STATE_NAMES for part in ast.walk(condition)
    )
