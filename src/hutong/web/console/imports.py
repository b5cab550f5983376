"""Order files: bringing them in by hand, with a report of what was not taken, and what was brought in before."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body

from hutong.core.errors import ErrorText, Forbidden, HutongError
from hutong.core.money import MINOR_DIGITS
from hutong.merchants.queries import this_merchant
from hutong.merchants.staff import Role
from hutong.platforms.tables.errors import HeaderNotFound
from hutong.platforms.tables.reasons import REASONS, filled
from hutong.shops.queries import ImportRow, past_imports
from hutong.web.console.desk import ConsoleRequest, Desk, session_of
from hutong.web.console.uploads import at_most, keep_upload
from hutong.web.console.views import ImportDoneView, ImportItem, ImportsView, RefusedRow
from hutong.web.i18n import Locale
from hutong.web.labels import label_of, mark
from hutong.web.languages import locale_of
from hutong.web.told import Told
from hutong.workflows.commands.import_orders import ImportSummary, import_orders
from hutong.workflows.commands.import_reading import ImportProgress, Refusal

#: What a browser may send at once; larger histories go by the command line, which streams.
UPLOAD_BYTES_MAX: Final = 32 * 1024 * 1024
FILES_MAX: Final = 10
#: The choice for files of no platform known here.
GENERIC: Final = "generic"
#: Refused rows that the page lists; the counts are of all.
REFUSED_SHOWN_MAX: Final = 100


class NoFile(HutongError):
    """The import form came without a file, or with too many."""

    code = "no_file"
    status = 400
    zh = ErrorText("没有收到可以导入的文件。", "没有选择文件，或一次选了太多。", "请选择一到十个订单文件再提交。")
    en = ErrorText("No file to import.", "None was chosen, or too many at once.", "Choose one to ten order files.")


class FileNotOfChoice(HutongError):
    """A file has no header of the platform that was chosen on the page."""

    code = "file_not_of_choice"
    status = 400
    zh = ErrorText(
        "文件“{name}”的前 {rows} 行里，没有“{choice}”的订单表头。", "平台选得不对，或导出时去掉了必要的列。", "{advice}"
    )
    en = ErrorText(
        "The first {rows} rows of “{name}” hold no header of “{choice}”.",
        "Another platform should be chosen, or needed columns were left out of the export.",
        "{advice}",
    )


class ImportForm(msgspec.Struct, frozen=True, kw_only=True):
    """The form: files of one platform, their currency, and whether only to try."""

    platform: str
    currency: str
    files: list[UploadFile]
    only_try: str = ""


class ImportsController(Controller):
    """The imports page."""

    path = "/imports"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk) -> Response[str]:
        """The form and the latest imports."""
        async with desk.unit(request, "console.imports") as unit:
            view = ImportsView(
                rows=tuple(_item(run) for run in await past_imports(unit)),
                platforms=tuple(each.name for each in desk.runtime.registry.all() if each.order_files is not None),
                currencies=tuple(sorted(MINOR_DIGITS)),
                currency=(await this_merchant(unit)).currency,
            )
            return await desk.page(request, unit, "console/imports.html", view)

    @post("/", request_max_body_size=UPLOAD_BYTES_MAX, status_code=200, guards=[at_most(UPLOAD_BYTES_MAX)])
    async def bring_in(
        self,
        request: ConsoleRequest,
        desk: Desk,
        data: Annotated[ImportForm, Body(media_type=RequestEncodingType.MULTI_PART)],
    ) -> Response[str]:
        """Import the files and tell how it went. All or nothing; the same files again change nothing."""
        session = session_of(request)
        if session.role not in (Role.OWNER, Role.MANAGER):
            raise Forbidden(scope="orders:write")
        refused: list[Refusal] = []

        def note(row: Refusal) -> None:
            if len(refused) < REFUSED_SHOWN_MAX:
                refused.append(row)

        with tempfile.TemporaryDirectory(prefix="hutong-import-") as folder:
            paths = await _keep(data.files, Path(folder))
            try:
                summary = await import_orders(
                    desk.runtime,
                    session.merchant_id,
                    paths,
                    data.platform,
                    data.currency,
                    data.only_try == "yes",
                    _unheard,
                    on_refused=note,
                )
            except HeaderNotFound as error:
                raise _not_of_choice(error) from error
        locale = locale_of(request)
        view = _done(summary, [_told(row, locale, desk) for row in refused], [path.name for path in paths])
        async with desk.unit(request, "console.import_done") as unit:
            return await desk.page(request, unit, "console/import_done.html", view)


def _unheard(_news: ImportProgress) -> None:
    """The browser waits for the whole answer; progress is for the command line."""


async def _keep(files: list[UploadFile], folder: Path) -> list[Path]:
    """The files on disk, under their own plain names.

    Raises:
        NoFile: there is none, or there are too many.
    """
    chosen = [file for file in files if file.filename]
    if not 0 < len(chosen) <= FILES_MAX:
        raise NoFile
    paths = []
    for number, file in enumerate(chosen):
        place = folder / str(number)
        place.mkdir()
        paths.append(await keep_upload(file, place))
    return paths


def _not_of_choice(error: HeaderNotFound) -> FileNotOfChoice:
    """The refusal in words of the page: there a platform is chosen from a list."""
    platform = str(error.details["platform"])
    if platform == GENERIC:
        choice = Told(mark("其他（通用表格）"))
        advice = Told(
            mark("请改选文件所属的平台；确实是其他表格时，表头要写明列名：时间、订单编号或客户、单价和数量（或金额）。")
        )
    else:
        choice = Told(label_of("platform", platform))
        advice = Told(mark("请在“哪个平台的文件”里改选文件所属的平台；不在列表里的选“其他（通用表格）”。"))
    return FileNotOfChoice(name=error.details["name"], rows=error.details["rows"], choice=choice, advice=advice)


def _told(row: Refusal, locale: Locale, desk: Desk) -> RefusedRow:
    """A refused row in the reader's language; of Traditional Chinese the catalogue has the reasons."""
    reason = row.zh if locale.startswith("zh") else row.en
    if locale == "zh-Hant":
        reason = filled(desk.renderer.catalogues.of(locale).ugettext(REASONS[row.reason].zh), row.values)
    return RefusedRow(table=row.table, row_no=row.row_no, reason=reason)


