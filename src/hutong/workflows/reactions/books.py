"""What sales and refunds mean for the books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.accounts import NEVER_CAME, SUSPENSE_CLAIMED, UNEXPLAINED
from hutong.ledger.commissions import Booked, restart_window
from hutong.ledger.sales import Refunded, platform_sale_batch, sale_batch
from hutong.ledger.service import (
    Batch,
    Estimate,
    claw_back,
    estimate,
    looks_back,
    post_many,
    post_platform_refund,
    post_refund,
    post_suspense,
    post_suspense_return,
    read_known,
    receivable_path,
    rules_for,
    split_by,
    wallet_path,
)
from hutong.ledger.suspense import clear_suspense
from hutong.merchants.connections import ConnectionView, get_connection
from hutong.payments.events import (
    NoticeMismatched,
    PaymentRefunded,
    SurplusCaptured,
    SurplusReturned,
    SuspenseDecided,
    SuspenseReturned,
)
from hutong.payments.suspense import Decision
from hutong.shops.events import OrderPaid, OrderRefunded, OrderShipped
from hutong.shops.orders import OWN, get_order
from hutong.workflows.commands.mismatch import suspense_id_of
from hutong.workflows.commands.sold import platform_fee, sold_by_event, wallet_fee
from hutong.workflows.runtime import Runtime

A_SECOND: Final = timedelta(seconds=1)


async def book_sales(_runtime: Runtime, unit: Unit, events: Sequence[OrderPaid]) -> None:
    """Gross, the wallet's fee and the commissions of our own sales; what a platform owes for its own, less its fee."""
    told = [event for event in events if event.connection_id is not None and event.gross_minor > 0]
    accounts = {
        connection_id: await get_connection(unit, connection_id)
        for connection_id in {event.connection_id for event in told if event.connection_id is not None}
    }
    own = [event for event in told if event.source == OWN]
    batches = [_platform_sale(event, accounts) for event in told if event.source != OWN]
    batches += await _own_sales(unit, own, accounts) if own else []
    await post_many(unit, [batch for batch in batches if batch is not None])


def _platform_sale(event: OrderPaid, shops: Mapping[UUID, ConnectionView]) -> Batch | None:
    assert event.connection_id is not None, "the caller has looked"
    gross = Money(event.gross_minor, event.currency)
    return platform_sale_batch(
        order_id=event.order_id,
        receivable_path=receivable_path(event.platform, event.connection_id),
        gross=gross,
        fee=platform_fee(shops[event.connection_id], gross),
        event_at=event.paid_at,
    )


async def _own_sales(
    unit: Unit, events: Sequence[OrderPaid], wallets: Mapping[UUID, ConnectionView]
) -> list[Batch | None]:
    """The batches of sales at our own checkout; what their parties earn is written down with them."""
    asked = {event.order_id: (event.channel_id, _open_at(unit, event.paid_at)) for event in events}
    rules = {key: await rules_for(unit, *key) for key in set(asked.values())}
    everything = [rule for found in rules.values() for rule in found]
    known = await read_known(unit, everything, {event.channel_id for event in events})
    one_by_one = looks_back(everything)
    estimates: list[Estimate] = []
    batches: list[Batch | None] = []
    for event in events:
        assert event.connection_id is not None, "the caller has looked"
        fee = wallet_fee(wallets[event.connection_id], Money(event.gross_minor, event.currency))
        fitting = rules[asked[event.order_id]]
        sold = await sold_by_event(unit, event, fee, fitting)
        split = await split_by(unit, fitting, sold, event.paid_at, known)
        booked = Booked(
            order_id=event.order_id, connection_id=event.connection_id, platform=event.platform, paid_at=event.paid_at
        )
        estimates.append(Estimate(booked, sold, split))
        if one_by_one:  # the next sale has to see this one
            await estimate(unit, estimates, known.terms)
            estimates.clear()
        batches.append(
            sale_batch(
                order_id=event.order_id,
                wallet_path=wallet_path(event.platform, event.connection_id),
                gross=sold.gross,
                fee=fee,
                party_shares=split.shares(),
                event_at=event.paid_at,
            )
        )
    await estimate(unit, estimates, known.terms)
    return batches


def _open_at(unit: Unit, paid_at: datetime) -> datetime | None:
    """The moment whose rules share a sale: that of its payment, however late we heard of it; None: now.

    Wallets tell whole seconds, so it is the second's end: a rule made just before the payment counts.
    """
    second_end = paid_at.replace(microsecond=0) + A_SECOND
    return second_end if second_end < unit.now() else None


async def book_refund(_runtime: Runtime, unit: Unit, event: PaymentRefunded) -> None:
    """Money, fee and commissions go back pro rata, as the sale posted them; so do the parties' commissions."""
    await post_refund(
        unit,
        refund_id=event.refund_id,
        order_id=event.order_id,
        wallet_path=wallet_path(event.platform, event.connection_id),
        refunded=Money(event.amount_minor, event.currency),
        gross=Money(event.payment_amount_minor, event.currency),
        refunded_before=Money(event.refunded_before_minor, event.currency),
        event_at=event.refunded_at,
    )
    step = Refunded(
        before_minor=event.refunded_before_minor,
        now_minor=event.amount_minor,
        gross_minor=event.payment_amount_minor,
    )
    await claw_back(unit, event.order_id, step, event.refunded_at)


