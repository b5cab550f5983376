"""What the page of one ticket shows."""

from __future__ import annotations

from hutong.core.errors import ErrorText
from hutong.payments.suspense import SuspenseView
from hutong.shops.names import OrderName
from hutong.web.console.suspense_texts import Choice
from hutong.web.console.views import TicketItem, View


class SuspenseBox(View, frozen=True, kw_only=True):
    """Money in suspense: what was expected, what came, where it lies, and what can be decided."""

    suspense: SuspenseView
    account: str
    order: OrderName
    place: str
    choices: tuple[Choice, ...]


class TicketView(View, frozen=True, kw_only=True):
    """The page of one ticket. ``chosen``: the decision that waits for its confirmation."""

    item: TicketItem
    box: SuspenseBox | None
    chosen: Choice | None
    may_decide: bool
    reason: str
    trouble: ErrorText | None
    staff: dict[str, str]
