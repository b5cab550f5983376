"""Many links at once: every row is judged by itself, and all good ones are made with a handful of statements.

A row is held to what a single link is held to (``links/holding.py``, ``links/tags.py``, ``links/rules/checks.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import select

from hutong.core.errors import HutongError, InvalidInput, NotFound
from hutong.core.ids import new_code, new_ids
from hutong.db.unit import Unit
from hutong.links.destinations import DestinationNotAllowed
from hutong.links.holding import Way, check_name, check_platform, check_way
from hutong.links.hosts import host_states
from hutong.links.locks import PASSWORDS_MAX, checked_password, set_locks
from hutong.links.models import channel
from hutong.links.rules.checks import check_rules
from hutong.links.rules.model import Rules, Utm
from hutong.links.service import CODE_CHARS, CODE_TRIES_MAX, ChannelKind
from hutong.links.share_codes import ShareCodeRefused
from hutong.links.tags import Sorting, clean_campaign, clean_tags
from hutong.merchants.directory import LINK, register_all

ROWS_MAX: Final = 10_000
NO_UTM: Final = Utm()
NO_SORTING: Final = Sorting()
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
    """One link to make, as :func:`hutong.links.service.create_link` would make it, with what can be set on it later.

    One without ``utm`` and ``clicks_max`` has no rules.
    """

    title: str
    channel_id: UUID | None = None
    channel: BulkChannel | None = None
    url: str | None = None
    sku_id: UUID | None = None
    share_code: str = ""
    tags: tuple[str, ...] = ()
    campaign: str = ""
    expires_at: datetime | None = None
    utm: Utm = NO_UTM
    clicks_max: int = 0
    password: str | None = None


class BulkLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that was made."""

    link_id: UUID
    code: str
    channel_id: UUID


#: What became of a row: the link, None where it would be one (a dry run), or why it cannot be.
Fate = BulkLink | HutongError | None


class _Held(msgspec.Struct, frozen=True, kw_only=True):
    """A row that holds to everything, as it is kept."""

    title: str
    channel: UUID | ChannelKey
    way: Way
    sorting: Sorting
    expires_at: datetime | None
    rules: Rules | None
    password: str | None


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """What rows are held against."""

    channels: frozenset[UUID]
    skus: frozenset[UUID]
    own_hosts: frozenset[str]
    zone: str
    passwords: frozenset[str]  # the first of those asked for: each takes a slow hash


async def create_links(
    unit: Unit, rows: Sequence[BulkRow], skus: frozenset[UUID], *, zone: str, is_dry: bool = False, whole: bool = False
) -> tuple[Fate, ...]:
    """What became of each row, in their order; ``skus``: the goods that may be sold; ``zone``: the merchant's own.

    A dry run makes nothing; neither does one that is to be ``whole`` where any row is wrong.

    Raises:
        InvalidInput: too many rows.
    """
    if len(rows) > ROWS_MAX:
        raise InvalidInput(field="rows", problem=f"≤ {ROWS_MAX}")
    known = _Known(
        channels=await _known_channels(unit, {row.channel_id for row in rows if row.channel_id is not None}),
        skus=skus,
        own_hosts=frozenset(await host_states(unit)),
        zone=zone,
        passwords=frozenset(
            list(dict.fromkeys(row.password for row in rows if row.password is not None))[:PASSWORDS_MAX]
        ),
    )
    judged = [_judged(row, known) for row in rows]
    fates: list[Fate] = [one if isinstance(one, HutongError) else None for one in judged]
    good = [(place, one) for place, one in enumerate(judged) if not isinstance(one, HutongError)]
    if is_dry or not good or (whole and len(good) < len(rows)):
        return tuple(fates)
    channels = await _channels(unit, {one.channel for _, one in good if isinstance(one.channel, tuple)})
    wanted = [(one, channels[one.channel] if isinstance(one.channel, tuple) else one.channel) for _, one in good]
    for (place, _), made in zip(good, await _insert(unit, wanted), strict=True):
        fates[place] = made
    return tuple(fates)


