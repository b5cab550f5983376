"""API keys: shown once, kept as a digest, limited to scopes."""

from __future__ import annotations

import secrets
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import select, update

from hutong.core.errors import InvalidInput, NotFound, Unauthorized
from hutong.crypto.digests import sha256
from hutong.db.unit import Unit
from hutong.merchants.directory import API_KEY, register
from hutong.merchants.models import api_key

#: What a key may be allowed to do; "*" allows all.
SCOPES: Final = (
    "*",
    "catalogue:read",
    "catalogue:write",
    "links:read",
    "links:write",
    "orders:read",
    "orders:write",
    "refunds:write",
    "payments:read",
    "payments:write",
    "ledger:read",
    "ledger:write",
    "payouts:write",
    "connections:write",
    "staff:read",
    "staff:write",
    "figures:read",
    "webhooks:read",
    "webhooks:write",
)
KEYS_PER_PAGE: Final = 100


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A caller of the API."""

    merchant_id: UUID
    key_id: UUID
    name: str
    scopes: frozenset[str]

    def allows(self, scope: str) -> bool:
        """Whether the key may do this."""
        return "*" in self.scopes or scope in self.scopes


async def create_key(unit: Unit, name: str, scopes: list[str]) -> tuple[UUID, str]:
    """A new key and its secret text, which is shown this once only."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise InvalidInput(field="scopes", problem=", ".join(unknown) or "—")
    key_id = unit.new_id()
    secret = f"hk_{secrets.token_urlsafe(32)}"
    await register(unit, API_KEY, secret, key_id)
    await unit.insert(
        api_key, key_id=key_id, name=name, key_hash=sha256(secret.encode()), scopes=scopes, created_at=unit.now()
    )
    return key_id, secret


async def find_key(unit: Unit, secret: str) -> ApiKey:
    """The key with this secret text.

    Raises:
        Unauthorized: unknown or revoked.
    """
    row = await unit.one(
        select(api_key).where(
            api_key.c.merchant_id == unit.merchant_id,
            api_key.c.key_hash == sha256(secret.encode()),
            api_key.c.revoked_at.is_(None),
        )
    )
    if row is None:
        raise Unauthorized
    return ApiKey(merchant_id=unit.merchant_id, key_id=row.key_id, name=row.name, scopes=frozenset(row.scopes))


async def revoke_key(unit: Unit, key_id: UUID) -> None:
    """End a key at once."""
    done = await unit.run(
        update(api_key)
        .where(api_key.c.merchant_id == unit.merchant_id, api_key.c.key_id == key_id, api_key.c.revoked_at.is_(None))
        .values(revoked_at=unit.now())
    )
    if not done.rowcount:
        raise NotFound(what="key", key=str(key_id))
