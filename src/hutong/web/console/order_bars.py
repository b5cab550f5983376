"""What one sale cost, as a drawing: what each took of the price, above what an agent would have taken."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hutong.analytics.order_costs import OrderCost
from hutong.core.money import BPS_WHOLE, Money
from hutong.web.console.views import CostPiece, SaleCost

#: Kinds of pieces and their colours, as in the picture of a split.
_COSTS: Final = (("wallet_fee", 4), ("commission", 2), ("platform_fee", 3))
LEFT: Final = "left"
LEFT_TONE: Final = 1
AGENT: Final = "agent"
AGENT_TONE: Final = 6


def sale_cost(told: OrderCost) -> SaleCost:
    """Both bars; each is as long as what was kept of the price."""
    cost = told.cost
    taken = [(kind, getattr(cost, kind), tone) for kind, tone in _COSTS]
    agent = told.would_take
    return SaleCost(
        told=told,
        pieces=_pieces(told, [*taken, (LEFT, cost.net, LEFT_TONE)]),
        agent=_pieces(told, [(AGENT, agent, AGENT_TONE), (LEFT, cost.kept - agent, LEFT_TONE)]),
    )


def _pieces(told: OrderCost, parts: Iterable[tuple[str, Money, int]]) -> tuple[CostPiece, ...]:
    """The parts side by side; what would go past the end, or is less than nothing, is not drawn."""
    pieces, start = [], 0
    for kind, amount, tone in parts:
        share_bps = told.share_of(amount)
        if share_bps is None:
            return ()
        width = min(max(share_bps, 0), BPS_WHOLE - start)
        pieces.append(CostPiece(kind=kind, amount=amount, share_bps=share_bps, tone=tone, start=start, width=width))
        start += width
    return tuple(pieces)
