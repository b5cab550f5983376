"""Which accounts a sale and its refunds touch. Pure: batches in, nothing written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import CurrencyMismatch
from hutong.core.money import Money, round_half_up
from hutong.ledger.accounts import (
    CLEARING_ORDERS,
    EXPENSE_COMMISSION,
    EXPENSE_PLATFORM_FEE,
    EXPENSE_WALLET_FEE,
    REVENUE_SALES,
    SUSPENSE_PAYMENTS,
    party_path,
)
from hutong.ledger.batches import Batch, Leg
from hutong.ledger.errors import RefundBeyondSale, ShareTooLarge

SALE: Final = "sale"
REFUND: Final = "refund"
SUSPENSE: Final = "suspense"
SUSPENSE_RETURN: Final = "suspense_return"
ORDER: Final = "order"


class Share(msgspec.Struct, frozen=True):
    """What a party earns of one sale by one rule: a leg of its own, so that a refund takes back exactly its part."""

    party_id: UUID
    amount: Money


def sale_key(order_id: UUID) -> str:
    """The idempotency key of an order's sale: one for each order."""
    return f"sale:{order_id}"


def suspense_key(suspense_id: UUID) -> str:
    """The idempotency key of money that fits no order."""
    return f"suspense:{suspense_id}"


def refund_key(refund_id: UUID) -> str:
    """The idempotency key of a refund."""
    return f"refund:{refund_id}"


def suspense_return_key(refund_id: UUID) -> str:
    """The idempotency key of money in suspense that was sent back."""
    return f"suspense_return:{refund_id}"


def sale_batch(
    *,
    order_id: UUID,
    wallet_path: str,
    gross: Money,
    fee: Money,
    party_shares: Sequence[Share],
    event_at: datetime,
    fee_path: str = EXPENSE_WALLET_FEE,
) -> Batch | None:
    """A sale paid by a wallet: gross in, the wallet's fee out, commissions owed. None when nothing moved.

    Raises:
        ShareTooLarge: fee or a share is negative, or the fee or all shares together exceed the gross price.
        CurrencyMismatch: fee or a share is of another currency.
    """
    for amount in (fee, *(share.amount for share in party_shares)):
        if amount.currency != gross.currency:
            raise CurrencyMismatch(left=gross.currency, right=amount.currency)
        if amount.amount_minor < 0:
            raise ShareTooLarge(
                order_id=str(order_id), shared_minor=amount.amount_minor, gross_minor=gross.amount_minor
            )
    commission = Money(sum(share.amount.amount_minor for share in party_shares), gross.currency)
    # Each by itself: a merchant who promises the whole price away still owes the wallet its fee.
    shared_minor = max(fee.amount_minor, commission.amount_minor)
    if gross.amount_minor < 0 or shared_minor > gross.amount_minor:
        raise ShareTooLarge(order_id=str(order_id), shared_minor=shared_minor, gross_minor=gross.amount_minor)
    legs = [
        # Earned and settled are two facts, also where one batch tells both: the buyer owes, then the wallet pays.
        Leg(CLEARING_ORDERS, gross),
        Leg(REVENUE_SALES, -gross),
        Leg(wallet_path, gross),
        Leg(CLEARING_ORDERS, -gross),
        Leg(fee_path, fee),
        Leg(wallet_path, -fee),
        Leg(EXPENSE_COMMISSION, commission),
        *(Leg(party_path(share.party_id), -share.amount) for share in party_shares),
    ]
    return _batch(sale_key(order_id), SALE, ORDER, order_id, event_at, legs)


def platform_sale_batch(
    *, order_id: UUID, receivable_path: str, gross: Money, event_at: datetime, fee: Money | None = None
) -> Batch | None:
    """A sale whose money the shop platform collected: it owes the price less its own fee. None for an order of nothing.

    Raises:
        ShareTooLarge: the fee is negative or exceeds the gross price.
    """
    return sale_batch(
        order_id=order_id,
        wallet_path=receivable_path,
        gross=gross,
        fee=Money(0, gross.currency) if fee is None else fee,
        party_shares=(),
        event_at=event_at,
        fee_path=EXPENSE_PLATFORM_FEE,
    )


class Refunded(msgspec.Struct, frozen=True, kw_only=True):
    """A step in the refunding of a sale: ``now`` goes back after ``before`` did, of ``gross``."""

    before_minor: int
    now_minor: int
    gross_minor: int

    def verify(self) -> None:
        """Refuse a step outside the sale (:class:`RefundBeyondSale`)."""
        if self.now_minor <= 0 or self.before_minor < 0 or self.before_minor + self.now_minor > self.gross_minor:
            raise RefundBeyondSale(
                before_minor=self.before_minor, refunded_minor=self.now_minor, gross_minor=self.gross_minor
            )

    def part_of(self, amount_minor: int) -> int:
        """What of an amount of the sale goes back in this step, pro rata.

        Cumulative rounding (what is due after the step minus what was due before it, each half-up), so that any
        number of steps up to the full price gives back exactly the amount, whatever their order of arrival.
        """
        after = round_half_up(amount_minor * (self.before_minor + self.now_minor), self.gross_minor)
        return after - round_half_up(amount_minor * self.before_minor, self.gross_minor)


