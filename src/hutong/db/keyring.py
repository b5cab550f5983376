"""The file ``vault.key``: the keys that wrap every merchant's own key. Losing it loses what was sealed.

JSON: ``{"keys": [{"id": hex, "key": base64}, …]}``, the current key first. A second key is there only while a
rotation is under way, so that a crash in its middle leaves everything readable.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from pathlib import Path
from typing import Final

import msgspec

from hutong.crypto.digests import hmac_sha256, same
from hutong.db.refusals import VaultKeyMissing, VaultKeyWrong

KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 8
#: The current key and the one that a rotation leaves behind.
KEYS_MAX: Final = 2
FILE_BYTES_MAX: Final = 4096


class MasterKey(msgspec.Struct, frozen=True):
    """A key-encryption key; its id is derived from it, so that a changed byte is noticed."""

    key: bytes

    @property
    def key_id(self) -> bytes:
        """Eight bytes that name the key without revealing it."""
        return hmac_sha256(self.key, b"hutong vault key id")[:KEY_ID_BYTES]

    @property
    def check_value(self) -> bytes:
        """What may be stored beside sealed data to recognise the right key."""
        return hmac_sha256(self.key, b"hutong vault check value")

    def __repr__(self) -> str:
        """Without the key."""
        return f"MasterKey({self.key_id.hex()})"


class _StoredKey(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    key: str


class _StoredRing(msgspec.Struct, forbid_unknown_fields=True):
    keys: list[_StoredKey]


class Keyring:
    """The keys of one ``vault.key`` file, with ``vault.check`` beside it to recognise the right ones."""

    def __init__(self, path: Path, keys: tuple[MasterKey, ...]) -> None:
        self.path = path
        self.keys = keys

    @property
    def current(self) -> MasterKey:
        """The key that wraps from now on."""
        return self.keys[0]

    @classmethod
    def create(cls, path: Path) -> Keyring:
        """A new key. Only for a home without data; an existing file is never overwritten.

        Raises:
            FileExistsError: there is a key already.
        """
        if path.exists():
            raise FileExistsError(path)
        ring = cls(path, (MasterKey(secrets.token_bytes(KEY_BYTES)),))
        ring._write()
        return ring

    @classmethod
    def load(cls, path: Path) -> Keyring:
        """The keys of an existing file.

        Raises:
            VaultKeyMissing: no file.
            VaultKeyWrong: damaged, readable by others, or not the key that this home began with.
        """
        try:
            mode = path.stat().st_mode
            content = path.read_bytes()[:FILE_BYTES_MAX]
        except FileNotFoundError as error:
            raise VaultKeyMissing(path=str(path)) from error
        except OSError as error:
            raise VaultKeyWrong(path=str(path), problem=error.strerror or "?") from error
        if mode & 0o077:
            raise VaultKeyWrong(path=str(path), problem=f"mode {mode & 0o777:04o}")
        ring = cls(path, _decode(path, content))
        ring._check()
        return ring

    @property
    def check_path(self) -> Path:
        """Beside the key; holds no secret."""
        return self.path.with_name("vault.check")

    def find(self, key_id: bytes) -> MasterKey:
        """The key of an id.

        Raises:
            VaultKeyWrong: the data names a key that is not in the file.
        """
        for key in self.keys:
            if key.key_id == key_id:
                return key
        raise VaultKeyWrong(path=str(self.path), problem=f"{key_id.hex()} ≠ {self.current.key_id.hex()}")

    def begin_rotation(self) -> Keyring:
        """A ring with a new current key and the old one behind it, on disk; the same ring when one is under way."""
        if len(self.keys) == KEYS_MAX:
            return self
        ring = Keyring(self.path, (MasterKey(secrets.token_bytes(KEY_BYTES)), self.current))
        ring._write()
        return ring

    def end_rotation(self) -> Keyring:
        """Forget the old key. Only after every merchant's key is wrapped by the current one."""
        ring = Keyring(self.path, (self.current,))
        ring._write()
        return ring

    def _write(self) -> None:
        stored = _StoredRing(
            [_StoredKey(key.key_id.hex(), base64.b64encode(key.key).decode("ascii")) for key in self.keys]
        )
        # The check file goes first and names every key that may serve: a crash between the two leaves both usable.
        old = self.check_path.read_text(encoding="ascii").split() if self.check_path.exists() else []
        values = [key.check_value.hex() for key in self.keys]
        write_private(self.check_path, "\n".join([*values, *(v for v in old if v not in values)][:KEYS_MAX]).encode())
        write_private(self.path, msgspec.json.encode(stored))
        write_private(self.check_path, "\n".join(values).encode())

    def _check(self) -> None:
        try:
            values = self.check_path.read_text(encoding="ascii").split()
        except FileNotFoundError as error:
            raise VaultKeyWrong(path=str(self.path), problem=f"{self.check_path.name}?") from error
        if not any(same(self.current.check_value, _unhex(value)) for value in values):
            raise VaultKeyWrong(path=str(self.path), problem=f"{self.current.key_id.hex()} ≠ {self.check_path.name}")


def _unhex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _decode(path: Path, content: bytes) -> tuple[MasterKey, ...]:
    try:
        stored = msgspec.json.decode(content, type=_StoredRing)
        keys = tuple(MasterKey(base64.b64decode(entry.key, validate=True)) for entry in stored.keys)
    except (msgspec.DecodeError, binascii.Error, ValueError) as error:
        raise VaultKeyWrong(path=str(path), problem="JSON") from error
    if not 1 <= len(keys) <= KEYS_MAX or any(len(key.key) != KEY_BYTES for key in keys):
        raise VaultKeyWrong(path=str(path), problem="length")
    if any(key.key_id.hex() != entry.id for key, entry in zip(keys, stored.keys, strict=True)):
        raise VaultKeyWrong(path=str(path), problem="checksum")
    return keys


def write_private(path: Path, content: bytes) -> None:
    """Write a 0600 file so that a crash leaves the old or the new content, on disk, never a part."""
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
