"""What one sale cost: the same arithmetic as for a channel, on the postings about one order."""

from __future__ import annotations

import msgspec

from hutong.analytics.costs import EXPENSES, OWN_SOURCES, ChannelCost, free_platforms
from hutong.core.money import BPS_WHOLE, Money, round_half_up, share_bps
from hutong.db.unit import Unit
from hutong.ledger.accounts import EXPENSE_COMMISSION, EXPENSE_PLATFORM_FEE, EXPENSE_WALLET_FEE
from hutong.ledger.queries import LegRow, order_effects
from hutong.shops.orders import OWN
from hutong.shops.queries import OrderSummary


class OrderCost(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken of one sale, and what an agent would have taken of it."""

    cost: ChannelCost
    agent_rate_bps: int

    @property
    def is_known(self) -> bool:
        """Whether nothing is missing from the costs."""
        return not self.cost.unbilled.amount_minor

    @property
    def would_take(self) -> Money:
        """The agent's share of what was kept."""
        kept = self.cost.kept
        return Money(share_bps(max(kept.amount_minor, 0), self.agent_rate_bps), kept.currency)

    @property
    def saved(self) -> Money | None:
        """How much less than the agent was taken, negative where it was more; None while a fee is not known."""
        return self.would_take - self.cost.cost if self.is_known else None

    def share_of(self, part: Money) -> int | None:
        """A part in hundredths of a per cent of what was kept; None where nothing was."""
        kept_minor = self.cost.kept.amount_minor
        return round_half_up(part.amount_minor * BPS_WHOLE, kept_minor) if kept_minor > 0 else None


async def order_cost(unit: Unit, order: OrderSummary, agent_rate_bps: int) -> OrderCost | None:
    """What an order has cost so far; None while it is unpaid, or while its sale is on its way into the books.

    What a refund took back is gone from the costs as it is from the price. An order that came from a file is in no
    books: whatever its platform kept is unknown.
    """
    if order.is_refund or order.paid.amount_minor <= 0:
        return None
    effects = await order_effects(unit, order.order_id)
    if not effects and order.source == OWN:
        return None
    is_told = order.source in (*OWN_SOURCES, *await free_platforms(unit))
    return OrderCost(cost=cost_of(order, effects, is_told=is_told), agent_rate_bps=agent_rate_bps)


def cost_of(order: OrderSummary, effects: tuple[LegRow, ...], *, is_told: bool) -> ChannelCost:
    """The costs among what the books say of an order. ``is_told``: there is no fee of a platform to wait for."""
    currency = order.paid.currency
    spent = {leg.path: leg.amount for leg in effects if leg.amount.currency == currency and _is_expense(leg.path)}
    zero = Money(0, currency)
    wallet_fee, commission = spent.pop(EXPENSE_WALLET_FEE, zero), spent.pop(EXPENSE_COMMISSION, zero)
    is_told = is_told or EXPENSE_PLATFORM_FEE in spent
    return ChannelCost(
        channel_id=order.channel_id,
        source=order.source,
        orders_count=1,
        gross=order.paid,
        refunded=order.refunded,
        wallet_fee=wallet_fee,
        commission=commission,
        platform_fee=sum(spent.values(), zero),
        unbilled=zero if is_told else order.paid - order.refunded,
    )


def _is_expense(path: str) -> bool:
    return path.startswith(EXPENSES.removesuffix("%"))