def refund_batch(
    *,
    refund_id: UUID,
    order_id: UUID,
    wallet_path: str,
    refunded: Money,
    gross: Money,
    refunded_before: Money,
    fee: Money,
    party_shares: Sequence[Share],
    event_at: datetime,
) -> Batch | None:
    """The reversal of a part of a sale; ``fee`` and ``party_shares`` are those of the whole sale.

    Raises:
        RefundBeyondSale: nothing is refunded, or more than the sale.
        CurrencyMismatch: amounts of several currencies.
    """
    for amount in (refunded, refunded_before, fee, *(share.amount for share in party_shares)):
        if amount.currency != gross.currency:
            raise CurrencyMismatch(left=gross.currency, right=amount.currency)
    step = Refunded(
        before_minor=refunded_before.amount_minor, now_minor=refunded.amount_minor, gross_minor=gross.amount_minor
    )
    step.verify()
    fee_back = Money(step.part_of(fee.amount_minor), gross.currency)
    back = [
        Share(share.party_id, Money(step.part_of(share.amount.amount_minor), gross.currency)) for share in party_shares
    ]
    commission_back = Money(sum(share.amount.amount_minor for share in back), gross.currency)
    legs = [
        Leg(REVENUE_SALES, refunded),
        Leg(CLEARING_ORDERS, -refunded),
        Leg(CLEARING_ORDERS, refunded),
        Leg(wallet_path, -refunded),
        Leg(EXPENSE_WALLET_FEE, -fee_back),
        Leg(wallet_path, fee_back),
        Leg(EXPENSE_COMMISSION, -commission_back),
        *(Leg(party_path(share.party_id), share.amount) for share in back),
    ]
    return _batch(refund_key(refund_id), REFUND, ORDER, order_id, event_at, legs)


def platform_refund_batch(
    *, refund_id: UUID, order_id: UUID, receivable_path: str, refunded: Money, fee_back: Money, event_at: datetime
) -> Batch | None:
    """Money a shop platform gave back, and what it gives back of its fee; also for a sale before our time."""
    if refunded.amount_minor < 0:
        raise RefundBeyondSale(before_minor=0, refunded_minor=refunded.amount_minor, gross_minor=0)
    legs = [
        Leg(REVENUE_SALES, refunded),
        Leg(CLEARING_ORDERS, -refunded),
        Leg(CLEARING_ORDERS, refunded),
        Leg(receivable_path, -refunded),
        Leg(EXPENSE_PLATFORM_FEE, -fee_back),
        Leg(receivable_path, fee_back),
    ]
    return _batch(refund_key(refund_id), REFUND, ORDER, order_id, event_at, legs)


def platform_fee_back(*, gross: Money, fee: Money, refunded_before: Money, refunded: Money) -> Money:
    """What a platform gives back of its fee in this step, pro rata; all of it once the whole price went back.

    A platform may give back more than the price we booked; of its fee, never more than it took. Nothing for a sale that
    is not in the books (``gross`` zero).
    """
    before_minor = min(refunded_before.amount_minor, gross.amount_minor)
    now_minor = min(refunded.amount_minor, gross.amount_minor - before_minor)
    if now_minor <= 0:
        return Money(0, gross.currency)
    step = Refunded(before_minor=before_minor, now_minor=now_minor, gross_minor=gross.amount_minor)
    return Money(step.part_of(fee.amount_minor), gross.currency)


def suspense_batch(
    *,
    suspense_id: UUID,
    wallet_path: str,
    amount: Money,
    fee: Money,
    subject_kind: str,
    subject_id: UUID,
    event_at: datetime,
) -> Batch | None:
    """Money that came in and fits no order: owed back until somebody decides. The wallet keeps its fee until then."""
    legs = [Leg(wallet_path, amount - fee), Leg(EXPENSE_WALLET_FEE, fee), Leg(SUSPENSE_PAYMENTS, -amount)]
    return _batch(suspense_key(suspense_id), SUSPENSE, subject_kind, subject_id, event_at, legs)


def suspense_return_batch(
    *,
    refund_id: UUID,
    wallet_path: str,
    amount: Money,
    fee: Money,
    subject_kind: str,
    subject_id: UUID,
    event_at: datetime,
) -> Batch | None:
    """Money in suspense that was sent back to where it came from, and with it the wallet's fee."""
    legs = [Leg(wallet_path, fee - amount), Leg(EXPENSE_WALLET_FEE, -fee), Leg(SUSPENSE_PAYMENTS, amount)]
    return _batch(suspense_return_key(refund_id), SUSPENSE_RETURN, subject_kind, subject_id, event_at, legs)


def _batch(
    key: str, kind: str, subject_kind: str, subject_id: UUID, event_at: datetime, legs: Sequence[Leg]
) -> Batch | None:
    """The batch of the legs that are not zero; None when none is left."""
    kept = tuple(leg for leg in legs if leg.amount.amount_minor)
    if not kept:
        return None
    return Batch(
        idempotency_key=key, kind=kind, subject_kind=subject_kind, subject_id=subject_id, event_at=event_at, legs=kept
    )
