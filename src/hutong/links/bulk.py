"""Many links at once: every row is judged by itself, and all good ones are made with a handful of statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import select

from hutong.core.errors import HutongError, InvalidInput, NotFound
from hutong.core.ids import new_code, new_ids
from hutong.db.unit import Unit
from hutong.links.destinations import check_destination
from hutong.links.locks import PASSWORDS_MAX, checked_password, set_locks
from hutong.links.models import channel
from hutong.links.service import CODE_CHARS, CODE_TRIES_MAX, NAME_CHARS_MAX, PLATFORM_CHARS_MAX, ChannelKind
from hutong.merchants.directory import LINK, register_all

ROWS_MAX: Final = 10_000
#: Kind, platform and name say which channel a row means.
ChannelKey = tuple[str, str, str]


class BulkChannel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel by what it is called; one that is not there yet is made."""

    kind: ChannelKind
    platform: str
    name: str

    def key(self) -> ChannelKey:
        """What tells it from others."""
        return self.kind.value, self.platform.strip(), self.name.strip()


class BulkRow(msgspec.Struct, frozen=True, kw_only=True):
    """One link to make, as :func:`hutong.links.service.create_link` would make it."""

    title: str
    channel_id: UUID | None = None
    channel: BulkChannel | None = None
    url: str | None = None
    sku_id: UUID | None = None
    expires_at: datetime | None = None
    password: str | None = None


class BulkLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that was made."""

    link_id: UUID
    code: str
    channel_id: UUID


#: What became of a row: the link, None where it would be one (a dry run), or why it cannot be.
Fate = BulkLink | HutongError | None


async def create_links(
    unit: Unit, rows: Sequence[BulkRow], skus: frozenset[UUID], *, is_dry: bool = False
) -> tuple[Fate, ...]:
    """What became of each row, in their order; ``skus``: the goods that may be sold. A dry run makes nothing.

    Raises:
        InvalidInput: too many rows.
    """
    if len(rows) > ROWS_MAX:
        raise InvalidInput(field="rows", problem=f"≤ {ROWS_MAX}")
    known = await _known_channels(unit, {row.channel_id for row in rows if row.channel_id is not None})
    passwords = frozenset(list(dict.fromkeys(row.password for row in rows if row.password is not None))[:PASSWORDS_MAX])
    fates: list[Fate] = [_judged(row, known, skus, passwords) for row in rows]
    good = [(place, row) for place, row in enumerate(rows) if fates[place] is None]
    if is_dry or not good:
        return tuple(fates)
    channels = await _channels(unit, {row.channel.key() for _, row in good if row.channel is not None})
    wanted = [(row, _channel_of(row, channels)) for _, row in good]
    for (place, _), made in zip(good, await _insert(unit, wanted), strict=True):
        fates[place] = made
    return tuple(fates)


def _channel_of(row: BulkRow, channels: Mapping[ChannelKey, UUID]) -> UUID:
    if row.channel is not None:
        return channels[row.channel.key()]
    assert row.channel_id is not None, "a good row has one of the two"
    return row.channel_id


def _judged(
    row: BulkRow, known: frozenset[UUID], skus: frozenset[UUID], passwords: frozenset[str]
) -> HutongError | None:
    try:
        _check(row, known, skus)
        if row.password is not None:
            checked_password(row.password)
            if row.password not in passwords:
                raise InvalidInput(field="password", problem=f"≤ {PASSWORDS_MAX}")
    except HutongError as error:
        return error
    return None


def _check(row: BulkRow, known: frozenset[UUID], skus: frozenset[UUID]) -> None:
    if not 0 < len(row.title.strip()) <= NAME_CHARS_MAX:
        raise InvalidInput(field="title", problem=f"1–{NAME_CHARS_MAX}")
    if (row.channel_id is None) == (row.channel is None):
        raise InvalidInput(field="channel", problem="channel_id / channel")
    if row.channel_id is not None and row.channel_id not in known:
        raise NotFound(what="channel", key=str(row.channel_id))
    if row.channel is not None:
        _, platform, name = row.channel.key()
        if not 0 < len(name) <= NAME_CHARS_MAX:
            raise InvalidInput(field="channel.name", problem=f"1–{NAME_CHARS_MAX}")
        if len(platform) > PLATFORM_CHARS_MAX:
            raise InvalidInput(field="channel.platform", problem=f"≤ {PLATFORM_CHARS_MAX}")
    if (row.url is None) == (row.sku_id is None):
        raise InvalidInput(field="destination", problem="sku_id | url")
    if row.url is not None:
        check_destination(row.url)
    if row.sku_id is not None and row.sku_id not in skus:
        raise NotFound(what="SKU", key=str(row.sku_id))


async def _known_channels(unit: Unit, asked: set[UUID]) -> frozenset[UUID]:
    if not asked:
        return frozenset()
    rows = await unit.all(
        select(channel.c.channel_id)
        .where(channel.c.merchant_id == unit.merchant_id, channel.c.channel_id.in_(asked))
        .limit(ROWS_MAX)
    )
    return frozenset(row.channel_id for row in rows)


async def _channels(unit: Unit, keys: set[ChannelKey]) -> dict[ChannelKey, UUID]:
    """The channels of these names, the missing ones made; of several alike the oldest."""
    if not keys:
        return {}
    ordered = sorted(keys)
    found = await unit.fetch(
        "SELECT DISTINCT ON (kind, platform, name) kind, platform, name, channel_id FROM channel JOIN "
        "unnest($2::text[], $3::text[], $4::text[]) AS asked (kind, platform, name) USING (kind, platform, name) "
        "WHERE merchant_id = $1 ORDER BY kind, platform, name, created_at",
        unit.merchant_id,
        *_columns(ordered),
    )
    channels: dict[ChannelKey, UUID] = {(row.kind, row.platform, row.name): row.channel_id for row in found}
    missing = [key for key in ordered if key not in channels]
    if missing:
        ids = new_ids(unit.now(), len(missing))
        await unit.fetch(
            "INSERT INTO channel (merchant_id, created_at, channel_id, kind, platform, name) "
            "SELECT $1, $2, * FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[])",
            unit.merchant_id,
            unit.now(),
            ids,
            *_columns(missing),
        )
        channels.update(zip(missing, ids, strict=True))
    return channels


async def _insert(unit: Unit, wanted: Sequence[tuple[BulkRow, UUID]]) -> list[BulkLink]:
    now = unit.now()
    ids = new_ids(now, len(wanted))
    codes = await _free_codes(unit, ids)
    rows = [
        (
            link_id,
            code,
            channel_id,
            row.title.strip(),
            "checkout" if row.url is None else "url",
            row.sku_id,
            None if row.url is None else row.url.strip(),
            row.expires_at,
        )
        for (row, channel_id), link_id, code in zip(wanted, ids, codes, strict=True)
    ]
    await unit.fetch(
        "INSERT INTO link (merchant_id, state, created_at, changed_at, link_id, code, channel_id, title, destination, "
        "sku_id, url, expires_at) SELECT $1, 'active', $2, $2, * FROM unnest($3::uuid[], $4::text[], $5::uuid[], "
        "$6::text[], $7::text[], $8::uuid[], $9::text[], $10::timestamptz[])",
        unit.merchant_id,
        now,
        *_columns(rows),
    )
    asked = [(link_id, row.password) for link_id, (row, _) in zip(ids, wanted, strict=True) if row.password is not None]
    await set_locks(unit, asked)
    return [BulkLink(link_id=row[0], code=row[1], channel_id=row[2]) for row in rows]


async def _free_codes(unit: Unit, ids: Sequence[UUID]) -> list[str]:
    """A code for each link; where somebody has one already, another is drawn."""
    codes: dict[UUID, str] = {}
    left = list(ids)
    for _ in range(CODE_TRIES_MAX):
        drawn = {new_code(CODE_CHARS): link_id for link_id in left}
        entered = await register_all(unit, LINK, drawn)
        codes.update((drawn[code], code) for code in entered)
        left = [link_id for link_id in left if link_id not in codes]
        if not left:
            return [codes[link_id] for link_id in ids]
    raise RuntimeError("no free link code found; the code space is too full")


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
