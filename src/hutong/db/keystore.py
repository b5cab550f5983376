"""Where the vault's wrapped keys are kept: each call is a transaction of its own."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update

from hutong.db.engine import Database
from hutong.db.tables import merchant_key
from hutong.db.vault import WrappedKey


class DatabaseKeyStore:
    """Wrapped keys in the ``merchant_key`` table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, merchant_id: UUID) -> Sequence[WrappedKey]:
        """All keys of a merchant."""
        async with self._database.unit(merchant_id, "vault.load") as unit:
            rows = await unit.all(
                select(merchant_key).where(merchant_key.c.merchant_id == merchant_id).order_by(merchant_key.c.key_id)
            )
        return [WrappedKey(row.key_id, row.wrapped, row.created_at) for row in rows]

    async def add(self, merchant_id: UUID, key: WrappedKey) -> None:
        """Keep a new key; an existing one stays."""
        async with self._database.unit(merchant_id, "vault.add") as unit:
            await unit.insert_once(merchant_key, key_id=key.key_id, wrapped=key.wrapped, created_at=key.created_at)

    async def replace(self, merchant_id: UUID, key: WrappedKey, previous: bytes) -> bool:
        """Exchange a key's wrapping where it still is the previous one."""
        async with self._database.unit(merchant_id, "vault.replace") as unit:
            done = await unit.run(
                update(merchant_key)
                .where(
                    merchant_key.c.merchant_id == merchant_id,
                    merchant_key.c.key_id == key.key_id,
                    merchant_key.c.wrapped == previous,
                )
                .values(wrapped=key.wrapped, created_at=key.created_at)
            )
        return done.rowcount == 1