def _done(summary: ImportSummary, refused: list[RefusedRow], names: list[str]) -> ImportDoneView:
    return ImportDoneView(
        file_names=", ".join(names),
        rows_read=summary.rows_read,
        imported=summary.imported,
        merged=summary.merged,
        rejected=summary.rejected,
        orders_new=summary.orders_new,
        orders_changed=summary.orders_changed,
        orders_pending=summary.orders_pending - summary.orders_kept,
        orders_kept=summary.orders_kept,
        refunds_cut=summary.refunds_cut,
        states_unknown=summary.states_unknown,
        lacking_columns=summary.lacking_columns,
        total=summary.total,
        currency=summary.currency,
        dry_run=summary.dry_run,
        is_all_refused=summary.is_all_refused,
        refused=tuple(refused),
    )


def _item(run: ImportRow) -> ImportItem:
    rows_read, rejected = _count(run.figures, "rows_read"), _count(run.figures, "rejected")
    return ImportItem(
        run=run,
        rows_read=rows_read,
        imported=_count(run.figures, "imported"),
        rejected=rejected,
        merged=_count(run.figures, "merged"),
        orders=_count(run.figures, "orders"),
        total=str(run.figures.get("total", "")),
        currency=str(run.figures.get("currency", "")),
        is_all_refused=0 < rows_read == rejected,
    )


def _count(figures: dict[str, Any], name: str) -> int:
    value = figures.get(name, 0)
    return value if isinstance(value, int) else 0