async def restart_return_window(_runtime: Runtime, unit: Unit, event: OrderShipped) -> None:
    """The goods left: the buyer's time to send them back begins now."""
    await restart_window(unit, event.order_id, unit.now())


async def book_platform_refund(_runtime: Runtime, unit: Unit, event: OrderRefunded) -> None:
    """A platform gave a buyer's money back; our own refunds are booked with their payment."""
    if event.source == OWN:
        return
    order = await get_order(unit, event.order_id)
    if order.connection_id is None:
        return
    # A platform tells states, not refund numbers: the new total names the step.
    step = uuid5(NAMESPACE_URL, f"platform-refund:{event.order_id}:{event.refunded_minor}")
    await post_platform_refund(
        unit,
        refund_id=step,
        order_id=event.order_id,
        receivable_path=receivable_path(event.source, order.connection_id),
        refunded=Money(event.amount_minor, event.currency),
        refunded_before=Money(event.refunded_minor - event.amount_minor, event.currency),
        event_at=event.refunded_at,
    )


async def book_surplus(_runtime: Runtime, unit: Unit, event: SurplusCaptured) -> None:
    """Money came that fits no open payment: it is owed back. The wallet took its fee of it all the same."""
    amount = Money(event.amount_minor, event.currency)
    await post_suspense(
        unit,
        suspense_id=event.attempt_id,
        wallet_path=wallet_path(event.platform, event.connection_id),
        amount=amount,
        fee=wallet_fee(await get_connection(unit, event.connection_id), amount),
        subject_kind="order",
        subject_id=event.order_id,
        event_at=event.captured_at,
    )


async def book_surplus_return(_runtime: Runtime, unit: Unit, event: SurplusReturned) -> None:
    """And it went back, with its fee."""
    amount = Money(event.amount_minor, event.currency)
    await post_suspense_return(
        unit,
        refund_id=event.refund_id,
        wallet_path=wallet_path(event.platform, event.connection_id),
        amount=amount,
        fee=wallet_fee(await get_connection(unit, event.connection_id), amount),
        subject_kind="order",
        subject_id=event.order_id,
        event_at=event.returned_at,
    )


async def book_mismatch(_runtime: Runtime, unit: Unit, event: NoticeMismatched) -> None:
    """What a signed notice claims stands in suspense, apart from the wallets, until a person decides."""
    if event.amount_minor <= 0:
        return
    await post_suspense(
        unit,
        suspense_id=suspense_id_of(event.connection_id, event.notice_id),
        wallet_path=SUSPENSE_CLAIMED,
        amount=Money(event.amount_minor, event.currency),
        subject_kind="connection",
        subject_id=event.connection_id,
        event_at=event.received_at,
    )


async def book_decision(_runtime: Runtime, unit: Unit, event: SuspenseDecided) -> None:
    """A claim leaves suspense: for the order's sale, which books itself, or for where it was written off to.

    What goes back leaves when it is back (:func:`book_sent_back`).
    """
    if event.decision == Decision.SEND_BACK.value:
        return
    amount = Money(event.amount_minor, event.currency)
    is_kept = event.decision == Decision.WRITE_OFF.value and event.is_proved
    if is_kept:
        await _arrive(unit, event, event.decided_at)
    path = UNEXPLAINED if is_kept else NEVER_CAME
    await clear_suspense(
        unit,
        suspense_id=event.suspense_id,
        amount=amount,
        connection_id=event.connection_id,
        written_off_to=None if event.decision == Decision.TAKE.value else path,
        event_at=event.decided_at,
    )


async def book_sent_back(_runtime: Runtime, unit: Unit, event: SuspenseReturned) -> None:
    """Money in suspense was in the wallet, and went back with its fee; the claim is settled."""
    amount = Money(event.amount_minor, event.currency)
    await _arrive(unit, event, event.returned_at)
    await post_suspense_return(
        unit,
        refund_id=event.refund_id,
        wallet_path=wallet_path(event.platform, event.connection_id),
        amount=amount,
        fee=wallet_fee(await get_connection(unit, event.connection_id), amount),
        subject_kind="connection",
        subject_id=event.connection_id,
        event_at=event.returned_at,
    )
    await clear_suspense(
        unit,
        suspense_id=event.suspense_id,
        amount=amount,
        connection_id=event.connection_id,
        written_off_to=None,
        event_at=event.returned_at,
    )


async def _arrive(unit: Unit, event: SuspenseDecided | SuspenseReturned, event_at: datetime) -> None:
    """The wallet has the money and took its fee of it: from now on its account says so."""
    assert event.attempt_id is not None, "only what came by a try of ours can be proved"
    amount = Money(event.amount_minor, event.currency)
    await post_suspense(
        unit,
        suspense_id=event.attempt_id,
        wallet_path=wallet_path(event.platform, event.connection_id),
        amount=amount,
        fee=wallet_fee(await get_connection(unit, event.connection_id), amount),
        subject_kind="connection",
        subject_id=event.connection_id,
        event_at=event_at,
    )
