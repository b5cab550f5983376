"""The first half of an import: read the files, put good rows down, report the others, count both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, TextIO

import msgspec

from hutong.platforms.files import FileContext, FileLine, OrderFiles, RowRefused
from hutong.platforms.shops import ShopOrderStatus
from hutong.platforms.tables.export import csv_lines
from hutong.platforms.tables.headers import as_written
from hutong.platforms.tables.reader import tables
from hutong.platforms.tables.reasons import reason_text
from hutong.workflows.commands.import_spill import Spill

#: Major units of one line; no sale is larger, and sums of any file stay within a bigint.
LINE_AMOUNT_MAX: Final = Decimal(10) ** 10
LINE_KEY_CHARS_MAX: Final = 128
BUYER_BYTES_MAX: Final = 512
#: The key of a refused row that is a line and not an order; it is never stored.
REFUSED_LINE: Final = "refused"
PROGRESS_ROWS: Final = 5_000
REPORT_HEADER: Final = ("文件 file", "行 row", "原因", "reason")


class ImportProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far an import is. ``stage``: ``reading``, then ``writing``."""

    stage: str
    rows: int
    of_rows: int | None = None
    table: str = ""
    unused_columns: tuple[str, ...] = ()
    lacking_columns: tuple[str, ...] = ()


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was not taken, with the reason in both languages; ``reason`` and ``values`` for further ones."""

    table: str
    row_no: int
    reason: str
    values: Mapping[str, str]
    zh: str
    en: str


ProgressSink = Callable[[ImportProgress], None]
RefusalSink = Callable[[Refusal], None]


class RefusalReport:
    """What was not taken and why: a CSV, a listener, and the number of rows for each reason."""

    def __init__(self, out: TextIO | None, listener: RefusalSink | None) -> None:
        self._out = out
        self._listener = listener
        self._has_header = False
        self.by_reason: dict[str, int] = {}

    def add(self, table: str, row_no: int, reason: str, values: Mapping[str, str]) -> None:
        """Note a refused row."""
        self.by_reason[reason] = self.by_reason.get(reason, 0) + 1
        told = Refusal(
            table=table,
            row_no=row_no,
            reason=reason,
            values=values,
            zh=reason_text(reason, values, "zh-Hans"),
            en=reason_text(reason, values, "en"),
        )
        if self._listener is not None:
            self._listener(told)
        if self._out is None:
            return
        lines = csv_lines(REPORT_HEADER, [(told.table, told.row_no, told.zh, told.en)])
        header = next(lines)
        if not self._has_header:
            self._out.write(header)
            self._has_header = True
        self._out.writelines(lines)


class Reading:
    """Reads files into a spill."""

    def __init__(self, spill: Spill, report: RefusalReport, progress: ProgressSink) -> None:
        self._spill = spill
        self._report = report
        self._progress = progress
        self.tables: list[str] = []
        self.lacking: set[tuple[str, str]] = set()  # table and column
        self.rows_read = 0
        self.rejected = 0
        self._has_lines = False
        self._lines_of_unknown = Decimal(0)
        self._wholes_of_unknown = Decimal(0)

    def read(self, paths: Sequence[Path], files: OrderFiles, platform: str, context: FileContext) -> None:
        """All tables of all files.

        Raises:
            FileRefused: a file as a whole cannot be read; then nothing is to be written.
        """
        for path in paths:
            for table in tables(path, files, platform):
                self.tables.append(table.name)
                unused = tuple(as_written(table.header, column) for column in files.unused(table.header))
                lacking = tuple(files.lacking(table.header))
                self.lacking.update((table.name, column) for column in lacking)
                self._tell(table.name, unused, lacking)
                for found in files.read(table.header, table.rows, context):
                    self._take(len(self.tables) - 1, found, table.header)
                    if self.rows_read % PROGRESS_ROWS == 0:
                        self._tell(table.name)
                self._tell(table.name)

    @property
    def total_of_unknown(self) -> Decimal:
        """What rows of unknown orders list. The sum of a whole one counts only where no file has lines: with a file of
        lines the same money stands there, and a damaged number cannot tell which of them it is.
        """
        return self._lines_of_unknown + (Decimal(0) if self._has_lines else self._wholes_of_unknown)

    def refuse(self, table: int, row_no: int, reason: str, values: Mapping[str, str]) -> None:
        """Count a row as rejected, now or later."""
        self.rejected += 1
        self._report.add(self.tables[table], row_no, reason, values)

    def _take(self, table: int, found: FileLine | RowRefused, header: Sequence[str]) -> None:
        self.rows_read += 1
        if isinstance(found, RowRefused):
            column = found.values.get("column", "")
            values = {**found.values, "column": as_written(header, column)} if column else found.values
            self.refuse(table, found.row_no, found.reason, values)
            self._keep_refused(table, found)
            return
        self._has_lines = self._has_lines or bool(found.line_key)
        reason = unfit(found)
        if reason:
            self.refuse(table, found.row_no, reason, {"column": found.line_key[:40]})
        self._spill.add(table, found, is_refused=bool(reason))

    def _keep_refused(self, table: int, row: RowRefused) -> None:
        """What a refused row lists is counted with the other rows of its order."""
        if row.order_no:
            line = FileLine(
                row_no=row.row_no,
                order_no=row.order_no,
                line_key="" if row.is_whole else REFUSED_LINE,
                status=ShopOrderStatus.PENDING.value,
                raw_status="",
                created_at=None,
                list_total=row.list_total,
            )
            self._spill.add(table, line, is_refused=True)
        elif row.is_whole:
            self._wholes_of_unknown += row.list_total
        else:
            self._lines_of_unknown += row.list_total
        self._has_lines = self._has_lines or bool(row.list_total and not row.is_whole)

    def _tell(self, table: str, unused: tuple[str, ...] = (), lacking: tuple[str, ...] = ()) -> None:
        self._progress(
            ImportProgress(
                stage="reading", rows=self.rows_read, table=table, unused_columns=unused, lacking_columns=lacking
            )
        )


def unfit(line: FileLine) -> str:
    """Why a row cannot be stored, though it could be read; empty where it can."""
    amounts = (line.amount, line.unit_price, line.order_total, line.order_paid, line.line_paid, line.freight)
    if any(amount is not None and abs(amount) > LINE_AMOUNT_MAX for amount in (*amounts, line.refunded)):
        return "amount_too_large"
    if len(line.line_key) > LINE_KEY_CHARS_MAX or len(line.buyer_ref.encode()) > BUYER_BYTES_MAX:
        return "cell_too_long"
    return ""
