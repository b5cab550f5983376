"""Seals secrets and personal data: every merchant has keys of its own, wrapped by the home's master key.

A sealed blob is ``version(1) | key id(4) | nonce(12) | ciphertext and tag``, AES-256-GCM; merchant, key id and
purpose are bound in as associated data, so that a blob copied to another merchant or column does not open.
"""

from __future__ import annotations

import secrets
import struct
from collections import OrderedDict
from collections.abc import AsyncIterable, Sequence
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

import msgspec

from hutong.core.clock import Clock
from hutong.core.errors import InvalidSignature
from hutong.crypto import aead
from hutong.crypto.digests import hmac_sha256
from hutong.db.keyring import KEY_ID_BYTES, Keyring
from hutong.db.refusals import SealBroken, VaultKeyWrong

VERSION: Final = 1
NONCE_BYTES: Final = 12
DATA_KEY_BYTES: Final = 32
#: The key that blind indexes use for ever, so that a look-up survives a new data key.
FIRST_KEY_ID: Final = 1
#: Merchants whose keys are kept in memory; the one used longest ago leaves first.
MERCHANTS_CACHED_MAX: Final = 4096
#: Data keys of one merchant; each rotation adds one.
DATA_KEYS_MAX: Final = 1000

_SEAL: Final = struct.Struct(f">BI{NONCE_BYTES}s")
_WRAP: Final = struct.Struct(f">B{KEY_ID_BYTES}s{NONCE_BYTES}s")


class WrappedKey(msgspec.Struct, frozen=True):
    """A merchant's data key, wrapped by a master key: one row of ``merchant_key``."""

    key_id: int
    wrapped: bytes
    created_at: datetime


class KeyStore(Protocol):
    """Where wrapped keys are kept. Each call is a transaction of its own, with the merchant set.

    Never join the caller's transaction: a key that is rolled back after it sealed something would be lost.
    """

    async def load(self, merchant_id: UUID) -> Sequence[WrappedKey]:
        """All keys of a merchant."""
        ...

    async def add(self, merchant_id: UUID, key: WrappedKey) -> None:
        """Keep a new key; when that key id exists already, keep the old one and say nothing. Committed on return."""
        ...

    async def replace(self, merchant_id: UUID, key: WrappedKey, previous: bytes) -> bool:
        """Exchange the wrapped bytes of an existing key id where they still are ``previous``; whether they were."""
        ...


