"""Sealing, with keys kept in memory: a store that keeps the contract of KeyStore."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hutong.db import vault as vault_module
from hutong.db.keyring import Keyring
from hutong.db.refusals import SealBroken, VaultKeyMissing, VaultKeyWrong
from hutong.db.vault import FIRST_KEY_ID, Vault, WrappedKey

LI = UUID(int=1)
WANG = UUID(int=2)


class StoppedClock:
    def now(self):
        return datetime(2026, 1, 2, tzinfo=UTC)


class MemoryStore:
    def __init__(self):
        self.rows: dict[tuple[UUID, int], WrappedKey] = {}
        self.loads = 0

    async def load(self, merchant_id):
        self.loads += 1
        await asyncio.sleep(0)
        return [key for (owner, _), key in self.rows.items() if owner == merchant_id]

    async def add(self, merchant_id, key):
        await asyncio.sleep(0)
        self.rows.setdefault((merchant_id, key.key_id), key)

    async def replace(self, merchant_id, key, previous):
        if self.rows[merchant_id, key.key_id].wrapped != previous:
            return False
        self.rows[merchant_id, key.key_id] = key
        return True


@pytest.fixture
def ring(tmp_path):
    return Keyring.create(tmp_path / "vault.key")


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def vault(ring, store):
    return Vault(ring, store, StoppedClock())


async def everyone(*merchants):
    for merchant in merchants:
        yield merchant


def test_what_is_sealed_opens_and_is_never_twice_the_same(vault):
    async def main():
        first = await vault.seal(LI, "phone", b"13812345678")
        second = await vault.seal(LI, "phone", b"13812345678")
        return first, second, await vault.open(LI, "phone", first)

    first, second, opened = asyncio.run(main())
    assert opened == b"13812345678"
    assert first != second
    assert b"138" not in first


def test_a_blob_opens_for_its_merchant_and_purpose_only(vault):
    async def main():
        sealed = await vault.seal(LI, "phone", b"secret")
        await vault.seal(WANG, "phone", b"other")
        for merchant, purpose, blob in (
            (WANG, "phone", sealed),
            (LI, "address", sealed),
            (LI, "phone", sealed[:-1]),
            (LI, "phone", b""),
            (LI, "phone", b"\x02" + sealed[1:]),
            (LI, "phone", sealed[:1] + b"\0\0\0\x09" + sealed[5:]),
        ):
            with pytest.raises(SealBroken):
                await vault.open(merchant, purpose, blob)

    asyncio.run(main())


@settings(max_examples=30, deadline=None)
@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_flipped_bit_goes_unnoticed(tmp_path_factory, position, bit):
    vault = Vault(Keyring.create(tmp_path_factory.mktemp("v") / "vault.key"), MemoryStore(), StoppedClock())

    async def main():
        blob = bytearray(await vault.seal(LI, "phone", b"13812345678"))
        blob[position % len(blob)] ^= 1 << bit
        with pytest.raises(SealBroken):
            await vault.open(LI, "phone", bytes(blob))

    asyncio.run(main())


def test_two_processes_that_make_the_first_key_at_once_use_the_same(ring, store):
    async def main():
        vaults = [Vault(ring, store, StoppedClock()) for _ in range(6)]
        blobs = await asyncio.gather(*(vault.seal(LI, "p", b"x") for vault in vaults))
        fresh = Vault(ring, store, StoppedClock())
        return [await fresh.open(LI, "p", blob) for blob in blobs]

    assert asyncio.run(main()) == [b"x"] * 6
    assert list(store.rows) == [(LI, FIRST_KEY_ID)]


def test_blind_index_depends_on_merchant_purpose_and_value_and_outlives_renewal(vault):
    async def main():
        before = await vault.blind_index(LI, "phone", b"1")
        others = {
            await vault.blind_index(WANG, "phone", b"1"),
            await vault.blind_index(LI, "email", b"1"),
            await vault.blind_index(LI, "phone", b"2"),
        }
        await vault.renew(LI)
        return before, others, await vault.blind_index(LI, "phone", b"1")

    before, others, after = asyncio.run(main())
    assert before == after
    assert len(before) == 32
    assert len(others | {before}) == 4


def test_renewal_seals_with_a_new_key_and_opens_the_old(vault, ring, store):
    async def main():
        old = await vault.seal(LI, "p", b"old")
        behind = Vault(ring, store, StoppedClock())
        assert await behind.open(LI, "p", old) == b"old"
        assert await vault.renew(LI) == 2
        new = await vault.seal(LI, "p", b"new")
        assert new[1:5] == b"\0\0\0\2"
        return await vault.open(LI, "p", old), await behind.open(LI, "p", new)

    assert asyncio.run(main()) == (b"old", b"new")


def test_rotation_forgets_the_old_master_key_and_keeps_the_data(vault, ring, store):
    async def main():
        sealed = {merchant: await vault.seal(merchant, "p", b"x") for merchant in (LI, WANG)}
        assert await vault.rotate(everyone(LI, WANG)) == 2
        reloaded = Keyring.load(ring.path)
        assert [key.key_id for key in reloaded.keys] == [vault.keyring.current.key_id]
        assert reloaded.current.key_id != ring.current.key_id
        fresh = Vault(reloaded, store, StoppedClock())
        assert [await fresh.open(m, "p", blob) for m, blob in sealed.items()] == [b"x", b"x"]
        with pytest.raises(VaultKeyWrong):
            await Vault(ring, store, StoppedClock()).open(LI, "p", sealed[LI])

    asyncio.run(main())


def test_a_rotation_that_broke_off_reads_everything_and_is_finished_by_the_next(vault, ring, store):
    class PowerCut(Exception):
        pass

    async def broken():
        yield LI
        raise PowerCut

    async def main():
        sealed = {merchant: await vault.seal(merchant, "p", b"x") for merchant in (LI, WANG)}
        with pytest.raises(PowerCut):
            await vault.rotate(broken())
        halfway = Keyring.load(ring.path)
        assert len(halfway.keys) == 2
        again = Vault(halfway, store, StoppedClock())
        assert [await again.open(m, "p", blob) for m, blob in sealed.items()] == [b"x", b"x"]
        assert await again.rotate(everyone(LI, WANG)) == 1
        last = Vault(Keyring.load(ring.path), store, StoppedClock())
        assert [await last.open(m, "p", blob) for m, blob in sealed.items()] == [b"x", b"x"]
        assert len(last.keyring.keys) == 1

    asyncio.run(main())


def test_data_of_another_master_key_is_refused(vault, store, tmp_path):
    (tmp_path / "other").mkdir()
    other = Vault(Keyring.create(tmp_path / "other" / "vault.key"), store, StoppedClock())

    async def main():
        await vault.seal(LI, "p", b"x")
        await vault.check(LI)
        for refused in (other.check(LI), other.seal(LI, "p", b"y"), other.blind_index(LI, "p", b"y")):
            with pytest.raises(VaultKeyWrong):
                await refused

    asyncio.run(main())
    assert len(store.rows) == 1


def test_a_wrapped_key_moved_to_another_merchant_does_not_unwrap(vault, store):
    async def main():
        await vault.seal(LI, "p", b"x")
        store.rows[WANG, 1] = store.rows[LI, 1]
        with pytest.raises(VaultKeyWrong):
            await vault.seal(WANG, "p", b"x")

    asyncio.run(main())


def test_keys_are_cached_and_the_cache_is_bounded(vault, store, monkeypatch):
    monkeypatch.setattr(vault_module, "MERCHANTS_CACHED_MAX", 3)

    async def main():
        await vault.seal(LI, "p", b"x")
        loads = store.loads
        await vault.seal(LI, "p", b"x")
        assert store.loads == loads
        for number in range(10, 20):
            await vault.seal(UUID(int=number), "p", b"x")
        assert len(vault._cache) == 3

    asyncio.run(main())


def test_the_key_file_is_private_and_never_overwritten(ring):
    assert ring.path.stat().st_mode & 0o777 == 0o600
    before = ring.path.read_bytes()
    with pytest.raises(FileExistsError):
        Keyring.create(ring.path)
    assert ring.path.read_bytes() == before
    assert ring.current.key.hex() not in repr(ring.current)


def test_a_missing_key_is_refused(ring):
    ring.path.unlink()
    with pytest.raises(VaultKeyMissing) as caught:
        Keyring.load(ring.path)
    assert "vault.key" in caught.value.text("zh-Hans").sentence
    assert not ring.path.exists()


def _exchange(ring, other):
    ring.path.write_bytes(other.path.read_bytes())


def _damage(ring, other):
    content = msgspec.json.decode(ring.path.read_bytes())
    letters = list(content["keys"][0]["key"])
    letters[3] = "A" if letters[3] != "A" else "B"
    content["keys"][0]["key"] = "".join(letters)
    ring.path.write_bytes(msgspec.json.encode(content))


def _cut(ring, other):
    ring.path.write_bytes(ring.path.read_bytes()[:-9])


def _open_to_all(ring, other):
    ring.path.chmod(0o644)


def _lose_check(ring, other):
    ring.check_path.unlink()


@pytest.mark.parametrize("harm", [_exchange, _damage, _cut, _open_to_all, _lose_check])
def test_a_wrong_or_damaged_key_is_refused(ring, tmp_path, harm):
    (tmp_path / "other").mkdir()
    harm(ring, Keyring.create(tmp_path / "other" / "vault.key"))
    with pytest.raises(VaultKeyWrong):
        Keyring.load(ring.path)
