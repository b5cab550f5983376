"""What a wallet says of an order or a refund, held against what we know: in one way, by whichever door it came.

A notice, the answer to a query, a close, a charge or a refund: what does not fit pays nothing and gives nothing back.
It gets one ticket and, for a sum, one suspense entry, however often and by however many doors it is said; a notice of
the same sum that does not fit for another reason gets a ticket of its own, and the sum stays in suspense once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid5

import msgspec

from hutong.core.money import SUM_MINOR_MAX, Money
from hutong.db.unit import Unit
from hutong.merchants.tickets import SUSPENSE_ID, Severity, TicketKind, has_ticket, open_ticket, tell_again
from hutong.payments.events import NoticeMismatched
from hutong.payments.refunds import RefundView
from hutong.payments.service import AttemptView, find_attempts
from hutong.payments.states import AttemptState, SuspenseState
from hutong.payments.suspense import ROUNDS_MAX, SuspenseView, add_suspense, point_to_ticket, same_money
from hutong.payments.suspense_decisions import AT_OUR_ACCOUNT
from hutong.platforms.payments import RefundReport, TradeReport, TradeStatus
from hutong.workflows.jobs import CHECK_CLOSED, ClosedKey
from hutong.workflows.runtime import OpenedAccount

PAID: Final = frozenset({TradeStatus.PAID, TradeStatus.REFUNDED})
#: In the details of a ticket: the wallet said it when it was asked, not by itself.
ANSWER: Final = {"told_by": "answer"}
#: In the details of a ticket: the sum is in suspense by another one, under this id.
SAME_MONEY: Final = "same_money_as"


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of a number and does not fit. ``notice_id``: None for an answer to a question of ours."""

    opened: OpenedAccount
    notice_id: str | None
    number: str
    field: str
    amount: Money | None
    transaction_id: str = ""  # the wallet's own number, where it told one
    order_id: UUID | None = None  # where the number is that of an order of ours
    is_gone: bool = False  # the money came, and all of it or a part went back

    def source(self) -> str:
        """The wallet's own id of the notice; of an answer the same whenever it says the same."""
        if self.notice_id is not None:
            return self.notice_id
        told = "" if self.amount is None else f"{self.amount.amount_minor}{self.amount.currency}"
        by = f":{self.transaction_id}" if self.transaction_id else ""
        return f"answer:{self.number}:{self.field}:{told}{by}"


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
    if attempt is None or attempt.asked_at_id != opened.connection.connection_id:
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


def at_receiver(opened: OpenedAccount, attempt: AttemptView | None) -> OpenedAccount:
    """Where the money of an attempt is: a part of a combined order may be told by one account and paid to another."""
    if attempt is None or attempt.asked_at_id != opened.connection.connection_id:
        return opened
    there = msgspec.structs.replace(opened.connection, connection_id=attempt.connection_id)
    return msgspec.structs.replace(opened, connection=there)


def wrong_money(told: Money, expected: Money) -> str | None:
    """Which part of a sum is another one, or None."""
    if told.currency != expected.currency:
        return "currency"
    return None if told == expected else "amount"


async def tell_mismatch(unit: Unit, claim: Claim) -> bool:
    """A ticket and, for a sum that can be, a suspense entry, once; a person decides. False where one has decided.

    A notice that comes again is the same, and so is an answer, also one that says what a notice has said; and so is
    either after the decision. Only an answer that finds what was written off as never come is news again; after such a
    notice the wallet is asked.
    """
    amount = claim.amount
    if amount is not None and not 0 < amount.amount_minor <= SUM_MINOR_MAX:
        amount = None  # it gets its ticket, but the books do not reckon with it
    if amount is None:
        await _tell_without_sum(unit, claim)
        return True
    known = await same_money(unit, claim.opened.connection.connection_id, claim.number, amount, claim.transaction_id)
    if known is not None and not known.never_came:
        if claim.notice_id is not None and claim.field != known.field:
            await _tell_also(unit, claim, known)
        return known.state is SuspenseState.OPEN
    if known is not None and claim.notice_id is not None:
        if known.attempt_id is not None:
            asked = ClosedKey(known.attempt_id, 0)
            unit.schedule(CHECK_CLOSED, asked, dedupe_key=f"told:{known.attempt_id.hex}")
        return False
    if known is not None and not await _is_news(unit, claim, known):
        return False
    round_no = 0 if known is None else known.round_no + 1
    if round_no > ROUNDS_MAX:
        return False
    await _put_in_suspense(unit, claim, amount, round_no)
    return True


