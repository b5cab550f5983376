"""The return window of an order is over: its commissions are due, unless a refund is still on its way."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from hutong.db.jobs import Postpone
from hutong.ledger.commissions import OrderKey, confirm, due_at_of
from hutong.payments.queries import payment_of_order
from hutong.payments.states import RefundState
from hutong.workflows.jobs import SHARE_OUT
from hutong.workflows.runtime import Runtime

#: How soon to look again while a refund that was asked for within the window has no end.
REFUND_LOOK_GAP: Final = timedelta(hours=1)
REFUND_UNDER_WAY: Final = frozenset(RefundState) - {RefundState.SUCCEEDED, RefundState.FAILED}


async def confirm_commissions(runtime: Runtime, merchant_id: UUID, payload: bytes) -> None:
    """Confirm what is due of an order; a window that was opened anew, or an open refund, puts it off."""
    order_id = msgspec.json.decode(payload, type=OrderKey).order_id
    async with runtime.unit(merchant_id, "commissions.confirm") as unit:
        due_at = await due_at_of(unit, order_id)
        if due_at is None:
            return
        if due_at > unit.now():
            raise Postpone(due_at - unit.now())
        payment = await payment_of_order(unit, order_id)
        if payment is not None and any(refund.state in REFUND_UNDER_WAY for refund in payment.refunds):
            raise Postpone(REFUND_LOOK_GAP)
        if await confirm(unit, order_id):
            unit.schedule(SHARE_OUT, OrderKey(order_id), dedupe_key=order_id.hex)
