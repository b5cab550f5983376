"""The directory: which merchant a public key (link code, API key, callback path, login) belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hutong.crypto.digests import sha256
from hutong.db.tables import directory
from hutong.db.unit import Unit

LOGIN: Final = "login"
API_KEY: Final = "api_key"
CALLBACK: Final = "callback"
LINK: Final = "link"
CHECKOUT: Final = "checkout"
SHOP_CODE: Final = "shop_code"
PARTY_PAGE: Final = "party_page"
OWN_HOST: Final = "own_host"
#: :func:`look_up` for many: arrays of kinds and of the keys' SHA-256.
OWNERS_QUERY: Final = (
    "SELECT kind, key_hash, merchant_id FROM directory JOIN unnest($1::text[], $2::bytea[]) AS asked(kind, key_hash) "
    "USING (kind, key_hash)"
)


async def register(unit: Unit, kind: str, key: str, subject_id: UUID) -> bool:
    """Enter a key; False when somebody has it already."""
    return await unit.insert_once(directory, kind=kind, key_hash=sha256(key.encode()), subject_id=subject_id)


async def withdraw(unit: Unit, kind: str, key: str) -> None:
    """Take a key of this merchant's out again: somebody else may enter it now."""
    mine = (directory.c.merchant_id == unit.merchant_id) & (directory.c.kind == kind)
    await unit.run(delete(directory).where(mine, directory.c.key_hash == sha256(key.encode())))


async def look_up(connection: AsyncConnection, kind: str, key: str) -> UUID | None:
    """The merchant a key belongs to, or None."""
    statement = select(directory.c.merchant_id).where(
        directory.c.kind == kind, directory.c.key_hash == sha256(key.encode())
    )
    merchant_id: UUID | None = await connection.scalar(statement)
    return merchant_id


async def register_all(unit: Unit, kind: str, keys: Mapping[str, UUID]) -> frozenset[str]:
    """Enter many keys with the subject of each, in one statement; those that nobody had yet."""
    by_hash = {sha256(key.encode()): key for key in keys}
    rows = await unit.fetch(
        "INSERT INTO directory (merchant_id, kind, key_hash, subject_id) "
        "SELECT $1, $2, * FROM unnest($3::bytea[], $4::uuid[]) ON CONFLICT DO NOTHING RETURNING key_hash",
        unit.merchant_id,
        kind,
        list(by_hash),
        [keys[key] for key in by_hash.values()],
    )
    return frozenset(by_hash[bytes(row.key_hash)] for row in rows)
