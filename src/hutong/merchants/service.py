"""Merchants themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hutong.core.errors import InvalidInput, NotFound
from hutong.core.money import MINOR_DIGITS
from hutong.db.unit import Unit
from hutong.merchants.models import merchant

#: The zone of a merchant who names no other.
HOME_ZONE: Final = "Asia/Shanghai"


class MerchantView(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant."""

    merchant_id: UUID
    name: str
    currency: str
    timezone: str


async def create_merchant(unit: Unit, name: str, currency: str = "CNY", timezone: str = HOME_ZONE) -> None:
    """Make the unit's merchant exist."""
    if not name.strip():
        raise InvalidInput(field="name", problem="—")
    if currency not in MINOR_DIGITS:
        raise InvalidInput(field="currency", problem=currency)
    await unit.insert(merchant, name=name.strip(), currency=currency, timezone=timezone, created_at=unit.now())


async def get_merchant(unit: Unit) -> MerchantView:
    """The unit's merchant.

    Raises:
        NotFound: it does not exist.
    """
    row = await unit.one(select(merchant).where(merchant.c.merchant_id == unit.merchant_id))
    if row is None:
        raise NotFound(what="merchant", key=str(unit.merchant_id))
    return MerchantView(merchant_id=row.merchant_id, name=row.name, currency=row.currency, timezone=row.timezone)


async def all_merchants(connection: AsyncConnection) -> Sequence[MerchantView]:
    """Every merchant of this hub, through the system role (doctor, backup, console of the service provider)."""
    rows = (await connection.execute(select(merchant).order_by(merchant.c.merchant_id))).all()
    return [
        MerchantView(merchant_id=row.merchant_id, name=row.name, currency=row.currency, timezone=row.timezone)
        for row in rows
    ]