def field_of(error: HutongError) -> str:
    """Which field of a row is meant."""
    if isinstance(error, DestinationNotAllowed):
        return "url"
    if isinstance(error, ShareCodeRefused):
        return "share_code"
    return str(error.details.get("field", error.details.get("what", "")))


def _judged(row: BulkRow, known: _Known) -> _Held | HutongError:
    try:
        return _held(row, known)
    except HutongError as error:
        return error


def _held(row: BulkRow, known: _Known) -> _Held:
    title = check_name(row.title, "title")
    channel_of = _channel_of(row, known)
    way = check_way(row.sku_id, row.url, row.share_code, known.own_hosts)
    if row.sku_id is not None and row.sku_id not in known.skus:
        raise NotFound(what="SKU", key=str(row.sku_id))
    sorting = NO_SORTING
    if row.tags or row.campaign:
        sorting = Sorting(tags=clean_tags(row.tags), campaign=clean_campaign(row.campaign))
    rules = None
    if row.clicks_max or row.utm != NO_UTM:
        rules = Rules(zone=known.zone, utm=row.utm, clicks_max=row.clicks_max)
        check_rules(rules, known.own_hosts, row.expires_at)
    if row.password is not None:
        checked_password(row.password)
        if row.password not in known.passwords:
            raise InvalidInput(field="password", problem=f"≤ {PASSWORDS_MAX}")
    return _Held(
        title=title,
        channel=channel_of,
        way=way,
        sorting=sorting,
        expires_at=row.expires_at,
        rules=rules,
        password=row.password,
    )


def _channel_of(row: BulkRow, known: _Known) -> UUID | ChannelKey:
    if row.channel is not None and row.channel_id is None:
        kind, platform, name = row.channel.key()
        return kind, check_platform(platform, "channel.platform"), check_name(name, "channel.name")
    if row.channel_id is None or row.channel is not None:
        raise InvalidInput(field="channel", problem="channel_id / channel")
    if row.channel_id not in known.channels:
        raise NotFound(what="channel", key=str(row.channel_id))
    return row.channel_id


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


async def _insert(unit: Unit, wanted: Sequence[tuple[_Held, UUID]]) -> list[BulkLink]:
    now = unit.now()
    ids = new_ids(now, len(wanted))
    codes = await _free_codes(unit, ids)
    rows = [
        (
            link_id,
            code,
            channel_id,
            row.title,
            "checkout" if row.way.url is None else "url",
            row.way.sku_id,
            row.way.url,
            row.way.share_code,
            row.sorting.campaign or None,
            row.expires_at,
        )
        for (row, channel_id), link_id, code in zip(wanted, ids, codes, strict=True)
    ]
    await unit.fetch(
        "INSERT INTO link (merchant_id, state, created_at, changed_at, link_id, code, channel_id, title, destination, "
        "sku_id, url, share_code, campaign, expires_at) SELECT $1, 'active', $2, $2, * FROM unnest($3::uuid[], "
        "$4::text[], $5::uuid[], $6::text[], $7::text[], $8::uuid[], $9::text[], $10::text[], $11::text[], "
        "$12::timestamptz[])",
        unit.merchant_id,
        now,
        *_columns(rows),
    )
    tags = [(link_id, tag) for (row, _), link_id in zip(wanted, ids, strict=True) for tag in row.sorting.tags]
    if tags:
        await unit.fetch(
            "INSERT INTO link_tag (merchant_id, link_id, tag) SELECT $1, * FROM unnest($2::uuid[], $3::text[])",
            unit.merchant_id,
            *_columns(tags),
        )
    ruled = [
        (link_id, msgspec.json.encode(row.rules))
        for (row, _), link_id in zip(wanted, ids, strict=True)
        if row.rules is not None
    ]
    if ruled:
        await unit.fetch(
            "INSERT INTO link_rules (merchant_id, revision, changed_at, link_id, body) "
            "SELECT $1, 1, $2, * FROM unnest($3::uuid[], $4::bytea[])",
            unit.merchant_id,
            now,
            *_columns(ruled),
        )
    asked = [(link_id, row.password) for (row, _), link_id in zip(wanted, ids, strict=True) if row.password is not None]
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
