"""Payments and refunds: what was taken at our own cash desk, try by try, and what went back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.params import QueryParameter

from hutong.merchants.keys import ApiKey
from hutong.payments.queries import (
    LIST_STATES,
    PaymentFilter,
    PaymentRow,
    RefundRow,
    payments_page,
    refunds_page,
)
from hutong.payments.states import RefundState
from hutong.shops.names import orders_numbered
from hutong.web.api.catalogue import Limit, Offset
from hutong.web.moments import aware
from hutong.workflows.commands.check_out import watch_payment
from hutong.workflows.runtime import Runtime

PaymentState = Annotated[str, QueryParameter(name="state", pattern=f"^({'|'.join(LIST_STATES)}|)$", default="")]
RefundStates = Annotated[
    str, QueryParameter(name="state", pattern=f"^({'|'.join(state.value for state in RefundState)}|)$", default="")
]


class RefundItem(msgspec.Struct, frozen=True, kw_only=True):
    """Money on its way back, or back."""

    refund_id: UUID
    payment_id: UUID
    order_id: UUID
    platform: str
    out_refund_no: str
    state: str
    cause: str
    reason: str
    currency: str
    amount_minor: int
    created_at: datetime
    finished_at: datetime | None


class PaymentItem(msgspec.Struct, frozen=True, kw_only=True):
    """What an order owes and how far it is settled. ``shown_state``: ``checking`` while a wallet was not clear.

    ``left_minor`` can still be refunded; ``surplus_minor`` came in beyond the one capture and goes back by itself.
    """

    payment_id: UUID
    order_id: UUID
    state: str
    shown_state: str
    currency: str
    amount_minor: int
    refunded_minor: int
    left_minor: int
    surplus_minor: int
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    attempts: tuple[dict[str, Any], ...]
    refunds: tuple[RefundItem, ...]


class SumItem(msgspec.Struct, frozen=True, kw_only=True):
    """The payments of the whole list in one currency."""

    currency: str
    payments: int
    taken_minor: int
    refunded_minor: int


class PaymentsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of payments, and the sums of all of them."""

    items: tuple[PaymentItem, ...]
    total: int
    sums: tuple[SumItem, ...]


class RefundsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of refunds; those that need a person come first."""

    items: tuple[RefundItem, ...]
    total: int


class PaymentsApi(Controller):
    """Payments and refunds."""

    path = "/api/v1"
    tags = ["Payments"]

    @get("/payments", opt={"scope": "payments:read"}, summary="Payments with attempts and refunds")
    async def payments(
        self,
        runtime: Runtime,
        caller: ApiKey,
        limit: Limit,
        offset: Offset,
        payment_state: PaymentState,
        platform: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        number: str = "",
    ) -> PaymentsAnswer:
        """Payments, newest first; ``number`` is an order's, or one of the payment's own."""
        async with runtime.unit(caller.merchant_id, "api.payments") as unit:
            wanted = PaymentFilter(
                state=payment_state,
                platform=platform,
                since=aware(since, "since"),
                until=aware(until, "until"),
                number=number,
                order_ids=await orders_numbered(unit, number) if number else (),
            )
            page = await payments_page(unit, wanted, limit=limit, offset=offset)
        return PaymentsAnswer(
            items=tuple(_payment(row) for row in page.rows),
            total=page.total,
            sums=tuple(
                SumItem(
                    currency=row.taken.currency,
                    payments=row.count,
                    taken_minor=row.taken.amount_minor,
                    refunded_minor=row.refunded.amount_minor,
                )
                for row in page.sums
            ),
        )

    @get("/payments/{payment_id:uuid}", opt={"scope": "payments:read"}, summary="One payment")
    async def payment(self, runtime: Runtime, caller: ApiKey, payment_id: UUID) -> PaymentItem:
        """One payment with attempts and refunds; while it is open, a wallet that has been silent is asked soon."""
        return _payment(await watch_payment(runtime, caller.merchant_id, payment_id))

    @get("/refunds", opt={"scope": "payments:read"}, summary="Refunds")
    async def refunds(
        self, runtime: Runtime, caller: ApiKey, limit: Limit, offset: Offset, refund_state: RefundStates
    ) -> RefundsAnswer:
        """Refunds: those that need a person first, then the newest."""
        async with runtime.unit(caller.merchant_id, "api.refunds") as unit:
            states = (refund_state,) if refund_state else ()
            page = await refunds_page(unit, states, limit=limit, offset=offset)
        return RefundsAnswer(items=tuple(_refund(row) for row in page.rows), total=page.total)


def _payment(row: PaymentRow) -> PaymentItem:
    return PaymentItem(
        payment_id=row.payment_id,
        order_id=row.order_id,
        state=row.state,
        shown_state=row.shown_state,
        currency=row.amount.currency,
        amount_minor=row.amount.amount_minor,
        refunded_minor=row.refunded.amount_minor,
        left_minor=row.left.amount_minor,
        surplus_minor=row.surplus.amount_minor,
        created_at=row.created_at,
        expires_at=row.expires_at,
        paid_at=row.paid_at,
        attempts=tuple(
            {
                "attempt_id": str(part.attempt_id),
                "platform": part.platform,
                "method": part.method,
                "out_trade_no": part.out_trade_no,
                "transaction_id": part.transaction_id,
                "state": part.state,
                "queries": part.queries_count,
            }
            for part in row.attempts
        ),
        refunds=tuple(_refund(part) for part in row.refunds),
    )


def _refund(row: RefundRow) -> RefundItem:
    return RefundItem(
        refund_id=row.refund_id,
        payment_id=row.payment_id,
        order_id=row.order_id,
        platform=row.platform,
        out_refund_no=row.out_refund_no,
        state=row.state,
        cause=row.cause,
        reason=row.reason,
        currency=row.amount.currency,
        amount_minor=row.amount.amount_minor,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
