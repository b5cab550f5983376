"""Files of links: kept from the first look until they are made, and what came of them. One that says the same is the
same batch, so that nothing is made twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, delete, select, update

from hutong.core.errors import NotFound
from hutong.db.unit import Unit
from hutong.links.batch_models import link_batch
from hutong.links.bulk import ROWS_MAX
from hutong.links.models import channel, link, link_tag

#: A file that was looked at and not made is forgotten after this time.
DRAFT_KEPT: Final = timedelta(days=7)
#: Batches that a page lists.
BATCHES_SHOWN_MAX: Final = 20
TAGS_READ_MAX: Final = 20 * ROWS_MAX


class LinkBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A file of links; ``made_at`` None: it was only looked at. ``link_ids`` are in the order of its rows."""

    batch_id: UUID
    file_name: str
    rows_count: int
    body: bytes
    link_ids: tuple[UUID, ...]
    created_at: datetime
    made_at: datetime | None


class MadeLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link of a batch as it is now; ``sku_id`` where it leads to the cash desk."""

    link_id: UUID
    code: str
    title: str
    url: str | None
    sku_id: UUID | None
    channel_kind: str
    channel_platform: str
    channel_name: str
    tags: tuple[str, ...]
    campaign: str


async def keep_batch(unit: Unit, digest: bytes, file_name: str, rows_count: int, body: bytes) -> UUID:
    """Keep a file's rows; one that says the same gives the batch that is there, made or not."""
    forgotten = (link_batch.c.made_at.is_(None), link_batch.c.created_at < unit.now() - DRAFT_KEPT)
    await unit.run(delete(link_batch).where(link_batch.c.merchant_id == unit.merchant_id, *forgotten))
    await unit.insert_once(
        link_batch,
        batch_id=unit.new_id(),
        digest=digest,
        file_name=file_name,
        rows_count=rows_count,
        body=body,
        link_ids=[],
        created_at=unit.now(),
        made_at=None,
    )
    same = (link_batch.c.merchant_id == unit.merchant_id, link_batch.c.digest == digest)
    kept: UUID = await unit.scalar(select(link_batch.c.batch_id).where(*same))
    return kept


async def get_batch(unit: Unit, batch_id: UUID, *, lock: bool = False) -> LinkBatch:
    """A batch; with ``lock`` whoever else would make it waits.

    Raises:
        NotFound: not this merchant's, or forgotten.
    """
    wanted = select(link_batch).where(link_batch.c.merchant_id == unit.merchant_id, link_batch.c.batch_id == batch_id)
    row = await unit.one(wanted.with_for_update() if lock else wanted)
    if row is None:
        raise NotFound(what="file", key=str(batch_id))
    return _view(row)


async def settle_batch(unit: Unit, batch_id: UUID, link_ids: Sequence[UUID]) -> None:
    """The batch is made: its rows are links from here on."""
    await unit.run(
        update(link_batch)
        .where(link_batch.c.merchant_id == unit.merchant_id, link_batch.c.batch_id == batch_id)
        .values(made_at=unit.now(), link_ids=list(link_ids), body=b"")
    )


async def past_batches(unit: Unit) -> tuple[LinkBatch, ...]:
    """The latest files, the newest first, without their rows."""
    columns = [column for column in link_batch.c if column.name not in ("body", "link_ids")]
    rows = await unit.all(
        select(*columns)
        .where(link_batch.c.merchant_id == unit.merchant_id)
        .order_by(link_batch.c.created_at.desc(), link_batch.c.batch_id)
        .limit(BATCHES_SHOWN_MAX)
    )
    return tuple(_view(row, whole=False) for row in rows)


async def made_links(unit: Unit, link_ids: Sequence[UUID]) -> tuple[MadeLink, ...]:
    """These links, in this order."""
    here = link.c.merchant_id == channel.c.merchant_id
    rows = await unit.all(
        select(link, channel.c.kind, channel.c.platform, channel.c.name)
        .join(channel, here & (channel.c.channel_id == link.c.channel_id))
        .where(link.c.merchant_id == unit.merchant_id, link.c.link_id.in_(link_ids))
        .limit(ROWS_MAX)
    )
    tags: dict[UUID, list[str]] = {}
    mine = (link_tag.c.merchant_id == unit.merchant_id, link_tag.c.link_id.in_(link_ids))
    for row in await unit.all(select(link_tag).where(*mine).order_by(link_tag.c.tag).limit(TAGS_READ_MAX)):
        tags.setdefault(row.link_id, []).append(row.tag)
    by_id = {row.link_id: _made(row, tags.get(row.link_id, ())) for row in rows}
    return tuple(by_id[link_id] for link_id in link_ids if link_id in by_id)


def _made(row: Row[Any], tags: Sequence[str]) -> MadeLink:
    return MadeLink(
        link_id=row.link_id,
        code=row.code,
        title=row.title,
        url=row.url,
        sku_id=row.sku_id,
        channel_kind=row.kind,
        channel_platform=row.platform,
        channel_name=row.name,
        tags=tuple(tags),
        campaign=row.campaign or "",
    )


def _view(row: Row[Any], *, whole: bool = True) -> LinkBatch:
    return LinkBatch(
        batch_id=row.batch_id,
        file_name=row.file_name,
        rows_count=row.rows_count,
        body=row.body if whole else b"",
        link_ids=tuple(row.link_ids) if whole else (),
        created_at=row.created_at,
        made_at=row.made_at,
    )
