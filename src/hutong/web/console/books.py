"""The pages of the books: what there is, how it came about, one batch in full, and all of it as a table to keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller, Response, get

from hutong.db.unit import Unit
from hutong.ledger import queries as ledger
from hutong.ledger.account_queries import BalanceRow, balances
from hutong.ledger.accounts import EXTERNAL_ROOT
from hutong.ledger.chain_queries import day_over
from hutong.ledger.equation import AccountGroup, equations, owners_view
from hutong.merchants.queries import this_merchant
from hutong.shops.names import orders_numbered
from hutong.web.console.book_views import (
    AccountChoice,
    AccountRow,
    AccountsView,
    BatchView,
    DayRow,
    Group,
    JournalFilters,
    JournalView,
    Sheet,
)
from hutong.web.console.book_words import account_name, batch_in_words, names_in_books
from hutong.web.console.desk import ConsoleRequest, Desk
from hutong.web.console.headers import CONSOLE_HEADERS
from hutong.web.console.journal_export import Words, journal_csv
from hutong.web.console.paging import PAGE_ROWS, page_offset, paging
from hutong.web.console.periods import day_of, days_between
from hutong.web.format import Formats, zone_of
from hutong.web.languages import locale_of

HASH_CHARS_SHOWN: Final = 12
#: Accounts of callers of the API on the balance sheet.
EXTERNAL_SHOWN_MAX: Final = 50
#: Digits of a batch number that a bigint certainly holds.
SEQUENCE_DIGITS_MAX: Final = 18


class BooksController(Controller):
    """The pages of the books."""

    path = "/books"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk, day: str = "") -> Response[str]:
        """Balances now, or at the end of a day."""
        async with desk.unit(request, "console.books") as unit:
            zone = zone_of((await this_merchant(unit)).timezone)
            today = unit.now().astimezone(zone).date()
            chosen = day_of(day)
            day = "" if chosen is None or chosen >= today else chosen.isoformat()
            _, until = days_between("", day, zone)
            rows = await balances(unit, until)
            parties = await names_in_books(unit)
            end = await ledger.chain_end(unit)
            view = AccountsView(
                sheets=sheets_of(rows, parties),
                day=day,
                today=today,
                batches=end.batches_count,
                chain_end=end.hash.hex()[:HASH_CHARS_SHOWN] if end.batches_count else "",
            )
            return await desk.page(request, unit, "console/accounts.html", view)

    @get("/journal")
    async def journal(
        self,
        request: ConsoleRequest,
        desk: Desk,
        kind: str = "",
        account: str = "",
        first: str = "",
        last: str = "",
        number: str = "",
        page: int = 1,
    ) -> Response[str]:
        """Every batch, the latest first, narrowed by the filters."""
        filters = JournalFilters(kind=kind, account=account, first=first, last=last, number=number.strip())
        async with desk.unit(request, "console.journal") as unit:
            zone = zone_of((await this_merchant(unit)).timezone)
            wanted = await journal_filter(unit, filters, zone)
            found = await ledger.batches_page(unit, wanted, limit=PAGE_ROWS, offset=page_offset(page))
            parties = await names_in_books(unit)
            kept = {name: getattr(filters, name) for name in JournalFilters.__struct_fields__}
            query = urlencode({name: value for name, value in kept.items() if value})
            view = JournalView(
                batches=tuple(batch_in_words(row, parties) for row in found.rows),
                paging=paging("/books/journal", kept, page=page, total=found.total, shown=len(found.rows)),
                filters=filters,
                kinds=await ledger.journal_kinds(unit),
                accounts=tuple(
                    AccountChoice(account=account_name(path, parties))
                    for path in choices_of(await balances(unit), filters.account)
                ),
                export_href=f"/books/journal.csv?{query}" if query else "/books/journal.csv",
            )
            return await desk.page(request, unit, "console/journal.html", view)

    @get("/journal.csv")
    async def export(
        self,
        request: ConsoleRequest,
        desk: Desk,
        kind: str = "",
        account: str = "",
        first: str = "",
        last: str = "",
        number: str = "",
    ) -> Response[str]:
        """The journal as a table, every cell safe to open in a spreadsheet.

        Raises:
            ExportTooLarge: more than one file takes.
        """
        filters = JournalFilters(kind=kind, account=account, first=first, last=last, number=number.strip())
        locale = locale_of(request)
        async with desk.unit(request, "console.export") as unit:
            zone = zone_of((await this_merchant(unit)).timezone)
            words = Words(
                formats=Formats(locale, zone),
                translate=desk.renderer.catalogues.of(locale).ugettext,
                parties=await names_in_books(unit),
            )
            text = await journal_csv(unit, await journal_filter(unit, filters, zone), words)
        name = f"hutong-journal-{desk.runtime.clock.now().astimezone(zone):%Y%m%d-%H%M}.csv"
        headers = {**CONSOLE_HEADERS, "content-disposition": f'attachment; filename="{name}"'}
        return Response(content=text, media_type="text/csv; charset=utf-8", headers=headers)

    @get("/batches/{sequence:int}")
    async def batch(self, request: ConsoleRequest, desk: Desk, sequence: int) -> Response[str]:
        """One batch."""
        async with desk.unit(request, "console.batch") as unit:
            row = await ledger.one_batch(unit, sequence)
            end = await ledger.chain_end(unit)
            day = await day_over(unit, sequence)
            view = BatchView(
                batch=batch_in_words(row, await names_in_books(unit)),
                recorded_at=row.recorded_at,
                hash=row.hash.hex(),
                totals=row.debits,
                previous=sequence - 1,
                next=sequence + 1 if sequence < end.batches_count else 0,
                day=None if day is None else DayRow(day=day.day, last_sequence=day.last_sequence, root=day.root.hex()),
            )
            return await desk.page(request, unit, "console/batch.html", view)


def sheets_of(rows: Sequence[BalanceRow], parties: Mapping[UUID, str]) -> tuple[Sheet, ...]:
    """Balances by currency and group, with the accounts by name."""
    return tuple(
        Sheet(
            equation=equation,
            groups=tuple(
                Group(
                    kind=group.kind,
                    total=group.total,
                    rows=tuple(
                        AccountRow(
                            account=account_name(row.path, parties),
                            balance=row.balance,
                            shown=owners_view(row.path, row.balance),
                        )
                        for row in _listed(group)
                    ),
                    is_cut=len(group.rows) > len(_listed(group)),
                )
                for group in equation.groups
            ),
        )
        for equation in equations(rows)
    )


def choices_of(rows: Sequence[BalanceRow], chosen: str) -> tuple[str, ...]:
    """Accounts that the journal can be narrowed to: each of the hub's own, and callers' accounts together.

    The one that is chosen is among them whatever it is.
    """
    paths = dict.fromkeys(
        EXTERNAL_ROOT if row.path.startswith(f"{EXTERNAL_ROOT}:") else row.path for row in rows if row.path != chosen
    )
    return (*paths, *([chosen] if chosen and chosen not in paths else ()))


def _listed(group: AccountGroup) -> tuple[BalanceRow, ...]:
    """The accounts of a group that a page lists: callers may keep thousands."""
    return group.rows[:EXTERNAL_SHOWN_MAX] if group.kind == EXTERNAL_ROOT else group.rows


async def journal_filter(unit: Unit, filters: JournalFilters, zone: ZoneInfo) -> ledger.JournalFilter:
    """What a form asks for: a number is a batch's where such a one may exist, else an order's."""
    since, until = days_between(filters.first, filters.last, zone)
    number = filters.number
    orders = await orders_numbered(unit, number) if number else None
    is_batch = not orders and number.isascii() and number.isdigit() and len(number) <= SEQUENCE_DIGITS_MAX
    return ledger.JournalFilter(
        kind=filters.kind,
        account=filters.account,
        since=since,
        until=until,
        sequence=int(number) if is_batch else None,
        subject_ids=None if is_batch else orders,
    )
