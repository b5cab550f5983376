"""One payment in full: its steps in order, its money, its lines in the books, what waits."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from hutong.core.money import Money
from hutong.db.outlook import next_due
from hutong.db.unit import Unit
from hutong.ledger.accounts import EXPENSE_WALLET_FEE
from hutong.ledger.queries import batches_about, order_effects
from hutong.merchants.queries import connections, staff_names, this_merchant, tickets_about
from hutong.merchants.staff import REFUND_ROLES
from hutong.payments.combined_queries import combined_of_payment
from hutong.payments.queries import AttemptRow, PaymentRow, one_payment
from hutong.payments.refunds import AUTOMATIC, REQUESTED, SENT_BACK
from hutong.payments.states import ASKABLE, UNPAID, AttemptState, RefundState
from hutong.shops.names import OrderName, order_names
from hutong.web.console.book_words import ORDER, batch_in_words, names_in_books
from hutong.web.console.desk import ConsoleRequest, Desk, session_of
from hutong.web.console.payment_views import AttemptItem, CombinedItem, PaymentItem, PaymentStep, PaymentView
from hutong.web.console.refunding import may_refund
from hutong.web.console.ticket_items import ticket_items_of
from hutong.web.format import Formats, zone_of
from hutong.web.languages import locale_of
from hutong.workflows.jobs import AttemptKey, TryKey

#: What happens within one second is told in the order it must have happened in: wallets tell whole seconds.
_ORDER: Final = ("opened", "captured", "surplus", "refund_requested", "surplus_leaving", "refunded", "surplus_returned")


async def payment_view(unit: Unit, desk: Desk, request: ConsoleRequest, payment_id: UUID, *, asked: str) -> PaymentView:
    """Everything about one payment.

    Raises:
        NotFound: no such payment of this merchant.
    """
    payment = await one_payment(unit, payment_id)
    session = session_of(request)
    accounts = {account.connection_id: account for account in await connections(unit)}
    due = await next_due(unit, [_asked_about(part) for part in payment.attempts])
    combined = await combined_of_payment(unit, payment_id)
    siblings = () if combined is None else combined.parts
    names = await order_names(unit, [payment.order_id, *(part.order_id for part in siblings)])
    parties = await names_in_books(unit)
    effects = await order_effects(unit, payment.order_id)
    locale = locale_of(request)
    formats = Formats(locale, zone_of((await this_merchant(unit)).timezone))
    translate = desk.renderer.catalogues.of(locale).ugettext
    taken = [part for part in payment.attempts if part.attempt_id == payment.captured_attempt_id]
    shown = (taken or payment.attempts or (None,))[-1]
    zero = Money(0, payment.amount.currency)
    return PaymentView(
        item=PaymentItem(
            payment=payment,
            order=names.get(payment.order_id, OrderName()),
            platform="" if shown is None else shown.platform,
        ),
        attempts=tuple(
            AttemptItem(
                attempt=part,
                account=accounts[part.connection_id].title if part.connection_id in accounts else "",
                mode=accounts[part.connection_id].mode if part.connection_id in accounts else "",
                next_at=due.get(_asked_about(part)) if part.state in UNPAID else None,
                is_surplus=_is_surplus(payment, part),
            )
            for part in payment.attempts
        ),
        steps=steps_of(payment),
        batches=tuple(batch_in_words(row, parties) for row in await batches_about(unit, ORDER, payment.order_id)),
        tickets=await ticket_items_of(
            unit, await tickets_about(unit, ORDER, str(payment.order_id)), translate, formats
        ),
        fee=sum((leg.amount for leg in effects if leg.path == EXPENSE_WALLET_FEE), zero) if effects else None,
        on_the_way=sum((part.amount for part in payment.refunds if _is_on_its_way(part.state, part.cause)), zero),
        may_refund=may_refund(session, payment),
        may_ask=session.role in REFUND_ROLES and _is_open(payment),
        is_mismatched=any(part.state == AttemptState.MISMATCHED.value for part in payment.attempts),
        asked=asked,
        may_rescue=session.role in REFUND_ROLES,
        staff=await staff_names(unit),
        combined=None if combined is None else CombinedItem(combined=combined, orders=names),
    )


def _asked_about(part: AttemptRow) -> AttemptKey | TryKey:
    """What the job that asks the wallet carries: all parts of a combined order are asked about at once."""
    return AttemptKey(part.attempt_id) if part.combined_try_id is None else TryKey(part.combined_try_id)


def steps_of(payment: PaymentRow) -> tuple[PaymentStep, ...]:
    """What happened, the oldest first."""
    steps = []
    for part in payment.attempts:
        steps.append(
            PaymentStep(
                at=part.created_at,
                kind="opened",
                platform=part.platform,
                method=part.method,
                detail=part.out_trade_no,
            )
        )
        if part.paid_at is not None:
            kind, tone = ("surplus", "bad") if _is_surplus(payment, part) else ("captured", "good")
            steps.append(
                PaymentStep(
                    at=part.paid_at,
                    kind=kind,
                    tone=tone,
                    platform=part.platform,
                    method=part.method,
                    amount=part.amount,
                    detail=part.transaction_id or "",
                )
            )
    for refund in payment.refunds:
        own = refund.takes_from_capture or refund.cause in (REQUESTED, SENT_BACK)
        asked, done = ("refund_requested", "refunded") if own else ("surplus_leaving", "surplus_returned")
        steps.append(
            PaymentStep(
                at=refund.created_at,
                kind=asked,
                tone="act",
                platform=refund.platform,
                amount=refund.amount,
                detail=refund.reason,
            )
        )
        if refund.finished_at is not None and refund.state == RefundState.SUCCEEDED.value:
            steps.append(
                PaymentStep(
                    at=refund.finished_at, kind=done, tone="good", platform=refund.platform, amount=refund.amount
                )
            )
    return tuple(sorted(steps, key=lambda step: (step.at.replace(microsecond=0), _ORDER.index(step.kind))))


def _is_surplus(payment: PaymentRow, part: AttemptRow) -> bool:
    apart = part.state == AttemptState.PAID.value and part.attempt_id != payment.captured_attempt_id
    return apart and any(refund.cause == AUTOMATIC for refund in payment.refunds)  # else a person decided on it


def _is_on_its_way(state: str, cause: str) -> bool:
    return cause == "requested" and state not in (RefundState.SUCCEEDED.value, RefundState.FAILED.value)


def _is_open(payment: PaymentRow) -> bool:
    """Whether a wallet can tell something new."""
    return any(part.state in ASKABLE for part in payment.attempts) or any(
        part.state == RefundState.SENT.value for part in payment.refunds
    )
