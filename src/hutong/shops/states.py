"""State table of orders, over all platforms."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from hutong.core.states import TransitionTable


class OrderState(StrEnum):
    """Where an order stands. PENDING: the platform says something we do not know; nothing moves."""

    PENDING = "pending"
    UNPAID = "unpaid"
    PAID = "paid"
    PARTLY_SHIPPED = "partly_shipped"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    REFUNDED = "refunded"
    CLOSED = "closed"


class OrderEvent(StrEnum):
    """What can happen to an order."""

    PAY = "pay"
    SHIP_PART = "ship_part"
    SHIP = "ship"
    COMPLETE = "complete"
    REFUND = "refund"
    CLOSE = "close"


_S = OrderState
_E = OrderEvent

ORDER: Final = TransitionTable(
    "order",
    {
        (_S.PENDING, _E.PAY): _S.PAID,
        (_S.UNPAID, _E.PAY): _S.PAID,
        (_S.PAID, _E.SHIP_PART): _S.PARTLY_SHIPPED,
        (_S.PAID, _E.SHIP): _S.SHIPPED,
        (_S.PARTLY_SHIPPED, _E.SHIP): _S.SHIPPED,
        **{(s, _E.COMPLETE): _S.COMPLETED for s in (_S.PAID, _S.PARTLY_SHIPPED, _S.SHIPPED)},
        **{(s, _E.REFUND): _S.REFUNDED for s in (_S.PAID, _S.PARTLY_SHIPPED, _S.SHIPPED, _S.COMPLETED)},
        **{(s, _E.CLOSE): _S.CLOSED for s in (_S.PENDING, _S.UNPAID)},
    },
)

#: States of an order that is paid for, or was: it counts as a sale, also one of nothing (a gift, a full discount).
SOLD: Final = frozenset({_S.PAID, _S.PARTLY_SHIPPED, _S.SHIPPED, _S.COMPLETED, _S.REFUNDED})

#: How far along a state is; a fact from outside never moves an order to a lower rank.
RANK: Final[dict[OrderState, int]] = {
    _S.PENDING: 0,
    _S.UNPAID: 1,
    _S.PAID: 2,
    _S.PARTLY_SHIPPED: 3,
    _S.SHIPPED: 4,
    _S.COMPLETED: 5,
    _S.REFUNDED: 6,
    _S.CLOSED: 6,
}

#: The event that brings an order into a state a platform reports, where one step suffices or several are skipped.
REACHED_BY: Final[dict[OrderState, OrderEvent]] = {
    _S.PAID: _E.PAY,
    _S.PARTLY_SHIPPED: _E.SHIP_PART,
    _S.SHIPPED: _E.SHIP,
    _S.COMPLETED: _E.COMPLETE,
    _S.CLOSED: _E.CLOSE,
}
