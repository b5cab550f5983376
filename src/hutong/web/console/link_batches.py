"""Links in bulk: a file is looked at, made once as a whole, and what was made can be downloaded."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.datastructures import UploadFile
from litestar.response import Redirect
from litestar.status_codes import HTTP_200_OK, HTTP_422_UNPROCESSABLE_ENTITY

from hutong.core.errors import ErrorText, HutongError, NotFound
from hutong.db.unit import Unit
from hutong.links.batches import LinkBatch, MadeLink, get_batch, made_links, past_batches
from hutong.links.bulk import ROWS_MAX
from hutong.links.hosts import link_base
from hutong.merchants.queries import this_merchant
from hutong.platforms.tables.errors import FileRefused
from hutong.shops.catalogue import get_skus
from hutong.shops.queries import sku_choices
from hutong.web.console.desk import ConsoleRequest, Desk, go_to
from hutong.web.console.link_batch_files import KINDS, made_answer, made_rows, template_answer, template_rows
from hutong.web.console.link_batch_views import BatchDoneView, BatchesView, BatchView, GoodRow, MadeRow, WrongRow
from hutong.web.console.link_batch_words import COLUMN_HELP, COLUMN_NAMES, column_name, column_of, told
from hutong.web.console.uploads import at_most, keep_upload
from hutong.web.errors import text_for
from hutong.web.format import zone_of
from hutong.web.labels import mark
from hutong.web.languages import locale_of
from hutong.workflows.commands.link_batches import LinksInFileWrong, RowFate, keep_file, look_at, make_batch
from hutong.workflows.commands.link_files import read_link_file

#: Ten thousand links with all columns filled are some five million bytes.
UPLOAD_BYTES_MAX: Final = 8 * 1024 * 1024
#: Rows that a page lists; its counts are of all.
WRONG_SHOWN_MAX: Final = 100
GOOD_SHOWN_MAX: Final = 50
VALUE_SHOWN_CHARS: Final = 60


class NoLinkFile(HutongError):
    """The form came without a file."""

    code = "no_link_file"
    status = 400
    zh = ErrorText("没有收到文件。", "没有选择文件。", "请选择一个 CSV 或 XLSX 文件再上传。")
    en = ErrorText("No file came.", "None was chosen.", "Choose a CSV or XLSX file and upload it.")


class LinkBatchesController(Controller):
    """``/links/bulk``."""

    path = "/links/bulk"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk) -> Response[str]:
        """The form and the latest files."""
        async with desk.unit(request, "console.link_batches") as unit:
            return await desk.page(request, unit, "console/link_batches.html", await _form(unit))

    @post(
        "/",
        request_max_body_size=UPLOAD_BYTES_MAX,
        status_code=HTTP_200_OK,
        guards=[at_most(UPLOAD_BYTES_MAX)],
    )
    async def upload(self, request: ConsoleRequest, desk: Desk) -> Response[str] | Redirect:
        """Keep a file's rows and look at them; a file that cannot be read is told on the same page."""
        given = (await request.form()).get("file")  # a form that was sent without one has an empty text here
        try:
            if not isinstance(given, UploadFile):
                raise NoLinkFile
            with tempfile.TemporaryDirectory(prefix="hutong-links-") as folder:
                path = await keep_upload(given, Path(folder))
                file = await asyncio.to_thread(read_link_file, path)
        except (FileRefused, NoLinkFile) as error:
            refusal = text_for(error, locale_of(request), desk.renderer.catalogues)
            async with desk.unit(request, "console.link_batches") as unit:
                view = msgspec.structs.replace(await _form(unit), refusal=refusal)
                page = await desk.page(request, unit, "console/link_batches.html", view)
            page.status_code = HTTP_422_UNPROCESSABLE_ENTITY
            return page
        async with desk.unit(request, "console.link_batch_keep") as unit:
            batch_id = await keep_file(unit, file)
            is_made = (await get_batch(unit, batch_id)).made_at is not None
        return go_to(f"/links/bulk/{batch_id}{'?again=yes' if is_made else ''}")

    @get("/template/{kind:str}")
    async def template(self, request: ConsoleRequest, desk: Desk, kind: str) -> Response[bytes]:
        """A file to fill in, with two examples."""
        locale = locale_of(request)
        translate = desk.renderer.catalogues.of(locale).ugettext
        async with desk.unit(request, "console.link_template") as unit:
            zone = zone_of((await this_merchant(unit)).timezone)
            goods = await sku_choices(unit)
            now = unit.now()
        code = goods[0].seller_code if goods else ""
        rows = template_rows(locale, translate, now.astimezone(zone).date(), code)
        return await asyncio.to_thread(template_answer, _kind(kind), rows, translate(mark("链接")), zone, now)

    @get("/{batch_id:uuid}")
    async def one(self, request: ConsoleRequest, desk: Desk, batch_id: UUID, again: str = "") -> Response[str]:
        """What would be made of a file, or what was."""
        async with desk.unit(request, "console.link_batch") as unit:
            batch = await get_batch(unit, batch_id)
            if batch.made_at is None:
                view = await _look(request, desk, unit, batch)
                return await desk.page(request, unit, "console/link_batch.html", view)
            done = await _done(unit, desk, batch, is_again=again == "yes")
            return await desk.page(request, unit, "console/link_batch_done.html", done)

    @post("/{batch_id:uuid}/make", status_code=HTTP_200_OK)
    async def make(self, request: ConsoleRequest, desk: Desk, batch_id: UUID) -> Response[str] | Redirect:
        """Make the links, once; where something has changed since the look, that is told and nothing is made."""
        try:
            async with desk.unit(request, "console.link_batch_make") as unit:
                await make_batch(unit, batch_id)
        except LinksInFileWrong as error:
            refusal = text_for(error, locale_of(request), desk.renderer.catalogues)
            async with desk.unit(request, "console.link_batch") as unit:
                view = await _look(request, desk, unit, await get_batch(unit, batch_id))
                view = msgspec.structs.replace(view, refusal=refusal)
                page = await desk.page(request, unit, "console/link_batch.html", view)
            page.status_code = HTTP_422_UNPROCESSABLE_ENTITY
            return page
        return go_to(f"/links/bulk/{batch_id}")

    @get("/{batch_id:uuid}/file/{kind:str}")
    async def download(self, request: ConsoleRequest, desk: Desk, batch_id: UUID, kind: str) -> Response[bytes]:
        """The links that were made, as a file."""
        translate = desk.renderer.catalogues.of(locale_of(request)).ugettext
        async with desk.unit(request, "console.link_batch_file") as unit:
            batch = await get_batch(unit, batch_id)
            links = await made_links(unit, batch.link_ids)
            base, codes = await link_base(unit, desk.runtime.public_url), await _codes(unit, links)
            zone, now = zone_of((await this_merchant(unit)).timezone), unit.now()
        rows = list(made_rows(links, base, desk.runtime.public_url, codes, translate))
        # a workbook of ten thousand rows takes seconds, in which others want to be served
        return await asyncio.to_thread(made_answer, _kind(kind), rows, translate(mark("链接")), zone, now)


