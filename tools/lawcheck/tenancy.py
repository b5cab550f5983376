"""Whose row is it: every table has ``merchant_id`` first in its key, and every statement names it.

Row-level security is the wall behind this (tests/integration checks it on a live database); naming the merchant in
the statement as well keeps plans on one tenant and lets a sharded PostgreSQL route them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Final

from lawcheck.source import Source, dotted, string_of

#: The one table that is read before the merchant is known, and what belongs to tools.
EXEMPT_TABLES: Final = frozenset({"directory", "alembic_version"})
#: Rooms whose statements are about one merchant. db, migrations and cli hold the explicit exceptions (system role).
SCOPED_ROOMS: Final = frozenset(
    {
        "merchants", "links", "payments", "shops", "live", "ledger", "customers", "analytics", "webhooks",
        "workflows", "web", "edge",
    }
)  # fmt: skip
STATEMENT = re.compile(
    r"^\s*(?:SELECT\b.+?\bFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|WITH\s+\w+.*?\bAS)\b",
    re.IGNORECASE | re.DOTALL,
)
#: A condition may come from a helper, and that from another; more would hide it from the reader.
HELPERS_DEEP_MAX: Final = 2
BUILDERS: Final = frozenset({"select", "update", "delete"})


def key_first(source: Source) -> Iterator[tuple[int, str]]:
    """Every ``Table`` has ``merchant_id`` first in its primary key."""
    if not source.place.startswith("src/hutong/"):
        return
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] == "Table" and node.args):
            continue
        name = string_of(node.args[0])
        if name is None or name in EXEMPT_TABLES:
            continue
        key = _primary_key(node)
        if not key or key[0] != "merchant_id":
            yield node.lineno, f"table {name}: merchant_id is not the first column of the primary key {key}"


def named_in_statements(source: Source) -> Iterator[tuple[int, str]]:
    """A statement about merchants' rows names ``merchant_id``: in its SQL text, or in the function that builds it."""
    if source.room() not in SCOPED_ROOMS:
        return
    built = _imported_builders(source.tree)
    functions = {n.name: n for n in ast.walk(source.tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.expr) and (text := string_of(node)) is not None:
            inside = isinstance(source.parents.get(node), ast.JoinedStr)
            if not inside and STATEMENT.match(text) and "merchant_id" not in text and not _is_docstring(source, node):
                yield node.lineno, "this SQL does not name merchant_id"
        elif isinstance(node, ast.Call) and (builder := _builder(node, built)):
            holder: ast.AST = source.function_of(node) or source.tree
            if not _names_merchant(holder, functions, HELPERS_DEEP_MAX):
                yield node.lineno, f"{builder}(…) is built where nothing names merchant_id"


def _builder(call: ast.Call, built: set[str]) -> str:
    """The name of the statement builder that a call is: ``update(t)``, or a table's own ``t.update()``; else empty.

    A dict's or set's ``update`` has arguments; a table's has none.
    """
    if isinstance(call.func, ast.Name) and call.func.id in built:
        return call.func.id
    if isinstance(call.func, ast.Attribute) and call.func.attr in BUILDERS and not (call.args or call.keywords):
        return dotted(call.func)
    return ""


def _primary_key(table: ast.Call) -> list[str]:
    """Column names of the primary key, by constraint or by ``primary_key=True`` in column order."""
    columns: list[str] = []
    for arg in table.args:
        if not isinstance(arg, ast.Call):
            continue
        words = [item.value for item in arg.args if isinstance(item, ast.Constant) and isinstance(item.value, str)]
        if dotted(arg.func).split(".")[-1] == "PrimaryKeyConstraint":
            return words
        if any(keyword.arg == "primary_key" for keyword in arg.keywords) and words:
            columns.append(words[0])
    return columns


def _imported_builders(tree: ast.Module) -> set[str]:
    """Local names of SQLAlchemy's statement builders in this file."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy")
        for alias in node.names
        if alias.name in BUILDERS
    }


def _names_merchant(holder: ast.AST, functions: Mapping[str, ast.AST], deep: int) -> bool:
    """Whether a function names the merchant, itself or by a helper of the same file that it calls."""
    for node in ast.walk(holder):
        if isinstance(node, ast.Attribute) and node.attr == "merchant_id":
            return True
        if (
            isinstance(node, ast.Name | ast.arg)
            and (node.id if isinstance(node, ast.Name) else node.arg) == "merchant_id"
        ):
            return True
        if isinstance(node, ast.Constant) and node.value == "merchant_id":
            return True
        helper = functions.get(dotted(node.func)) if isinstance(node, ast.Call) and deep else None
        if helper is not None and helper is not holder and _names_merchant(helper, functions, deep - 1):
            return True
    return False


def _is_docstring(source: Source, node: ast.expr) -> bool:
    return isinstance(source.parents.get(node), ast.Expr)
