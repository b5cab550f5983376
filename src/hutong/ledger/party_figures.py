"""What a party may know of its own trade: earned by channel, by day, and lately. Never anything of another's."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import Date, cast, func, select

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.parties import channels_of, owners_of
from hutong.ledger.split_models import commission
from hutong.ledger.split_rules import open_rules

GROUPS_MAX: Final = 5_000
DAYS_MAX: Final = 400


class ChannelEarned(msgspec.Struct, frozen=True, kw_only=True):
    """What a party earned of the sales of one channel (None: of no channel), less what refunds took back."""

    channel_id: UUID | None
    orders_count: int
    earned: Money


async def own_channels(unit: Unit, party_id: UUID) -> frozenset[UUID]:
    """Channels that are the party's: given to it, or nobody's and named by its open rules alone."""
    named: dict[UUID, set[UUID]] = {}
    for rule in await open_rules(unit):
        if rule.scope.channel_id is not None:
            named.setdefault(rule.scope.channel_id, set()).add(rule.party_id)
    alone = {channel_id for channel_id, parties in named.items() if parties == {party_id}}
    owned = await owners_of(unit, alone) if alone else {}
    return frozenset(await channels_of(unit, party_id)) | (alone - owned.keys())


async def earned_by_channel(unit: Unit, party_id: UUID) -> tuple[ChannelEarned, ...]:
    """A party's shares by channel and currency; an order counts once, however many rules shared it."""
    rows = await unit.all(
        select(
            commission.c.channel_id,
            commission.c.currency,
            func.count(func.distinct(commission.c.order_id)).label("orders_count"),
            func.sum(commission.c.amount_minor - commission.c.reversed_minor).label("earned_minor"),
        )
        .where(commission.c.merchant_id == unit.merchant_id, commission.c.party_id == party_id)
        .group_by(commission.c.channel_id, commission.c.currency)
        .order_by(commission.c.currency, commission.c.channel_id)
        .limit(GROUPS_MAX)
    )
    return tuple(
        ChannelEarned(
            channel_id=row.channel_id,
            orders_count=row.orders_count,
            earned=Money(int(row.earned_minor), row.currency),
        )
        for row in rows
    )


async def earned_by_day(unit: Unit, party_id: UUID, currency: str, since: datetime, timezone: str) -> dict[date, int]:
    """Minor units that a party earned of the sales of each day in a zone, less what refunds took back of them."""
    day = cast(func.timezone(timezone, commission.c.paid_at), Date).label("day")
    rows = await unit.all(
        select(day, func.sum(commission.c.amount_minor - commission.c.reversed_minor).label("earned_minor"))
        .where(commission.c.merchant_id == unit.merchant_id, commission.c.party_id == party_id)
        .where(commission.c.currency == currency, commission.c.paid_at >= since)
        .group_by(day)
        .order_by(day)
        .limit(DAYS_MAX)
    )
    return {row.day: int(row.earned_minor) for row in rows}
