"""Parties: who can earn a share of sales, who introduced whom, and whose channels bring which sales."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, func, select, update

from hutong.core.errors import Conflict, InvalidInput, NotFound
from hutong.db.unit import Unit
from hutong.ledger.models import party
from hutong.ledger.refusals import IntroducerRefused
from hutong.ledger.rules import INTRODUCTIONS_WALKED_MAX, Person
from hutong.ledger.split_models import party_channel

NAME_CHARS_MAX: Final = 100
KIND_CHARS_MAX: Final = 40
PAGE_ROWS_MAX: Final = 200
CHANNELS_MAX: Final = 1_000

_CHAIN: Final = (
    "WITH RECURSIVE chain AS ("
    "SELECT party_id, introduced_by, customer_id, 0 AS depth FROM party "
    "WHERE merchant_id = $1 AND party_id = ANY($2::uuid[]) "
    "UNION ALL SELECT p.party_id, p.introduced_by, p.customer_id, chain.depth + 1 FROM chain "
    "JOIN party p ON p.merchant_id = $1 AND p.party_id = chain.introduced_by WHERE chain.depth < $3) "
    "SELECT DISTINCT party_id, introduced_by, customer_id FROM chain"
)


class PartyView(msgspec.Struct, frozen=True, kw_only=True):
    """A party; ``introduced_by`` is who brought it, ``customer_id`` the same person as a buyer."""

    party_id: UUID
    name: str
    kind: str
    introduced_by: UUID | None
    customer_id: UUID | None
    created_at: datetime


class PartySlice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of parties and how many there are in all."""

    rows: tuple[PartyView, ...]
    total: int


async def create_party(
    unit: Unit,
    *,
    name: str,
    kind: str = "poster",
    introduced_by: UUID | None = None,
    customer_id: UUID | None = None,
) -> UUID:
    """A new party that can earn shares; its id.

    Raises:
        InvalidInput: name or kind.
        NotFound: no such introducer.
    """
    cleaned = name.strip()
    if not 0 < len(cleaned) <= NAME_CHARS_MAX:
        raise InvalidInput(field="name", problem=f"1–{NAME_CHARS_MAX}")
    if not 0 < len(kind) <= KIND_CHARS_MAX:
        raise InvalidInput(field="kind", problem=f"1–{KIND_CHARS_MAX}")
    if introduced_by is not None:
        await get_party(unit, introduced_by)
    party_id = unit.new_id()
    await unit.insert(
        party,
        party_id=party_id,
        name=cleaned,
        kind=kind,
        introduced_by=introduced_by,
        customer_id=customer_id,
        created_at=unit.now(),
    )
    return party_id


async def get_party(unit: Unit, party_id: UUID) -> PartyView:
    """One party.

    Raises:
        NotFound: not this merchant's.
    """
    row = await unit.one(select(party).where(party.c.merchant_id == unit.merchant_id, party.c.party_id == party_id))
    if row is None:
        raise NotFound(what="party", key=str(party_id))
    return _view(row)


async def parties_page(unit: Unit, *, limit: int, offset: int) -> PartySlice:
    """Parties, the newest first."""
    mine = party.c.merchant_id == unit.merchant_id
    total = await unit.scalar(select(func.count()).select_from(party).where(mine))
    page = select(party).where(mine).order_by(party.c.created_at.desc(), party.c.party_id.desc())
    rows = await unit.all(page.limit(min(limit, PAGE_ROWS_MAX)).offset(offset))
    return PartySlice(rows=tuple(_view(row) for row in rows), total=int(total or 0))


async def introduce(unit: Unit, party_id: UUID, introducer_id: UUID) -> None:
    """Say who introduced a party; once, and never in a circle.

    Raises:
        NotFound: no such party.
        IntroducerRefused: itself, somebody below it, or one is set already.
    """
    await get_party(unit, party_id)
    await get_party(unit, introducer_id)
    above = await people(unit, [introducer_id])
    if party_id == introducer_id or party_id in above:
        raise IntroducerRefused
    statement = (
        update(party)
        .where(party.c.merchant_id == unit.merchant_id, party.c.party_id == party_id)
        .where(party.c.introduced_by.is_(None))
        .values(introduced_by=introducer_id)
    )
    if not (await unit.run(statement)).rowcount:
        raise IntroducerRefused


async def know_customer(unit: Unit, party_id: UUID, customer_id: UUID) -> None:
    """Say which customer a party is itself: its own purchases earn it nothing."""
    await get_party(unit, party_id)
    await unit.run(
        update(party)
        .where(party.c.merchant_id == unit.merchant_id, party.c.party_id == party_id)
        .values(customer_id=customer_id)
    )


async def give_channel(unit: Unit, party_id: UUID, channel_id: UUID) -> None:
    """A channel is this party's: it brings the sales that come through it.

    Raises:
        NotFound: no such party.
        Conflict: the channel is another party's.
    """
    await get_party(unit, party_id)
    await unit.insert_once(party_channel, channel_id=channel_id, party_id=party_id, created_at=unit.now())
    if await person_of(unit, channel_id) != party_id:
        raise Conflict(what="channel")


async def channels_of(unit: Unit, party_id: UUID) -> tuple[UUID, ...]:
    """The channels of a party, the oldest first."""
    statement = (
        select(party_channel.c.channel_id)
        .where(party_channel.c.merchant_id == unit.merchant_id, party_channel.c.party_id == party_id)
        .order_by(party_channel.c.created_at, party_channel.c.channel_id)
        .limit(CHANNELS_MAX)
    )
    return tuple(row.channel_id for row in await unit.all(statement))


async def person_of(unit: Unit, channel_id: UUID | None) -> UUID | None:
    """The party that brings the sales of a channel, or None."""
    if channel_id is None:
        return None
    found: UUID | None = await unit.scalar(
        select(party_channel.c.party_id).where(
            party_channel.c.merchant_id == unit.merchant_id, party_channel.c.channel_id == channel_id
        )
    )
    return found


async def owners_of(unit: Unit, channel_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Channel -> the party that it belongs to, for those that belong to one."""
    statement = select(party_channel.c.channel_id, party_channel.c.party_id).where(
        party_channel.c.merchant_id == unit.merchant_id, party_channel.c.channel_id.in_(set(channel_ids))
    )
    return {row.channel_id: row.party_id for row in await unit.all(statement)}


async def people(unit: Unit, party_ids: Iterable[UUID]) -> dict[UUID, Person]:
    """These parties and everybody above them, in one statement."""
    rows = await unit.fetch(_CHAIN, unit.merchant_id, sorted(set(party_ids)), INTRODUCTIONS_WALKED_MAX)
    return {row.party_id: Person(introduced_by=row.introduced_by, customer_id=row.customer_id) for row in rows}


def _view(row: Row[Any]) -> PartyView:
    return PartyView(
        party_id=row.party_id,
        name=row.name,
        kind=row.kind,
        introduced_by=row.introduced_by,
        customer_id=row.customer_id,
        created_at=row.created_at,
    )
