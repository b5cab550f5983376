"""What the statement pages show."""

from __future__ import annotations

from datetime import datetime

from hutong.core.money import Money
from hutong.ledger.queries import PartyRow, StatementRow
from hutong.ledger.statement_seals import StatementSeal
from hutong.web.console.paging import Paging
from hutong.web.console.views import View


class StatementsView(View, frozen=True, kw_only=True):
    """The statements, and the form that draws one; ``first`` and ``last`` are the days the form begins with."""

    rows: tuple[StatementRow, ...]
    paging: Paging
    parties: tuple[PartyRow, ...]
    party: str
    first: str
    last: str


class StatementLine(View, frozen=True, kw_only=True):
    """A line: an order's sale or what a refund took back."""

    kind: str
    at: datetime
    number: int
    order_id: str
    order_no: str
    title: str
    earned: Money


class Finding(View, frozen=True, kw_only=True):
    """Something that was checked, and whether it is as it should be."""

    what: str
    holds: bool


class StatementView(View, frozen=True, kw_only=True):
    """One statement with its lines and its seal. ``findings`` of a check, which held ``root`` against the books."""

    statement: StatementRow
    lines: tuple[StatementLine, ...]
    paging: Paging
    seal: StatementSeal
    forms: tuple[str, ...]
    root: str = ""
    is_again: bool = False  # somebody wanted to draw it a second time
    findings: tuple[Finding, ...] = ()
