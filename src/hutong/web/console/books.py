"""The books: balances, statements, the journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from litestar import Controller, Response, get

from hutong.ledger import queries as ledger
from hutong.ledger.accounts import CLEARING_OUTSIDE, EXPENSE_COMMISSION, EXPENSE_WALLET_FEE, PARTY_PREFIX
from hutong.web.console.desk import ConsoleRequest, Desk
from hutong.web.console.paging import PAGE_ROWS, page_offset, paging
from hutong.web.console.views import AccountName, AccountRow, BatchRow, BooksView, LegRow, StatementRow
from hutong.web.labels import LABELS

_EXACT: Final = {EXPENSE_WALLET_FEE: "wallet_fee", EXPENSE_COMMISSION: "commission", CLEARING_OUTSIDE: "outside"}
_WITH_PLATFORM: Final = frozenset({"wallet", "receivable"})


class BooksController(Controller):
    """The books page."""

    path = "/books"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk, page: int = 1) -> Response[str]:
        """Balances, statements and the journal."""
        async with desk.unit(request, "console.books") as unit:
            parties = await ledger.party_names(unit)
            found = await ledger.batches_page(unit, limit=PAGE_ROWS, offset=page_offset(page))
            view = BooksView(
                accounts=tuple(
                    AccountRow(account=account_name(row.path, parties), balance=row.balance)
                    for row in await ledger.balances(unit)
                ),
                sums=await ledger.book_sums(unit),
                batches=tuple(_batch(row, parties) for row in found.rows),
                paging=paging("/books", {}, page=page, total=found.total, shown=len(found.rows)),
                statements=tuple(
                    StatementRow(
                        party=row.party_name,
                        period_start_at=row.period_start_at,
                        period_end_at=row.period_end_at,
                        earned=row.earned,
                        reversed=-row.reversed,
                        net=row.net,
                    )
                    for row in await ledger.statements(unit)
                ),
            )
            return await desk.page(request, unit, "console/books.html", view)


def account_name(path: str, parties: Mapping[UUID, str]) -> AccountName:
    """An account path in words: what kind of account, of which platform or party."""
    root, _, rest = path.partition(":")
    label = _EXACT.get(path, root if root in LABELS["account"] else "other")
    platform = rest.partition(":")[0] if root in _WITH_PLATFORM else ""
    party = ""
    if path.startswith(PARTY_PREFIX):
        party = next((name for key, name in parties.items() if str(key) == path.removeprefix(PARTY_PREFIX)), "")
    return AccountName(path=path, label=label, platform=platform, party=party or (path if label == "other" else ""))


def _batch(row: ledger.BatchRow, parties: Mapping[UUID, str]) -> BatchRow:
    return BatchRow(
        event_at=row.event_at,
        kind=row.kind,
        number=row.sequence,
        order_id=str(row.subject_id) if row.subject_kind == "order" else "",
        legs=tuple(
            LegRow(
                account=account_name(leg.path, parties),
                debit=leg.amount if leg.amount.amount_minor > 0 else None,
                credit=-leg.amount if leg.amount.amount_minor < 0 else None,
            )
            for leg in row.legs
        ),
    )
