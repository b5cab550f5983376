"""Parties' accounts at wallets, sealed; and which of them each connection's wallet has been told of."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert as upsert

from hutong.core.errors import InvalidInput
from hutong.db.fixed import Fixed, mine
from hutong.db.unit import Unit
from hutong.db.vault import Vault
from hutong.ledger.parties import get_party
from hutong.ledger.split_models import party_receiver, receiver_added
from hutong.platforms.sharing import ShareReceiver

#: Purpose of the vault's seals.
RECEIVER: Final = "party.receiver"
REF_CHARS_MAX: Final = 128
NAME_CHARS_MAX: Final = 100
PARTIES_MAX: Final = 1_000

_AT_WALLET: Final = Fixed(
    select(party_receiver.c.party_id)
    .where(mine(party_receiver.c.merchant_id), party_receiver.c.platform == bindparam("platform"))
    .limit(PARTIES_MAX)
)


class KnownReceiver(msgspec.Struct, frozen=True, kw_only=True):
    """A party's account, opened, and the digest that tells whether the wallet knows it in this form."""

    party_id: UUID
    receiver: ShareReceiver
    sealed: bytes
    digest: bytes


async def set_receiver(unit: Unit, vault: Vault, party_id: UUID, platform: str, receiver: ShareReceiver) -> None:
    """Keep a party's account at a wallet, sealed; another one takes its place for requests from now on.

    Raises:
        NotFound: no such party.
        InvalidInput: no reference, or too long.
    """
    await get_party(unit, party_id)
    if not 0 < len(receiver.account_ref) <= REF_CHARS_MAX or len(receiver.name) > NAME_CHARS_MAX:
        raise InvalidInput(field="account_ref, name", problem=f"1–{REF_CHARS_MAX}")
    told = msgspec.json.encode(receiver)
    values = {
        "receiver": await vault.seal(unit.merchant_id, RECEIVER, told),
        "digest": await vault.blind_index(unit.merchant_id, RECEIVER, told),
        "created_at": unit.now(),
    }
    statement = upsert(party_receiver).values(
        merchant_id=unit.merchant_id, party_id=party_id, platform=platform, **values
    )
    await unit.run(statement.on_conflict_do_update(index_elements=["merchant_id", "party_id", "platform"], set_=values))


async def open_receiver(unit: Unit, vault: Vault, sealed: bytes) -> ShareReceiver:
    """An account that was sealed here."""
    return msgspec.json.decode(await vault.open(unit.merchant_id, RECEIVER, sealed), type=ShareReceiver)


async def receivers_of(
    unit: Unit, vault: Vault, party_ids: Collection[UUID], platform: str
) -> dict[UUID, KnownReceiver]:
    """The accounts of parties at a wallet, opened; parties without one are absent."""
    rows = await unit.all(
        select(party_receiver)
        .where(party_receiver.c.merchant_id == unit.merchant_id, party_receiver.c.platform == platform)
        .where(party_receiver.c.party_id.in_(party_ids))
        .limit(PARTIES_MAX)
    )
    return {
        row.party_id: KnownReceiver(
            party_id=row.party_id,
            receiver=await open_receiver(unit, vault, row.receiver),
            sealed=row.receiver,
            digest=row.digest,
        )
        for row in rows
    }


async def parties_with_receiver(unit: Unit, platform: str) -> set[UUID]:
    """Who has an account at a wallet; empty for every merchant who shares nothing there."""
    return {row.party_id for row in await unit.ask(_AT_WALLET, platform=platform)}


async def wallets_of(unit: Unit, party_id: UUID) -> tuple[str, ...]:
    """At which wallets a party has an account; what it is stays sealed."""
    statement = (
        select(party_receiver.c.platform)
        .where(party_receiver.c.merchant_id == unit.merchant_id, party_receiver.c.party_id == party_id)
        .order_by(party_receiver.c.platform)
    )
    return tuple(row.platform for row in await unit.all(statement))


async def is_added(unit: Unit, connection_id: UUID, known: KnownReceiver) -> bool:
    """Whether a connection's wallet was told of this account."""
    digest = await unit.scalar(
        select(receiver_added.c.digest).where(
            receiver_added.c.merchant_id == unit.merchant_id,
            receiver_added.c.connection_id == connection_id,
            receiver_added.c.party_id == known.party_id,
        )
    )
    return digest is not None and bytes(digest) == known.digest


async def mark_added(unit: Unit, connection_id: UUID, known: KnownReceiver) -> None:
    """A connection's wallet was told of this account."""
    values = {"digest": known.digest, "added_at": unit.now()}
    statement = upsert(receiver_added).values(
        merchant_id=unit.merchant_id, connection_id=connection_id, party_id=known.party_id, **values
    )
    await unit.run(
        statement.on_conflict_do_update(index_elements=["merchant_id", "connection_id", "party_id"], set_=values)
    )
