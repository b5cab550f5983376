"""A link's password: set, changed and taken away. It is kept as a hash alone, and given back to nobody."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from hutong.core.ids import new_ids
from hutong.db.unit import Unit
from hutong.links.lock_models import link_lock
from hutong.links.models import link
from hutong.links.rules.broken import RuleBroken
from hutong.links.service import get_link
from hutong.merchants.staff import hash_of

#: Four is what people in China expect of a code that goes with a link; the bound on guesses is made for it.
PASSWORD_CHARS_MIN: Final = 4
PASSWORD_CHARS_MAX: Final = 64
#: What decoding lets through at all, before it is brought into one form.
TYPED_CHARS_MAX: Final = 200
#: Different ones in one request that makes many links: each takes some tens of milliseconds.
PASSWORDS_MAX: Final = 20
#: What a merchant's program or form says where a password is to stay as it is.
UNCHANGED: Final = msgspec.UNSET
Change = str | msgspec.UnsetType | None


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """A link's present password."""

    lock_id: UUID
    password_hash: str

    def __repr__(self) -> str:
        """Without the hash: it is for nobody's log."""
        return f"Lock({self.lock_id})"


def plain_password(typed: str) -> str:
    """A password in the form that is kept and compared: full-width letters as narrow ones, without spaces around it and
    without characters that nobody sees. So one that was typed, pasted or read from a poster is the same.
    """
    return "".join(char for char in unicodedata.normalize("NFKC", typed) if char.isprintable()).strip()


def checked_password(typed: str) -> str:
    """The password to keep.

    Raises:
        RuleBroken: too short or too long; what was typed is not in it.
    """
    plain = plain_password(typed)
    if len(plain) < PASSWORD_CHARS_MIN:
        raise RuleBroken(0, "password", "too_short", str(PASSWORD_CHARS_MIN))
    if len(plain) > PASSWORD_CHARS_MAX:
        raise RuleBroken(0, "password", "too_long", str(PASSWORD_CHARS_MAX))
    return plain


async def set_lock(unit: Unit, link_id: UUID, password: str | None) -> None:
    """Give a link a password or another one, or take it away (None). Whoever came through by the one before is asked
    again; the edge follows within a second.

    Raises:
        RuleBroken: the password cannot be used.
        NotFound: not this merchant's link.
    """
    plain = None if password is None else checked_password(password)
    await get_link(unit, link_id)
    if plain is None:
        await unit.run(
            delete(link_lock).where(link_lock.c.merchant_id == unit.merchant_id, link_lock.c.link_id == link_id)
        )
    else:
        values: dict[str, Any] = {
            "lock_id": unit.new_id(),
            "password_hash": await asyncio.to_thread(hash_of, plain),
            "changed_at": unit.now(),
        }
        statement = insert(link_lock).values(merchant_id=unit.merchant_id, link_id=link_id, **values)
        await unit.run(statement.on_conflict_do_update(index_elements=["merchant_id", "link_id"], set_=values))
    await unit.run(
        update(link)
        .where(link.c.merchant_id == unit.merchant_id, link.c.link_id == link_id)
        .values(changed_at=unit.now())
    )


async def set_locks(unit: Unit, passwords: Sequence[tuple[UUID, str]]) -> None:
    """Passwords of links that were just made and checked; links with the same one share its hash."""
    if not passwords:
        return
    plain = [(link_id, plain_password(typed)) for link_id, typed in passwords]
    hashes = await asyncio.to_thread(_hashes, {word for _, word in plain})
    await unit.fetch(
        "INSERT INTO link_lock (merchant_id, changed_at, link_id, lock_id, password_hash) "
        "SELECT $1, $2, * FROM unnest($3::uuid[], $4::uuid[], $5::text[])",
        unit.merchant_id,
        unit.now(),
        [link_id for link_id, _ in plain],
        new_ids(unit.now(), len(plain)),
        [hashes[word] for _, word in plain],
    )


def _hashes(words: Collection[str]) -> dict[str, str]:
    assert len(words) <= PASSWORDS_MAX, "the rows were judged"
    return {word: hash_of(word) for word in words}


async def lock_of(unit: Unit, link_id: UUID) -> Lock | None:
    """A link's present password, to compare a guess with; None: it asks for none."""
    row = await unit.one(
        select(link_lock).where(link_lock.c.merchant_id == unit.merchant_id, link_lock.c.link_id == link_id)
    )
    return None if row is None else Lock(lock_id=row.lock_id, password_hash=row.password_hash)
