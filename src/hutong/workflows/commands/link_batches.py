"""A file of links: kept, looked at, and made as a whole, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from hutong.core.errors import ErrorText, HutongError
from hutong.db.unit import Unit
from hutong.links.batches import LinkBatch, get_batch, keep_batch, settle_batch
from hutong.links.bulk import BulkLink, BulkRow
from hutong.merchants.queries import this_merchant
from hutong.shops.catalogue import skus_by_code
from hutong.workflows.commands.bulk_links import make_links
from hutong.workflows.commands.link_files import FileRow, LinkFile
from hutong.workflows.commands.link_rows import Reading, link_of, product_codes

#: Characters of a file's name that are kept.
FILE_NAME_CHARS_MAX: Final = 120
_DECODER: Final = msgspec.json.Decoder(LinkFile)


class LinksInFileWrong(HutongError):
    """Some rows of a file cannot be made, so none was."""

    code = "links_in_file_wrong"
    status = 409
    zh = ErrorText(
        "文件里有 {wrong} 行现在建不成，一条也没有建。",
        "文件上传之后，网址、商品或时间有了变化，或者这些行还没有改正。",
        "请看列出的行，改正文件后重新上传。",
    )
    en = ErrorText(
        "{wrong} rows of the file cannot be made, and so none was.",
        "Hosts, products or the time have changed since it was uploaded, or the rows were never corrected.",
        "Look at the rows that are listed, correct the file and upload it again.",
    )


class RowFate(msgspec.Struct, frozen=True, kw_only=True):
    """A row and what would become of it: the link to make, or why it is none."""

    row: FileRow
    link: BulkRow | None
    error: HutongError | None


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds and what would become of it. ``unused``, ``twice``: as :class:`LinkFile` has them."""

    rows: tuple[RowFate, ...]
    unused: tuple[str, ...]
    twice: tuple[str, ...]


async def keep_file(unit: Unit, file: LinkFile) -> UUID:
    """Keep a file's rows for a look; the batch that says the same where there is one."""
    name = file.name[-FILE_NAME_CHARS_MAX:]
    return await keep_batch(unit, file.digest(), name, len(file.rows), msgspec.json.encode(file))


async def look_at(unit: Unit, batch: LinkBatch) -> Look:
    """What would become of each row now; nothing is made."""
    file = _DECODER.decode(batch.body)
    links = await _links(unit, file.rows)
    good = {place: one for place, one in enumerate(links) if isinstance(one, BulkRow)}
    fates = dict(zip(good, await make_links(unit, list(good.values()), is_dry=True), strict=True)) if good else {}
    told = (_fate(row, one, fates.get(place)) for place, (row, one) in enumerate(zip(file.rows, links, strict=True)))
    return Look(rows=tuple(told), unused=file.unused, twice=file.twice)


async def make_batch(unit: Unit, batch_id: UUID) -> LinkBatch:
    """Make all links of a batch; one that was made stays as it is, however often and by how many that is asked.

    Raises:
        NotFound. LinksInFileWrong: nothing was made.
    """
    batch = await get_batch(unit, batch_id, lock=True)
    if batch.made_at is not None:
        return batch
    links = await _links(unit, _DECODER.decode(batch.body).rows)
    rows = [one for one in links if isinstance(one, BulkRow)]
    wrong = len(links) - len(rows)
    fates = await make_links(unit, rows, is_dry=bool(wrong), whole=True) if rows else ()
    made = [one.link_id for one in fates if isinstance(one, BulkLink)]
    if len(made) < len(links):
        raise LinksInFileWrong(wrong=wrong + sum(isinstance(one, HutongError) for one in fates))
    await settle_batch(unit, batch_id, made)
    return await get_batch(unit, batch_id)


async def _links(unit: Unit, rows: Sequence[FileRow]) -> list[BulkRow | HutongError]:
    codes = sorted(product_codes(rows))
    skus: Mapping[str, UUID] = await skus_by_code(unit, codes) if codes else {}
    zone = ZoneInfo((await this_merchant(unit)).timezone)
    reading = Reading(zone=zone, now=unit.now(), skus=skus)
    return [link_of(row, reading) for row in rows]


def _fate(row: FileRow, link: BulkRow | HutongError, fate: object) -> RowFate:
    if isinstance(link, HutongError):
        return RowFate(row=row, link=None, error=link)
    return RowFate(row=row, link=link, error=fate if isinstance(fate, HutongError) else None)
