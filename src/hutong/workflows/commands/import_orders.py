"""Import order files: all of them in one transaction, each order once, every row accounted for.

Rows read = imported + rejected + merged:

- imported: the row made a line, or an order that has no lines;
- rejected: the row was not taken, for a reason that the report tells (totals at the foot too);
- merged: the row's facts joined an order or line that another row, or an earlier import, had made. An order's own
  row beside its lines is merged, and so is everything when the same file comes again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import tzinfo
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Final, TextIO
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from hutong.core.errors import InvalidInput, PlatformNotThere
from hutong.core.money import MINOR_DIGITS
from hutong.db.unit import Unit
from hutong.merchants.connections import Mode, list_connections, open_credentials
from hutong.merchants.service import HOME_ZONE, get_merchant
from hutong.platforms.files import FileContext, OrderFiles
from hutong.platforms.registry import Registry
from hutong.platforms.tables.cells import CHINA
from hutong.shops.events import OrdersImported
from hutong.shops.imports import Shop, begin_import, note_import
from hutong.workflows.commands.import_reading import (
    ImportProgress,
    ProgressSink,
    Reading,
    RefusalReport,
    RefusalSink,
)
from hutong.workflows.commands.import_spill import Spill
from hutong.workflows.commands.import_writing import Writing
from hutong.workflows.commands.open_shop import NewShop, found_shop
from hutong.workflows.runtime import Runtime

FILES_MAX: Final = 200
#: Digits that the total may have; refused rows may hold absurd figures and still have to be added up.
TOTAL_DIGITS: Final = 60


class ImportSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of an import; its JSON is the last line that the command prints.

    ``orders`` counts distinct order numbers (documents) among the accepted rows, cancellations included; ``refunds``
    the rows that give money back (lines of cancellations, refunded lines). ``total`` is the sum of quantity × unit
    price over all rows read, refused ones too, as decimal text; an order whose lines are not in the files adds what
    its goods cost, once.
    ``refunds_cut`` counts orders whose refund in the files is larger than what was paid: taken as refunded whole.
    ``orders_pending`` of the orders have no state in the files, or one that is not known here: they count as unpaid
    until a file or the platform says more, but for the ``orders_kept`` of them that were known before and stay as they
    are. ``states_unknown``: the words, as far as they are told. ``lacking_columns``: what would have told the states,
    as ``table: column``.
    """

    rows_read: int
    imported: int
    rejected: int
    merged: int
    orders: int
    refunds: int
    lines_without_customer: int
    total: str
    seconds: float
    currency: str
    orders_new: int
    orders_changed: int
    orders_pending: int
    orders_kept: int
    states_unknown: tuple[str, ...]
    lacking_columns: tuple[str, ...]
    refund_documents: int
    refunds_cut: int
    negative_lines: int
    rejected_by_reason: dict[str, int]
    dry_run: bool

    @property
    def is_all_refused(self) -> bool:
        """Whether there were rows and none of them was taken."""
        return 0 < self.rows_read == self.rejected


class _RolledBack(Exception):
    """A dry run, or the first import of nothing, ends here: the transaction goes, the figures stay."""


