"""Sending money back from a page: the same form on an order and on a payment."""

from __future__ import annotations

import msgspec

from hutong.core.errors import Conflict, Forbidden
from hutong.merchants.actors import REFUNDS, staff_actor
from hutong.merchants.staff import REFUND_ROLES, Session
from hutong.payments.queries import PaymentRow
from hutong.payments.refunds import RefundNotPossible
from hutong.web.console.typed import typed_amount
from hutong.web.labels import mark
from hutong.workflows.commands.follow_refund import refund_order
from hutong.workflows.runtime import Runtime


class RefundForm(msgspec.Struct, frozen=True, kw_only=True):
    """The refund form: an amount in major units, a reason, the confirmation, and what the page said was left.

    The last makes a form that is sent twice one refund: the second finds less left than its page said.
    """

    amount: str
    reason: str
    confirmed: str
    left_minor: int


def may_refund(session: Session, payment: PaymentRow | None) -> bool:
    """Whether this person may send money of this payment back, and any is left."""
    return session.role in REFUND_ROLES and payment is not None and payment.is_refundable


async def send_back(runtime: Runtime, session: Session, payment: PaymentRow | None, form: RefundForm) -> None:
    """Ask for the refund that a form says.

    Raises:
        Forbidden: not this person's to do, or not confirmed.
        RefundNotPossible: not paid at our checkout.
        Conflict: the page was older than the last refund.
        RefundTooLarge.
        FieldBlank, AmountUnreadable, AmountOutside: with the field's name on the form.
    """
    actor = staff_actor(session)
    actor.require_refunds()
    if form.confirmed != "yes":
        raise Forbidden(scope=REFUNDS)
    if payment is None:
        raise RefundNotPossible
    if payment.left.amount_minor != form.left_minor:
        raise Conflict(what="order")
    amount = typed_amount(form.amount, mark("退款金额"), payment.amount.currency)
    await refund_order(runtime, session.merchant_id, payment.order_id, amount.amount_minor, form.reason, actor)
