"""How far an account's orders have been read."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from hutong.db.unit import Unit
from hutong.shops.models import pull_cursor


async def read_until(unit: Unit, connection_id: UUID) -> datetime | None:
    """Until when all is read; None: nothing yet."""
    moment: datetime | None = await unit.scalar(
        select(pull_cursor.c.read_until_at).where(
            pull_cursor.c.merchant_id == unit.merchant_id, pull_cursor.c.connection_id == connection_id
        )
    )
    return moment


async def move_cursor(unit: Unit, connection_id: UUID, until: datetime) -> None:
    """All until then is read, in the same transaction as what was read."""
    values = {"read_until_at": until, "pulled_at": unit.now()}
    await unit.run(
        insert(pull_cursor)
        .values(merchant_id=unit.merchant_id, connection_id=connection_id, **values)
        .on_conflict_do_update(index_elements=["merchant_id", "connection_id"], set_=values)
    )
