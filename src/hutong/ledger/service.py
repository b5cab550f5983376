"""What the books can do. Every function works inside the caller's transaction; post after the other domains wrote."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger import sales
from hutong.ledger.accounts import (
    EXPENSE_PLATFORM_FEE,
    EXPENSE_WALLET_FEE,
    PARTY_PREFIX,
    REVENUE_SALES,
    party_path,
    receivable_path,
    wallet_path,
)
from hutong.ledger.batches import Batch, Leg, PostResult
from hutong.ledger.commissions import Estimate, claw_back, estimate, looks_back, preview, read_known, split_by
from hutong.ledger.errors import SaleNotPosted
from hutong.ledger.guarding import guard_account
from hutong.ledger.guards import Guard
from hutong.ledger.history import balance_at, balance_known_at
from hutong.ledger.holds import get_hold, hold, post_hold, void_hold
from hutong.ledger.joins import ON_ACCOUNT, ON_BATCH
from hutong.ledger.models import ledger_account, ledger_batch, posting
from hutong.ledger.parties import create_party
from hutong.ledger.posting import batch_posted, batches_posted, write
from hutong.ledger.roots import root_of
from hutong.ledger.sales import Share
from hutong.ledger.split_rules import create_rule, end_rule, make_rule, rules_for
from hutong.ledger.statements import draw_statement

__all__ = [
    "Batch",
    "Estimate",
    "Guard",
    "Leg",
    "PostResult",
    "Share",
    "balance_at",
    "balance_known_at",
    "claw_back",
    "create_party",
    "create_rule",
    "draw_statement",
    "end_rule",
    "estimate",
    "get_hold",
    "guard_account",
    "hold",
    "looks_back",
    "make_rule",
    "party_path",
    "post",
    "post_hold",
    "post_many",
    "post_platform_refund",
    "post_platform_sale",
    "post_refund",
    "post_sale",
    "post_suspense",
    "post_suspense_return",
    "preview",
    "read_known",
    "receivable_path",
    "root_of",
    "rules_for",
    "split_by",
    "void_hold",
    "wallet_path",
]


async def post(unit: Unit, batch: Batch) -> PostResult:
    """Post one batch, once: the same key with the same content again has no effect.

    Raises:
        MalformedBatch, UnbalancedBatch: the batch must not stand in the books.
        BatchKeyReused: the key serves other content.
        AccountOverdrawn: a guarded account would leave its side.
        AccountBeyondBooks: an account would leave what the books can hold.
    """
    written = await write(unit, [batch])
    for draft in written.fresh:
        unit.emit(batch_posted(draft))
    return written.results()[0]


async def post_many(unit: Unit, batches: Sequence[Batch]) -> list[PostResult]:
    """Post batches in their order with a handful of statements for all of them (imports, flushers).

    All or nothing, like :func:`post`; tells one event for the whole set.
    """
    if not batches:
        return []
    written = await write(unit, batches)
    if written.fresh:
        unit.emit(batches_posted(written.first_sequence, len(written.fresh)))
    return written.results()


async def post_sale(
    unit: Unit,
    *,
    order_id: UUID,
    wallet_path: str,
    gross: Money,
    fee: Money,
    party_shares: Sequence[Share],
    event_at: datetime,
) -> PostResult:
    """Post an order that a wallet was paid for: once for each order.

    Raises:
        ShareTooLarge: fee and shares exceed the gross price.
    """
    return await _post(
        unit,
        sales.sale_batch(
            order_id=order_id,
            wallet_path=wallet_path,
            gross=gross,
            fee=fee,
            party_shares=party_shares,
            event_at=event_at,
        ),
    )


async def post_platform_sale(
    unit: Unit, *, order_id: UUID, receivable_path: str, gross: Money, event_at: datetime, fee: Money | None = None
) -> PostResult:
    """Post an order whose money the shop platform collected, less its own fee: once for each order."""
    return await _post(
        unit,
        sales.platform_sale_batch(
            order_id=order_id, receivable_path=receivable_path, gross=gross, fee=fee, event_at=event_at
        ),
    )


async def post_refund(
    unit: Unit,
    *,
    refund_id: UUID,
    order_id: UUID,
    wallet_path: str,
    refunded: Money,
    gross: Money,
    refunded_before: Money,
    fee: Money | None = None,
    event_at: datetime,
) -> PostResult:
    """Reverse a part of a posted sale: fee and every party's commission go back pro rata.

    ``gross`` is that of the whole sale; ``refunded_before`` is what other refunds of the order took before this one.
    The parties' shares are read from the sale's own postings, not from today's rules; so is the whole sale's ``fee``
    unless it is given.

    Raises:
        SaleNotPosted: the sale is not in the books yet (try again later).
        RefundBeyondSale: more than the sale in all.
    """
    posted = await _sale_legs(unit, order_id)
    shares = [
        Share(UUID(path.removeprefix(PARTY_PREFIX)), -amount)
        for path, amount in posted
        if path.startswith(PARTY_PREFIX)
    ]
    fee_posted = Money(
        sum(amount.amount_minor for path, amount in posted if path == EXPENSE_WALLET_FEE), gross.currency
    )
    return await _post(
        unit,
        sales.refund_batch(
            refund_id=refund_id,
            order_id=order_id,
            wallet_path=wallet_path,
            refunded=refunded,
            gross=gross,
            refunded_before=refunded_before,
            fee=fee_posted if fee is None else fee,
            party_shares=shares,
            event_at=event_at,
        ),
    )


async def post_platform_refund(
    unit: Unit,
    *,
    refund_id: UUID,
    order_id: UUID,
    receivable_path: str,
    refunded: Money,
    refunded_before: Money,
    event_at: datetime,
) -> PostResult:
    """Post money that a shop platform gave back itself, and with it its part of the fee that the sale posted.

    ``refunded_before`` is what had gone back of the order before this step.
    """
    posted = await _legs_of_sale(unit, order_id)
    sums = {
        wanted: Money(sum(amount.amount_minor for path, amount in posted if path == wanted), refunded.currency)
        for wanted in (EXPENSE_PLATFORM_FEE, REVENUE_SALES)
    }
    fee_back = sales.platform_fee_back(
        gross=-sums[REVENUE_SALES],
        fee=sums[EXPENSE_PLATFORM_FEE],
        refunded_before=refunded_before,
        refunded=refunded,
    )
    return await _post(
        unit,
        sales.platform_refund_batch(
            refund_id=refund_id,
            order_id=order_id,
            receivable_path=receivable_path,
            refunded=refunded,
            fee_back=fee_back,
            event_at=event_at,
        ),
    )


async def post_suspense(
    unit: Unit,
    *,
    suspense_id: UUID,
    wallet_path: str,
    amount: Money,
    subject_kind: str,
    subject_id: UUID,
    event_at: datetime,
    fee: Money | None = None,
) -> PostResult:
    """Keep money in sight that a wallet received and that fits no order (wrong amount, paid after close)."""
    return await _post(
        unit,
        sales.suspense_batch(
            suspense_id=suspense_id,
            wallet_path=wallet_path,
            amount=amount,
            fee=Money(0, amount.currency) if fee is None else fee,
            subject_kind=subject_kind,
            subject_id=subject_id,
            event_at=event_at,
        ),
    )


async def post_suspense_return(
    unit: Unit,
    *,
    refund_id: UUID,
    wallet_path: str,
    amount: Money,
    subject_kind: str,
    subject_id: UUID,
    event_at: datetime,
    fee: Money | None = None,
) -> PostResult:
    """Post the refund of money that stood in suspense."""
    return await _post(
        unit,
        sales.suspense_return_batch(
            refund_id=refund_id,
            wallet_path=wallet_path,
            amount=amount,
            fee=Money(0, amount.currency) if fee is None else fee,
            subject_kind=subject_kind,
            subject_id=subject_id,
            event_at=event_at,
        ),
    )


async def _post(unit: Unit, batch: Batch | None) -> PostResult:
    """Post what a builder made; an order of nothing leaves no trace in the books."""
    return PostResult(posted=False) if batch is None else await post(unit, batch)


async def _sale_legs(unit: Unit, order_id: UUID) -> list[tuple[str, Money]]:
    """:func:`_legs_of_sale` of a sale that has to be in the books.

    Raises:
        SaleNotPosted: it is not.
    """
    legs = await _legs_of_sale(unit, order_id)
    if not legs:
        raise SaleNotPosted(order_id=str(order_id))
    return legs


async def _legs_of_sale(unit: Unit, order_id: UUID) -> list[tuple[str, Money]]:
    """Path and amount of the legs of an order's sale as it was posted, in leg order; none where it was not."""
    legs = (
        select(ledger_account.c.path, posting.c.amount_minor, posting.c.currency)
        .select_from(posting.join(ledger_batch, ON_BATCH).join(ledger_account, ON_ACCOUNT))
        .where(ledger_batch.c.merchant_id == unit.merchant_id)
        .where(ledger_batch.c.idempotency_key == sales.sale_key(order_id))
        .order_by(posting.c.leg_no)
    )
    rows = await unit.all(legs)
    return [(row.path, Money(row.amount_minor, row.currency)) for row in rows]
