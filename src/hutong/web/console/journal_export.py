"""The journal as a table to keep: one row a leg, every cell safe to open in a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import ErrorText, HutongError
from hutong.db.unit import Unit
from hutong.ledger.queries import PAGE_ROWS_MAX, BatchRow, JournalFilter, batches_page
from hutong.platforms.tables.export import Cell, csv_lines, decimal_of_money
from hutong.shops.names import OrderName, order_names
from hutong.web.console.book_views import AccountName
from hutong.web.console.book_words import account_name
from hutong.web.format import Formats
from hutong.web.labels import label_of, mark

#: Batches of one file: what fits into the time of one request.
EXPORT_BATCHES_MAX: Final = 20_000
HEADER: Final = (
    mark("批次"),
    mark("时间"),
    mark("事由"),
    mark("订单号"),
    mark("科目"),
    mark("借"),
    mark("贷"),
    mark("币种"),
    mark("哈希"),
)


class ExportTooLarge(HutongError):
    """More of the journal was asked for than one file takes."""

    code = "export_too_large"
    status = 422
    zh = ErrorText("要导出的流水太多（{batches} 批）。", "一个文件最多 {most} 批。", "请选短一些的日期，分几次导出。")
    en = ErrorText(
        "That is too much for one file ({batches} batches).",
        "A file takes {most} batches at most.",
        "Choose fewer days and export in parts.",
    )


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """How the reader calls things."""

    formats: Formats
    translate: Callable[[str], str]
    parties: Mapping[UUID, str]


async def journal_csv(unit: Unit, wanted: JournalFilter, words: Words) -> str:
    """The batches of a filter as CSV, the latest first; what is only reserved is left out.

    Raises:
        ExportTooLarge: more than one file takes.
    """
    batches: list[BatchRow] = []
    names: dict[UUID, OrderName] = {}
    while True:  # ends with the last page, or with a refusal
        page = await batches_page(unit, wanted, limit=PAGE_ROWS_MAX, offset=len(batches))
        if page.total > EXPORT_BATCHES_MAX:
            raise ExportTooLarge(batches=page.total, most=EXPORT_BATCHES_MAX)
        batches += page.rows
        names |= await order_names(unit, [row.subject_id for row in page.rows])
        if len(batches) >= page.total or not page.rows:
            break
    header = [words.translate(title) for title in HEADER]
    return "".join(csv_lines(header, _rows(batches, names, words)))


def _rows(batches: list[BatchRow], names: Mapping[UUID, OrderName], words: Words) -> Iterator[list[Cell]]:
    for batch in batches:
        kind = words.translate(label_of("book_kind", batch.kind))
        order_no = names.get(batch.subject_id, OrderName()).order_no
        for leg in batch.postings:
            amount = leg.amount
            yield [
                batch.sequence,
                words.formats.second(batch.event_at),
                kind,
                order_no,
                _account(account_name(leg.path, words.parties), words.translate),
                decimal_of_money(amount) if amount.amount_minor > 0 else None,
                decimal_of_money(-amount) if amount.amount_minor < 0 else None,
                amount.currency,
                batch.hash.hex(),
            ]


def _account(account: AccountName, translate: Callable[[str], str]) -> str:
    parts = [translate(label_of("account", account.label))]
    if account.platform:
        parts.append(translate(label_of("platform", account.platform)))
    if account.party:
        parts.append(account.party)
    return " · ".join(parts)