async def _is_news(unit: Unit, claim: Claim, known: SuspenseView) -> bool:
    """Whether an answer says of a sum that was written off as not there that it is there after all."""
    if claim.is_gone or (claim.field == known.field and claim.field not in AT_OUR_ACCOUNT):
        return False
    attempt = (await find_attempts(unit, [claim.number])).get(claim.number)
    return attempt is None or attempt.state is not AttemptState.PAID


async def _put_in_suspense(unit: Unit, claim: Claim, amount: Money, round_no: int) -> None:
    told = _told(unit, claim, amount, round_no)
    attempt = (await find_attempts(unit, [claim.number])).get(claim.number)
    if attempt is not None and attempt.connection_id != told.connection_id:
        attempt = None
    view = SuspenseView(
        suspense_id=suspense_id_of(told.connection_id, told.notice_id),
        ticket_id=unit.new_id(),
        connection_id=told.connection_id,
        platform=told.platform,
        number=claim.number,
        transaction_id=claim.transaction_id,
        round_no=round_no,
        field=claim.field,
        attempt_id=None if attempt is None else attempt.attempt_id,
        payment_id=None if attempt is None else attempt.payment_id,
        order_id=None if attempt is None else attempt.order_id,
        amount=amount,
        expected=None if attempt is None else attempt.amount,
        state=SuspenseState.OPEN,
        is_proved=None,
        actor="",
        reason="",
        refund_id=None,
        opened_at=unit.now(),
        decided_at=None,
        ended_at=None,
    )
    if not await add_suspense(unit, view):
        return
    details = _details(told) | {SUSPENSE_ID: str(view.suspense_id)}
    if await _open_ticket(unit, claim, told, details, view.ticket_id):
        unit.emit(told)
        return
    was_booked = await has_ticket(unit, TicketKind.NOTICE_MISMATCHED, _details(told))
    ticket_id = await tell_again(unit, TicketKind.NOTICE_MISMATCHED, _ticket_key(told), details)
    await point_to_ticket(unit, view.suspense_id, ticket_id)
    if not was_booked:
        unit.emit(told)


async def _tell_without_sum(unit: Unit, claim: Claim) -> None:
    told = _told(unit, claim, None, 0)
    details = _details(told)
    is_answer = claim.notice_id is None
    if await has_ticket(unit, TicketKind.NOTICE_MISMATCHED, details if is_answer else details | ANSWER):
        return
    if await _open_ticket(unit, claim, told, details, None):
        unit.emit(told)


async def _tell_also(unit: Unit, claim: Claim, known: SuspenseView) -> None:
    """The same money is spoken of again, and something else of it does not fit: said once, without a sum to book."""
    told = _told(unit, claim, None, 0)
    money: dict[str, str | int] = {"amount_minor": known.amount.amount_minor, "currency": known.amount.currency}
    details = {**_details(told), **money, SAME_MONEY: str(known.suspense_id)}
    if await has_ticket(unit, TicketKind.NOTICE_MISMATCHED, details):
        return
    if await _open_ticket(unit, claim, told, details, None):
        unit.emit(told)


async def _open_ticket(
    unit: Unit, claim: Claim, told: NoticeMismatched, details: Mapping[str, str | int], ticket_id: UUID | None
) -> bool:
    return await open_ticket(
        unit,
        TicketKind.NOTICE_MISMATCHED,
        Severity.URGENT,
        subject=("notice", told.notice_id) if claim.order_id is None else ("order", str(claim.order_id)),
        details={**details, **ANSWER} if claim.notice_id is None else details,
        dedupe_key=_ticket_key(told),
        ticket_id=ticket_id,
    )


def _ticket_key(told: NoticeMismatched) -> str:
    return f"{told.connection_id.hex}:{told.notice_id}"


def suspense_id_of(connection_id: UUID, notice_id: str) -> UUID:
    """Under which id the books and the desk know what was told."""
    return uuid5(connection_id, notice_id)


def _told(unit: Unit, claim: Claim, amount: Money | None, round_no: int) -> NoticeMismatched:
    connection = claim.opened.connection
    return NoticeMismatched(
        notice_id=f"{claim.source()}:{round_no}" if round_no else claim.source(),
        connection_id=connection.connection_id,
        platform=connection.platform,
        out_trade_no=claim.number,
        field=claim.field,
        amount_minor=0 if amount is None else amount.amount_minor,
        currency="CNY" if amount is None else amount.currency,
        received_at=unit.now(),
    )


def _details(told: NoticeMismatched) -> dict[str, str | int]:
    return {
        "platform": told.platform,
        "field": told.field,
        "out_trade_no": told.out_trade_no,
        "amount_minor": told.amount_minor,
        "currency": told.currency,
    }
