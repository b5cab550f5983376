"""The merchant's calendar: which day it is where the shop stands. UTC's day begins at eight in a Chinese morning."""

from __future__ import annotations

from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select

from hutong.db.fixed import Fixed, mine
from hutong.db.unit import Unit
from hutong.merchants.models import merchant
from hutong.merchants.service import HOME_ZONE

_ZONE: Final = Fixed(select(merchant.c.timezone).where(mine(merchant.c.merchant_id)))


async def zone_here(unit: Unit) -> ZoneInfo:
    """The time zone of the unit's merchant."""
    rows = await unit.ask(_ZONE)
    return ZoneInfo((rows and rows[0].timezone) or HOME_ZONE)


async def today_here(unit: Unit) -> date:
    """The day that the merchant's calendar shows now."""
    return unit.now().astimezone(await zone_here(unit)).date()
