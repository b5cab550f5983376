"""Many rows in one statement. Row-level security refuses ``COPY``, so columns travel as arrays (``unnest``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Table, column, func, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.expression import TableValuedAlias

from hutong.core.states import EventT, StateT, TransitionTable
from hutong.db.fixed import POSTGRESQL
from hutong.db.unit import Unit

#: Rows of one statement; longer lists go in several, so that no message grows without bound.
ROWS_PER_STATEMENT_MAX: Final = 20_000

Columns = Mapping[str, Sequence[Any]]


def rows_of(table: Table, columns: Columns, name: str = "given") -> TableValuedAlias:
    """The given columns (equally long lists) as a table to select from, typed like the same columns of ``table``."""
    types = {key: table.c[key].type for key in columns}
    arrays = [literal(list(values), ARRAY(types[key])) for key, values in columns.items()]
    derived = func.unnest(*arrays).table_valued(*(column(key, kind) for key, kind in types.items()), name=name)
    return derived.render_derived(name=name)


def slices(columns: Columns) -> list[Columns]:
    """The columns cut into pieces of at most ``ROWS_PER_STATEMENT_MAX`` rows."""
    length = len(next(iter(columns.values())))
    starts = range(0, length, ROWS_PER_STATEMENT_MAX)
    return [{key: values[at : at + ROWS_PER_STATEMENT_MAX] for key, values in columns.items()} for at in starts]


async def insert_rows(
    unit: Unit, table: Table, columns: Columns, *, once: bool = False, returning: Sequence[str] = ()
) -> list[Any]:
    """Insert rows of this merchant; with ``once`` those whose key exists are left alone.

    Returns the ``returning`` columns of the rows that were really inserted.
    """
    sql = _insert_sql(table, tuple(columns), once=once, returning=tuple(returning))
    found: list[Any] = []
    for piece in slices(columns):
        found.extend(await unit.fetch(sql, unit.merchant_id, *(list(values) for values in piece.values())))
    return found


async def transition_rows(
    unit: Unit,
    table: Table,
    key: str,
    columns: Columns,
    states: TransitionTable[StateT, EventT],
    event: EventT,
    *,
    whole: bool = False,
) -> list[Any]:
    """``Unit.transition`` for many rows: compare-and-set of ``state``, the other ``columns`` set row by row.

    Returns what was given of the rows that were in a state that allows ``event`` (with ``whole`` all their columns, as
    they are now); locked in key order.
    """
    moved: list[Any] = []
    if not columns[key]:
        return moved
    by_target: dict[StateT, list[str]] = {}
    for source in states.sources(event):
        by_target.setdefault(states.next(source, event), []).append(source.value)
    sql = _transition_sql(table, key, tuple(columns), whole=whole)
    for piece in slices(columns):
        values = [list(column_values) for column_values in piece.values()]
        for target, sources in by_target.items():
            moved.extend(await unit.fetch(sql, unit.merchant_id, target.value, sources, *values))
    return moved


# The texts are made once for each table and choice of columns: SQLAlchemy would build and look up a statement of the
# same text for every batch, which took longer than PostgreSQL took to work it (`make bench-payments`).


@cache
def _insert_sql(table: Table, names: tuple[str, ...], *, once: bool, returning: tuple[str, ...]) -> str:
    parts = [
        f"INSERT INTO {table.name} (merchant_id, {', '.join(names)})",
        f"SELECT $1, * FROM unnest({_arrays(table, names, 2)})",  # noqa: S608 (names of our own tables)
        "ON CONFLICT DO NOTHING" if once else "",
        f"RETURNING {', '.join(returning)}" if returning else "",
    ]
    return " ".join(part for part in parts if part)


@cache
def _transition_sql(table: Table, key: str, names: tuple[str, ...], *, whole: bool) -> str:
    """Rows are locked in one order, so that two batches wait for each other instead of locking each other up."""
    given = f"unnest({_arrays(table, names, 4)}) AS given({', '.join(names)})"
    mine = f"{table.name}.merchant_id = $1 AND {table.name}.{key} = given.{key}"
    rest = "".join(f", {name} = given.{name}" for name in names if name != key)
    name = table.name
    held = f"SELECT {name}.{key} FROM {name}, {given} WHERE {mine} ORDER BY {name}.{key} FOR UPDATE OF {name}"  # noqa: S608
    change = f"UPDATE {name} SET state = $2{rest} FROM {given} WHERE {mine} AND {name}.state = ANY($3::text[])"  # noqa: S608
    back = f"{name}.*" if whole else ", ".join(f"{name}.{column}" for column in names)
    return f"WITH held AS ({held}) {change} AND {name}.{key} IN (SELECT {key} FROM held) RETURNING {back}"  # noqa: S608


def _arrays(table: Table, names: Sequence[str], first: int) -> str:
    """The parameters ``$first`` and on as arrays, typed like the columns."""
    kinds = (table.c[name].type.compile(POSTGRESQL) for name in names)
    return ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(kinds, first))
