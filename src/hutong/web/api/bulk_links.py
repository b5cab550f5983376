"""Links by the dozen."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, post

from hutong.core.errors import HutongError
from hutong.db.unit import Unit
from hutong.links.bulk import ROWS_MAX, BulkChannel, BulkLink, BulkRow, Fate
from hutong.links.hosts import link_base
from hutong.links.service import ChannelKind
from hutong.merchants.keys import ApiKey
from hutong.web.api.bodies import Line, RequestBody, Url, Word
from hutong.web.api.callers import once
from hutong.workflows.commands.bulk_links import make_links
from hutong.workflows.runtime import Runtime

#: A row takes some 200 bytes; other addresses take less.
BODY_BYTES_MAX: Final = 8_000_000


class RowChannel(RequestBody, frozen=True, kw_only=True):
    """A channel by what it is called; one that is not there yet is made."""

    kind: ChannelKind
    platform: Word
    name: Line


class Row(RequestBody, frozen=True, kw_only=True):
    """One link, as ``POST /api/v1/links`` takes it."""

    title: Line
    channel_id: UUID | None = None
    channel: RowChannel | None = None
    sku_id: UUID | None = None
    url: Url | None = None
    expires_at: datetime | None = None


class NewLinks(RequestBody, frozen=True, kw_only=True):
    """Links to make. ``dry_run``: say what would become of each row, and make nothing."""

    rows: Annotated[tuple[Row, ...], msgspec.Meta(min_length=1, max_length=ROWS_MAX)]
    dry_run: bool = False


class RowProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a row is no link, in both languages."""

    code: str
    field: str
    zh: str
    en: str


class RowAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a row, counted from 1; in a dry run a good row has neither link nor problem."""

    row: int
    link_id: UUID | None = None
    channel_id: UUID | None = None
    code: str | None = None
    url: str | None = None
    qr_url: str | None = None
    problem: RowProblem | None = None


class LinksMade(msgspec.Struct, frozen=True, kw_only=True):
    """All rows, in their order."""

    made: int
    refused: int
    rows: tuple[RowAnswer, ...]


class BulkLinksApi(Controller):
    """Links by the dozen."""

    path = "/api/v1/links"
    tags = ["Links"]

    @post("/bulk", opt={"scope": "links:write"}, summary="Make many links", request_max_body_size=BODY_BYTES_MAX)
    async def make(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewLinks
    ) -> Response[bytes]:
        """Make the links of all good rows, and say of each other row what is wrong with it."""
        return await once(runtime, caller, request, "api.links_bulk", lambda unit: _made(unit, runtime, data))


async def _made(unit: Unit, runtime: Runtime, data: NewLinks) -> LinksMade:
    base = await link_base(unit, runtime.public_url)
    fates = await make_links(unit, [_row(row) for row in data.rows], is_dry=data.dry_run)
    return LinksMade(
        made=sum(isinstance(fate, BulkLink) for fate in fates),
        refused=sum(isinstance(fate, HutongError) for fate in fates),
        rows=tuple(_answer(number, fate, base, runtime.public_url) for number, fate in enumerate(fates, 1)),
    )


def _row(row: Row) -> BulkRow:
    named = row.channel
    return BulkRow(
        title=row.title,
        channel_id=row.channel_id,
        channel=None if named is None else BulkChannel(kind=named.kind, platform=named.platform, name=named.name),
        url=row.url,
        sku_id=row.sku_id,
        expires_at=row.expires_at,
    )


def _answer(number: int, fate: Fate, base: str, public_url: str) -> RowAnswer:
    if fate is None:
        return RowAnswer(row=number)
    if isinstance(fate, HutongError):
        field = str(fate.details.get("field", "url" if "host" in fate.details else fate.details.get("what", "")))
        zh, en = (fate.text(locale).sentence for locale in ("zh-Hans", "en"))
        return RowAnswer(row=number, problem=RowProblem(code=fate.code, field=field, zh=zh, en=en))
    return RowAnswer(
        row=number,
        link_id=fate.link_id,
        channel_id=fate.channel_id,
        code=fate.code,
        url=f"{base}/l/{fate.code}",
        qr_url=f"{public_url}/links/{fate.code}/qr.svg",
    )