class Vault:
    """Seals, opens and indexes for one home."""

    def __init__(self, keyring: Keyring, store: KeyStore, clock: Clock) -> None:
        self.keyring = keyring
        self._store = store
        self._clock = clock
        self._cache: OrderedDict[UUID, dict[int, bytes]] = OrderedDict()

    async def seal(self, merchant_id: UUID, purpose: str, plaintext: bytes) -> bytes:
        """The plaintext, sealed by the merchant's newest key for one purpose (such as ``connection.secret``)."""
        keys = await self._keys(merchant_id)
        key_id = max(keys)
        nonce = secrets.token_bytes(NONCE_BYTES)
        header = _SEAL.pack(VERSION, key_id, nonce)
        key = _purpose_key(keys[key_id], "seal", purpose)
        return header + aead.encrypt(key, nonce, plaintext, _bound(merchant_id, key_id, purpose))

    async def open(self, merchant_id: UUID, purpose: str, sealed: bytes) -> bytes:
        """What was sealed.

        Raises:
            SealBroken: damaged, or of another merchant or purpose.
            VaultKeyWrong: the merchant's keys are wrapped by a master key that we do not have.
        """
        if len(sealed) < _SEAL.size:
            raise SealBroken(purpose=purpose)
        version, key_id, nonce = _SEAL.unpack_from(sealed)
        if version != VERSION:
            raise SealBroken(purpose=purpose)
        key = await self._key(merchant_id, key_id)
        if key is None:
            raise SealBroken(purpose=purpose)
        try:
            return aead.decrypt(
                _purpose_key(key, "seal", purpose), nonce, sealed[_SEAL.size :], _bound(merchant_id, key_id, purpose)
            )
        except InvalidSignature as error:
            raise SealBroken(purpose=purpose) from error

    async def blind_index(self, merchant_id: UUID, purpose: str, value: bytes) -> bytes:
        """32 bytes that are equal for equal values of one merchant and purpose, to look sealed values up.

        Put the value into one spelling first (a phone number without blanks); equal means equal bytes.
        """
        keys = await self._keys(merchant_id)
        return hmac_sha256(_purpose_key(keys[FIRST_KEY_ID], "index", purpose), value)

    async def renew(self, merchant_id: UUID) -> int:
        """A new data key for a merchant: seals from now on, while older blobs still open; returns its id."""
        key_id = max(await self._keys(merchant_id)) + 1
        if key_id > DATA_KEYS_MAX:
            raise VaultKeyWrong(path=str(self.keyring.path), problem=f"> {DATA_KEYS_MAX}")
        await self._store.add(merchant_id, self._wrap(merchant_id, key_id, secrets.token_bytes(DATA_KEY_BYTES)))
        await self._load(merchant_id)
        return key_id

    async def rotate(self, merchants: AsyncIterable[UUID]) -> int:
        """A new master key: wraps every merchant's keys anew, then forgets the old one; returns how many it wrapped.

        ``merchants`` must yield every merchant that has keys. After a crash in the middle call it again: both master
        keys are on disk until the end. Other processes must load the keyring again before they wrap or unwrap.
        """
        self.keyring = self.keyring.begin_rotation()
        wrapped = 0
        async for merchant_id in merchants:
            for old in await self._store.load(merchant_id):
                if _wrapped_by(old.wrapped) == self.keyring.current.key_id:
                    continue
                anew = self._wrap(merchant_id, old.key_id, self._unwrap(merchant_id, old))
                if not await self._store.replace(merchant_id, anew, old.wrapped):
                    raise VaultKeyWrong(path=str(self.keyring.path), problem=f"{merchant_id}/{old.key_id}")
                wrapped += 1
        self.keyring = self.keyring.end_rotation()
        return wrapped

    async def check(self, merchant_id: UUID) -> None:
        """Whether a merchant's stored keys belong to our master key; makes nothing.

        Raises:
            VaultKeyWrong: they do not.
        """
        for key in await self._store.load(merchant_id):
            self._unwrap(merchant_id, key)

    async def _keys(self, merchant_id: UUID) -> dict[int, bytes]:
        """The merchant's data keys; the first is made on first use. Only what the store returned is ever used."""
        cached = self._cache.get(merchant_id)
        if cached:
            self._cache.move_to_end(merchant_id)
            return cached
        keys = await self._load(merchant_id)
        if not keys:
            fresh = self._wrap(merchant_id, FIRST_KEY_ID, secrets.token_bytes(DATA_KEY_BYTES))
            await self._store.add(merchant_id, fresh)
            keys = await self._load(merchant_id)
        return keys

    async def _key(self, merchant_id: UUID, key_id: int) -> bytes | None:
        """One key; asks the store when the cache does not know it (another process may have made it)."""
        cached = self._cache.get(merchant_id, {}).get(key_id)
        return cached if cached is not None else (await self._load(merchant_id)).get(key_id)

    async def _load(self, merchant_id: UUID) -> dict[int, bytes]:
        keys = {key.key_id: self._unwrap(merchant_id, key) for key in await self._store.load(merchant_id)}
        if keys:
            self._cache[merchant_id] = keys
            self._cache.move_to_end(merchant_id)
            while len(self._cache) > MERCHANTS_CACHED_MAX:
                self._cache.popitem(last=False)
        return keys

    def _wrap(self, merchant_id: UUID, key_id: int, key: bytes) -> WrappedKey:
        master = self.keyring.current
        nonce = secrets.token_bytes(NONCE_BYTES)
        wrapped = aead.encrypt(master.key, nonce, key, _bound(merchant_id, key_id, "data key"))
        return WrappedKey(key_id, _WRAP.pack(VERSION, master.key_id, nonce) + wrapped, self._clock.now())

    def _unwrap(self, merchant_id: UUID, key: WrappedKey) -> bytes:
        master = self.keyring.find(_wrapped_by(key.wrapped))
        nonce = _WRAP.unpack_from(key.wrapped)[2]
        try:
            return aead.decrypt(
                master.key, nonce, key.wrapped[_WRAP.size :], _bound(merchant_id, key.key_id, "data key")
            )
        except InvalidSignature as error:
            raise VaultKeyWrong(path=str(self.keyring.path), problem=f"{merchant_id}/{key.key_id}") from error


def _wrapped_by(wrapped: bytes) -> bytes:
    """The id of the master key that wrapped these bytes."""
    if len(wrapped) < _WRAP.size or wrapped[0] != VERSION:
        raise SealBroken(purpose="data key")
    return bytes(_WRAP.unpack_from(wrapped)[1])


def _purpose_key(data_key: bytes, use: str, purpose: str) -> bytes:
    """A key for one use and purpose: sealing and indexing never share one."""
    return hmac_sha256(data_key, f"hutong {use}\0{purpose}".encode())


def _bound(merchant_id: UUID, key_id: int, purpose: str) -> bytes:
    """Associated data: the parts have fixed lengths except the last, so no two triples look alike."""
    return b"hutong\0" + merchant_id.bytes + key_id.to_bytes(4, "big") + purpose.encode()
