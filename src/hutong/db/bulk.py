"""Many rows in one statement. Row-level security refuses ``COPY``, so columns travel as arrays (``unnest``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, Table, column, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.expression import TableValuedAlias

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
