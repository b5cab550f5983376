"""Statements of hot paths: written with SQLAlchemy once, at import, and sent as the same text ever after.

SQLAlchemy builds, keys and looks up a statement for each call; on the way of a payment that took longer than PostgreSQL
took to work it (``make bench-payments``). Parameters are named with ``bindparam``; ``merchant_id`` comes from the unit.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import ARRAY, BindParameter, ColumnElement, SelectBase, any_, bindparam
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.sql.elements import ClauseElement

POSTGRESQL: Final = dialect()  # type: ignore[no-untyped-call] # SQLAlchemy's own gap


class Fixed:
    """A statement and its text. Rows come as the driver gives them: of all types only JSON needs help (`document`)."""

    def __init__(self, statement: ClauseElement) -> None:
        self.writes = not isinstance(statement, SelectBase)
        self._statement = statement
        self._text = ""  # compiled at first use
        self._names: list[str] = []
        self._constants: dict[str, Any] = {}

    def bind(self, values: dict[str, Any]) -> tuple[str, list[Any]]:
        """The text, and the values in the order of its ``$1``, ``$2``, …"""
        if not self._text:
            compiled: Any = self._statement.compile(dialect=POSTGRESQL)
            self._text, self._names, self._constants = str(compiled), compiled.positiontup, compiled.params
        constants = self._constants
        return self._text, [values[name] if name in values else constants[name] for name in self._names]


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether a column's value is in the list given as ``name``, however long it is."""
    listed: BindParameter[Any] = bindparam(name, type_=ARRAY(column.type))
    return column == any_(listed)


def document(value: Any) -> Any:  # noqa: ANN401 (whatever JSON can hold)
    """The value of a JSON column, be it the driver's text or what SQLAlchemy has made of it."""
    return msgspec.json.decode(value) if isinstance(value, str) else value


def mine(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a row is the merchant's of the unit of work."""
    return column == bindparam("merchant_id", type_=column.type)