def _kind(kind: str) -> str:
    if kind not in KINDS:
        raise NotFound(what="file", key=kind)
    return kind


async def _form(unit: Unit) -> BatchesView:
    columns = tuple((name, COLUMN_HELP.get(column, "")) for column, name in COLUMN_NAMES.items())
    return BatchesView(rows=await past_batches(unit), columns=columns, rows_max=ROWS_MAX)


async def _look(request: ConsoleRequest, desk: Desk, unit: Unit, batch: LinkBatch) -> BatchView:
    look = await look_at(unit, batch)
    wrong = [fate for fate in look.rows if fate.error is not None]
    good = [
        GoodRow(row_no=fate.row.row_no, link=fate.link, leads_to=fate.row.cells.get("destination", ""))
        for fate in look.rows
        if fate.error is None and fate.link is not None
    ]
    return BatchView(
        batch_id=batch.batch_id,
        file_name=batch.file_name,
        wrong=tuple(_wrong(fate, request, desk) for fate in wrong[:WRONG_SHOWN_MAX]),
        wrong_count=len(wrong),
        good=tuple(good[:GOOD_SHOWN_MAX]),
        good_count=len(good),
        channels_count=len({row.link.channel for row in good}),
        unused=look.unused,
        twice=look.twice,
    )


def _wrong(fate: RowFate, request: ConsoleRequest, desk: Desk) -> WrongRow:
    assert fate.error is not None, "the caller has looked"
    column = column_of(fate.error)
    return WrongRow(
        row_no=fate.row.row_no,
        column=column_name(column),
        value=fate.row.cells.get(column, "")[:VALUE_SHOWN_CHARS],
        text=told(fate.error, locale_of(request), desk.renderer.catalogues),
    )


async def _done(unit: Unit, desk: Desk, batch: LinkBatch, *, is_again: bool) -> BatchDoneView:
    assert batch.made_at is not None, "the caller has looked"
    links = await made_links(unit, batch.link_ids)
    base = await link_base(unit, desk.runtime.public_url)
    shown = links[:GOOD_SHOWN_MAX]
    codes = await _codes(unit, shown)
    return BatchDoneView(
        batch_id=batch.batch_id,
        file_name=batch.file_name,
        made_at=batch.made_at,
        rows=tuple(
            MadeRow(link=link, address=f"{base}/l/{link.code}", seller_code=codes.get(link.sku_id, ""))
            if link.sku_id
            else MadeRow(link=link, address=f"{base}/l/{link.code}", seller_code="")
            for link in shown
        ),
        count=len(links),
        channels_count=len({(link.channel_kind, link.channel_platform, link.channel_name) for link in links}),
        tags_count=len({tag for link in links for tag in link.tags}),
        is_again=is_again,
    )


async def _codes(unit: Unit, links: Sequence[MadeLink]) -> dict[UUID, str]:
    """The seller's codes of what these links sell."""
    asked = {link.sku_id for link in links if link.sku_id is not None}
    return {sku_id: sku.seller_code for sku_id, sku in (await get_skus(unit, asked)).items()} if asked else {}
