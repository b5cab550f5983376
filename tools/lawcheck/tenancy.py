"""Whose row is it: every table has ``merchant_id`` first in its key, and every statement names it.

Row-level security is the wall behind this (tests/integration checks it on a live database); naming the merchant in
the statement as well keeps plans on one tenant and lets a sharded PostgreSQL route them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from lawcheck import sql
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
#: A condition may come from a helper, and that from another; more would hide it from the reader.
HELPERS_DEEP_MAX: Final = 2


def key_first(source: Source) -> Iterator[tuple[int, str]]:
    """Every ``Table`` has ``merchant_id`` first in its primary key."""
    if not source.place.startswith("src/hutong/"):
        return
    for node in source.nodes:
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
    functions = {n.name: n for n in source.nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    for text_node, text in sql.texts(source):
        if sql.STATEMENT.match(text) and "merchant_id" not in text:
            yield text_node.lineno, "this SQL does not name merchant_id"
    for node in source.nodes:
        if isinstance(node, ast.Call) and sql.builder(source, node):
            holder: ast.AST = source.function_of(node) or source.tree
            if not _names_merchant(holder, functions, HELPERS_DEEP_MAX):
                yield node.lineno, f"{dotted(node.func)}(…) is built where nothing names merchant_id"


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
