"""Where the vault's wrapped keys are kept: each call is a transaction of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from hutong.crypto.digests import sha256
from hutong.db.engine import Database
from hutong.db.keyring import Keyring
from hutong.db.refusals import VaultKeyWrong
from hutong.db.tables import directory, merchant_key
from hutong.db.vault import WrappedKey

#: The directory's entry for the master key that this database was sealed under; it belongs to no merchant.
VAULT: Final = "vault"
NOBODY: Final = UUID(int=0)


class PassingKeyStore:
    """Keys that are gone with the process: for a trial that leaves nothing behind."""

    def __init__(self) -> None:
        self._keys: dict[tuple[UUID, int], WrappedKey] = {}

    async def load(self, merchant_id: UUID) -> Sequence[WrappedKey]:
        """All keys of a merchant."""
        return [key for (owner, _), key in sorted(self._keys.items()) if owner == merchant_id]

    async def add(self, merchant_id: UUID, key: WrappedKey) -> None:
        """Keep a new key; an existing one stays."""
        self._keys.setdefault((merchant_id, key.key_id), key)

    async def replace(self, merchant_id: UUID, key: WrappedKey, previous: bytes) -> bool:
        """Exchange a key's wrapping where it still is the previous one."""
        known = self._keys.get((merchant_id, key.key_id))
        if known is None or known.wrapped != previous:
            return False
        self._keys[merchant_id, key.key_id] = key
        return True


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


async def confirm_keyring(database: Database, keyring: Keyring) -> None:
    """Make sure that this home's master key belongs to this database; the first start writes its check value down.

    Raises:
        VaultKeyWrong: the database was sealed under another key, e.g. that of another home.
    """
    mark = sha256(keyring.current.check_value)
    async with database.plain("app") as connection:
        known = (await connection.scalars(select(directory.c.key_hash).where(directory.c.kind == VAULT))).all()
        if not known:
            row = {"kind": VAULT, "key_hash": mark, "merchant_id": NOBODY, "subject_id": NOBODY}
            await connection.execute(insert(directory).values(row).on_conflict_do_nothing())
        elif mark not in known:
            raise VaultKeyWrong(path=str(keyring.path), problem="database")
