"""What a wallet says of an order or a refund, held against what we know: in one way, by whichever door it came.

A notice, the answer to a query, a close, a charge or a refund: what does not fit pays nothing and gives nothing back.
It gets one ticket and, for a sum, one suspense entry, however often and by however many doors it is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.money import SUM_MINOR_MAX, Money
from hutong.db.unit import Unit
from hutong.merchants.tickets import Severity, TicketKind, has_ticket, open_ticket
from hutong.payments.events import NoticeMismatched
from hutong.payments.refunds import RefundView
from hutong.payments.service import AttemptView
from hutong.platforms.payments import RefundReport, TradeReport, TradeStatus
from hutong.workflows.runtime import OpenedAccount

PAID: Final = frozenset({TradeStatus.PAID, TradeStatus.REFUNDED})
#: In the details of a ticket: the wallet said it when it was asked, not by itself.
ANSWER: Final = {"told_by": "answer"}


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of a number and does not fit. ``notice_id``: None for an answer to a question of ours."""

    opened: OpenedAccount
    notice_id: str | None
    number: str
    field: str
    amount: Money | None
    order_id: UUID | None = None  # where the number is that of an order of ours

    def source(self) -> str:
        """The wallet's own id of the notice; of an answer the same whenever it says the same."""
        if self.notice_id is not None:
            return self.notice_id
        told = "" if self.amount is None else f"{self.amount.amount_minor}{self.amount.currency}"
        return f"answer:{self.number}:{self.field}:{told}"


def foreign_owner(opened: OpenedAccount, owner: Mapping[str, str]) -> str | None:
    """The first account id of a report that is not ours, or None; one the account may leave out is not compared."""
    for name, value in sorted(owner.items()):
        ours = opened.account.credentials.get(name)
        if ours != value and not (not ours and name in opened.connector.optional_fields):
            return name
    return None


def foreign_trade(
    opened: OpenedAccount, attempt: AttemptView | None, report: TradeReport, known_transaction_id: str = ""
) -> str | None:
    """What of a report does not fit the attempt it names, or None.

    The mark tells an order from any other of the same amount; a wallet takes one order's money once, so a second
    transaction number belongs to something else. Sums are compared where money is said to have come, and are told.
    """
    owner = foreign_owner(opened, report.owner)
    if owner is not None:
        return owner
    if attempt is None or attempt.connection_id != opened.connection.connection_id:
        return "out_trade_no"
    if report.attach and report.attach != attempt.payment_id.hex:
        return "out_trade_no"
    if report.status not in PAID:
        return None
    known = attempt.transaction_id or known_transaction_id
    if known and report.transaction_id != known:
        return "transaction_id"
    return None if report.amount is None else wrong_money(report.amount, attempt.amount)


def foreign_refund(opened: OpenedAccount, refund: RefundView | None, report: RefundReport) -> str | None:
    """What of a report does not fit the refund it names, or None."""
    owner = foreign_owner(opened, report.owner)
    if owner is not None:
        return owner
    if refund is None or refund.connection_id != opened.connection.connection_id:
        return "out_refund_no"
    if report.out_trade_no is not None and report.out_trade_no != refund.out_trade_no:
        return "out_trade_no"
    return None if report.amount is None else wrong_money(report.amount, refund.amount)


def wrong_money(told: Money, expected: Money) -> str | None:
    """Which part of a sum is another one, or None."""
    if told.currency != expected.currency:
        return "currency"
    return None if told == expected else "amount"


async def tell_mismatch(unit: Unit, claim: Claim) -> None:
    """A ticket and, for a sum that can be, a suspense entry, once; a person decides.

    A notice that comes again is the same, and so is an answer, also one that says what a notice has said.
    """
    amount = claim.amount
    if amount is not None and not 0 < amount.amount_minor <= SUM_MINOR_MAX:
        amount = None  # it gets its ticket, but the books do not reckon with it
    connection = claim.opened.connection
    told = NoticeMismatched(
        notice_id=claim.source(),
        connection_id=connection.connection_id,
        platform=connection.platform,
        out_trade_no=claim.number,
        field=claim.field,
        amount_minor=0 if amount is None else amount.amount_minor,
        currency="CNY" if amount is None else amount.currency,
        received_at=unit.now(),
    )
    details: dict[str, str | int] = {
        "platform": told.platform,
        "field": told.field,
        "out_trade_no": told.out_trade_no,
        "amount_minor": told.amount_minor,
        "currency": told.currency,
    }
    is_answer = claim.notice_id is None
    if await has_ticket(unit, TicketKind.NOTICE_MISMATCHED, details if is_answer else details | ANSWER):
        return
    is_news = await open_ticket(
        unit,
        TicketKind.NOTICE_MISMATCHED,
        Severity.URGENT,
        subject=("notice", told.notice_id) if claim.order_id is None else ("order", str(claim.order_id)),
        details=details | ANSWER if is_answer else details,
        dedupe_key=f"{connection.connection_id.hex}:{told.notice_id}",
    )
    if is_news:
        unit.emit(told)
