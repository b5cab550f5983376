"""What the bills pages show."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from hutong.core.money import Money
from hutong.payments.bill_queries import BillDay, Difference
from hutong.web.console.paging import Paging
from hutong.web.console.views import View


class BillAccount(View, frozen=True, kw_only=True):
    """A wallet account whose bills are read; ``title`` only where somebody gave it a name of its own."""

    connection_id: UUID
    platform: str
    title: str
    mode: str = ""


class BillDate(View, frozen=True, kw_only=True):
    """A day with the bill of each account, in the accounts' order; None: it was not waited for."""

    day: date
    bills: tuple[BillDay | None, ...]


class BillsView(View, frozen=True, kw_only=True):
    """A month of bills. ``off``: what the open differences of the month are about."""

    accounts: tuple[BillAccount, ...]
    days: tuple[BillDate, ...]
    month: str
    month_before: str
    month_after: str  # empty: it has not begun
    agreed_count: int
    open_count: int
    waiting_count: int
    off: Money


class BillView(View, frozen=True, kw_only=True):
    """One account's day and what differs in it. ``reason``: why the last try failed, where there are words for it."""

    account: BillAccount
    bill: BillDay
    reason: str
    differences: tuple[Difference, ...]
    kinds: dict[str, int]  # of the open ones, how many of each
    staff: dict[str, str]
    paging: Paging
    asked: bool