async def import_orders(
    runtime: Runtime,
    merchant_id: UUID,
    paths: Sequence[Path],
    platform: str,
    currency: str,
    dry_run: bool,
    progress: ProgressSink,
    *,
    report: TextIO | None = None,
    on_refused: RefusalSink | None = None,
    day_first: bool = False,
    founding: NewShop | None = None,
) -> ImportSummary:
    """Import files of one platform; atomically: an error leaves nothing behind.

    ``report``: a CSV of the refused rows is written there. ``on_refused`` is told of each, while files are read in a
    thread of their own, as ``progress`` is. ``founding``: the merchant does not exist yet; it is made in the
    transaction of what the files hold: not for files that are broken, nor where all rows are refused.

    Raises:
        PlatformNotThere: no such platform, or it has no order files.
        InvalidInput: the currency is unknown, or a file cannot be read (``FileRefused``).
        CurrencyMismatch: an order is known in another currency.
    """
    assert founding is None or founding.merchant_id == merchant_id, "whoever is founded owns what is imported"
    started = time.monotonic()
    files = order_files_of(runtime.registry, platform)
    _refuse_input(paths, currency)
    async with runtime.unit(merchant_id, "import.shop") as unit:
        zone = _zone(HOME_ZONE if founding else (await get_merchant(unit)).timezone)
        shop = await _shop_of(runtime, unit, platform)
    context = FileContext(currency=currency, zone=zone, day_first=day_first)
    refusals = RefusalReport(report, on_refused)
    with Spill() as spill:
        reading = Reading(spill, refusals, progress)
        await asyncio.to_thread(reading.read, paths, files, platform, context)
        writing = Writing(runtime, shop, currency, reading)
        try:
            async with runtime.unit(merchant_id, "import.write") as unit:
                if founding is not None and not dry_run:
                    await found_shop(runtime, unit, founding)
                await begin_import(unit)
                for batch in spill.batches():
                    await writing.take(unit, batch)
                    progress(ImportProgress(stage="writing", rows=writing.rows, of_rows=reading.rows_read))
                summary = _summary(writing, reading, refusals, time.monotonic() - started, dry_run=dry_run)
                if dry_run or (founding is not None and summary.is_all_refused):
                    raise _RolledBack
                names = ", ".join(path.name for path in paths)
                import_id = await note_import(unit, platform, names, msgspec.json.encode(summary))
                if writing.orders_new or writing.orders_changed or writing.orders_tied:
                    unit.emit(
                        OrdersImported(
                            import_id=import_id,
                            source=platform,
                            orders_new=writing.orders_new,
                            orders_changed=writing.orders_changed,
                        )
                    )
        except _RolledBack:
            pass
    return summary


def order_files_of(registry: Registry, platform: str) -> OrderFiles:
    """What reads the platform's order files.

    Raises:
        PlatformNotThere: no such platform, or it has no order files.
    """
    readers = {each.name: each.order_files for each in registry.all() if each.order_files is not None}
    files = readers.get(platform)
    if files is None:
        raise PlatformNotThere(key=platform, known=", ".join(readers))
    return files


def _refuse_input(paths: Sequence[Path], currency: str) -> None:
    if currency not in MINOR_DIGITS:
        raise InvalidInput(field="currency", problem=currency)
    if not 0 < len(paths) <= FILES_MAX:
        raise InvalidInput(field="files", problem=f"1–{FILES_MAX}")


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        if name == str(CHINA):  # a machine without zone data still knows China's
            return CHINA
        raise InvalidInput(field="timezone", problem=name) from None


async def _shop_of(runtime: Runtime, unit: Unit, platform: str) -> Shop:
    """The merchant's one live shop on the platform, so that pulls and files mean the same order; else none."""
    live = [view for view in await list_connections(unit, platform) if view.mode is Mode.LIVE]
    if len(live) != 1:
        return Shop(platform=platform)
    credentials = await open_credentials(unit, runtime.vault, live[0].connection_id)
    return Shop(platform=platform, shop_ref=credentials.get("shop_id", ""))


def _summary(
    writing: Writing, reading: Reading, refusals: RefusalReport, seconds: float, *, dry_run: bool
) -> ImportSummary:
    with localcontext() as context:
        context.prec = TOTAL_DIGITS
        total = writing.total + reading.total_of_unknown
        whole = total.quantize(Decimal(1).scaleb(-MINOR_DIGITS[writing.currency]))
        total_text = f"{whole if whole == total else total.normalize():f}"
    return ImportSummary(
        rows_read=reading.rows_read,
        imported=writing.imported,
        rejected=reading.rejected,
        merged=writing.merged,
        orders=writing.orders,
        refunds=writing.refunds,
        lines_without_customer=writing.without_customer,
        total=total_text,
        seconds=round(seconds, 3),
        currency=writing.currency,
        orders_new=writing.orders_new,
        orders_changed=writing.orders_changed,
        orders_pending=writing.pending,
        orders_kept=writing.kept,
        states_unknown=tuple(sorted(writing.unknown_states)),
        lacking_columns=tuple(f"{table}: {column}" for table, column in sorted(reading.lacking)),
        refund_documents=writing.refund_documents,
        refunds_cut=writing.refunds_cut,
        negative_lines=writing.negative_lines,
        rejected_by_reason=refusals.by_reason,
        dry_run=dry_run,
    )
