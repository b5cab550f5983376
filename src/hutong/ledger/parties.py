"""Parties and the rules that share a sale with them."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, func, or_, select, update

from hutong.core.errors import InvalidInput, NotFound
from hutong.core.money import BPS_WHOLE, Money
from hutong.db.unit import Unit
from hutong.ledger.errors import RuleRefused
from hutong.ledger.models import party, split_rule
from hutong.ledger.posting import lock_chain
from hutong.ledger.sales import Rate, Share, shares_of

NAME_CHARS_MAX: Final = 100
KIND_CHARS_MAX: Final = 40
#: Open rules that may apply to one sale; each party takes a leg of its batch.
RULES_PER_SALE_MAX: Final = 50

#: Open rules shown at once.
OPEN_RULES_MAX: Final = 1000


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as it was made; ``channel_id`` None means every channel."""

    rule_id: UUID
    party_id: UUID
    channel_id: UUID | None
    rate_bps: int


async def create_party(unit: Unit, *, name: str, kind: str = "poster") -> UUID:
    """A new party that can earn shares; its id."""
    cleaned = name.strip()
    if not 0 < len(cleaned) <= NAME_CHARS_MAX:
        raise InvalidInput(field="name", problem=f"1–{NAME_CHARS_MAX}")
    if not 0 < len(kind) <= KIND_CHARS_MAX:
        raise InvalidInput(field="kind", problem=f"1–{KIND_CHARS_MAX}")
    party_id = unit.new_id()
    await unit.insert(party, party_id=party_id, name=cleaned, kind=kind, created_at=unit.now())
    return party_id


async def create_rule(unit: Unit, *, party_id: UUID, rate_bps: int, channel_id: UUID | None = None) -> UUID:
    """A new rule for sales from now on; its id.

    Raises:
        NotFound: no such party.
        RuleRefused: the rate is not above zero, or a channel would give away more than the whole price.
    """
    await lock_chain(unit)  # two rules made at the same time must see each other
    if not await unit.scalar(
        select(func.count()).where(party.c.merchant_id == unit.merchant_id, party.c.party_id == party_id)
    ):
        raise NotFound(what="party", key=str(party_id))
    total_bps = rate_bps + await _promised_bps(unit, channel_id)
    if rate_bps <= 0 or total_bps > BPS_WHOLE:
        raise RuleRefused(rate_bps=rate_bps, total_bps=total_bps)
    rule_id = unit.new_id()
    await unit.insert(
        split_rule,
        rule_id=rule_id,
        party_id=party_id,
        channel_id=channel_id,
        rate_bps=rate_bps,
        created_at=unit.now(),
        ended_at=None,
    )
    return rule_id


async def end_rule(unit: Unit, rule_id: UUID) -> bool:
    """Stop a rule; False when it was stopped before or does not exist. Posted sales keep their shares."""
    statement = (
        update(split_rule)
        .where(split_rule.c.merchant_id == unit.merchant_id, split_rule.c.rule_id == rule_id)
        .where(split_rule.c.ended_at.is_(None))
        .values(ended_at=unit.now())
    )
    return (await unit.run(statement)).rowcount == 1


async def rules_for(unit: Unit, channel_id: UUID | None) -> list[Rule]:
    """The open rules that apply to a sale of a channel (None: a sale of no channel), the oldest first."""
    everywhere = split_rule.c.channel_id.is_(None)
    applies = everywhere if channel_id is None else or_(everywhere, split_rule.c.channel_id == channel_id)
    statement = (
        select(split_rule)
        .where(split_rule.c.merchant_id == unit.merchant_id, split_rule.c.ended_at.is_(None), applies)
        .order_by(split_rule.c.created_at, split_rule.c.rule_id)
        .limit(RULES_PER_SALE_MAX)
    )
    return [_rule(row) for row in await unit.all(statement)]


async def open_rules(unit: Unit) -> list[Rule]:
    """Every open rule of the merchant, the oldest first."""
    statement = (
        select(split_rule)
        .where(split_rule.c.merchant_id == unit.merchant_id, split_rule.c.ended_at.is_(None))
        .order_by(split_rule.c.created_at, split_rule.c.rule_id)
        .limit(OPEN_RULES_MAX)
    )
    return [_rule(row) for row in await unit.all(statement)]


async def shares_for(unit: Unit, channel_id: UUID | None, gross: Money) -> list[Share]:
    """What every party earns of a sale by the rules open now; exact to the minor unit."""
    rules = await rules_for(unit, channel_id)
    return shares_of(gross, [Rate(rule.party_id, rule.rate_bps) for rule in rules])


def _rule(row: Row[Any]) -> Rule:
    return Rule(rule_id=row.rule_id, party_id=row.party_id, channel_id=row.channel_id, rate_bps=row.rate_bps)


async def _promised_bps(unit: Unit, channel_id: UUID | None) -> int:
    """What is given away already where a rule of this channel would apply, at most over all channels.

    Raises:
        InvalidInput: so many rules apply already that a sale could not take another one.
    """
    statement = (
        select(
            split_rule.c.channel_id,
            func.sum(split_rule.c.rate_bps).label("total_bps"),
            func.count().label("rules_count"),
        )
        .where(split_rule.c.merchant_id == unit.merchant_id, split_rule.c.ended_at.is_(None))
        .group_by(split_rule.c.channel_id)
    )
    by_channel = {row.channel_id: (int(row.total_bps), int(row.rules_count)) for row in await unit.all(statement)}
    everywhere = by_channel.pop(None, (0, 0))
    others = [by_channel.get(channel_id, (0, 0))] if channel_id is not None else list(by_channel.values())
    if everywhere[1] + max((count for _, count in others), default=0) >= RULES_PER_SALE_MAX:
        raise InvalidInput(field="rules", problem=f"≤ {RULES_PER_SALE_MAX}")
    return everywhere[0] + max((bps for bps, _ in others), default=0)
