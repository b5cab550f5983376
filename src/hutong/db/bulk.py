"""Many rows in one statement. Row-level security refuses ``COPY``, so columns travel as arrays (``unnest``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, Table, column, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.expression import TableValuedAlias

from hutong.core.states import EventT, StateT, TransitionTable
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
) -> list[Row[Any]]:
    """Insert rows of this merchant; with ``once`` those whose key exists are left alone.

    Returns the ``returning`` columns of the rows that were really inserted.
    """
    found: list[Row[Any]] = []
    for piece in slices(columns):
        source = rows_of(table, piece)
        chosen = select(literal(unit.merchant_id, table.c.merchant_id.type), *source.c)
        statement = upsert(table).from_select(["merchant_id", *piece], chosen)
        if once:
            statement = statement.on_conflict_do_nothing()
        if returning:
            found.extend(await unit.all(statement.returning(*(table.c[key] for key in returning))))
        else:
            await unit.run(statement)
    return found


async def transition_rows(
    unit: Unit, table: Table, key: str, columns: Columns, states: TransitionTable[StateT, EventT], event: EventT
) -> list[Row[Any]]:
    """``Unit.transition`` for many rows: compare-and-set of ``state``, the other ``columns`` set row by row.

    Returns whole rows as they are now, of those that were in a state that allows ``event``; locked in key order.
    """
    moved: list[Row[Any]] = []
    if not columns[key]:
        return moved
    by_target: dict[StateT, list[str]] = {}
    for source in states.sources(event):
        by_target.setdefault(states.next(source, event), []).append(source.value)
    for piece in slices(columns):
        given = rows_of(table, piece)
        mine = (table.c.merchant_id == unit.merchant_id) & (table.c[key] == given.c[key])
        # Rows are locked in one order, so that two batches wait for each other instead of locking each other up.
        await unit.run(select(table.c[key]).where(mine).order_by(table.c[key]).with_for_update(of=table))
        for target, sources in by_target.items():
            statement = (
                update(table)
                .where(mine, table.c.state.in_(sources))
                .values(state=target.value, **{name: given.c[name] for name in piece if name != key})
                .returning(*table.c)
            )
            moved.extend(await unit.all(statement))
    return moved
