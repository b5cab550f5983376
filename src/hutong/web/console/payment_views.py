"""What the payments and refunds pages show."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from hutong.core.money import Money
from hutong.payments.combined_queries import CombinedRow
from hutong.payments.queries import AttemptRow, PaymentRow, PaymentSums, RefundRow
from hutong.shops.names import OrderName
from hutong.web.console.book_views import Batch
from hutong.web.console.paging import Paging
from hutong.web.console.views import TicketItem, View


class PaymentFilters(View, frozen=True, kw_only=True):
    """What the form says, as it was typed."""

    state: str = ""
    platform: str = ""
    first: str = ""
    last: str = ""
    number: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the state is filtered by."""
        return bool(self.platform or self.first or self.last or self.number)


class StateTab(View, frozen=True, kw_only=True):
    """A state, how many there are in it, and the list that shows them."""

    state: str
    count: int
    href: str


class PaymentItem(View, frozen=True, kw_only=True):
    """A payment and what it was for; ``platform`` is the wallet that took it, or the last one asked."""

    payment: PaymentRow
    order: OrderName
    platform: str


class PaymentsView(View, frozen=True, kw_only=True):
    """The payments page."""

    rows: tuple[PaymentItem, ...]
    sums: tuple[PaymentSums, ...]
    paging: Paging
    filters: PaymentFilters
    tabs: tuple[StateTab, ...]
    platforms: tuple[str, ...]


class AttemptItem(View, frozen=True, kw_only=True):
    """A wallet's try: its account's title, and when the wallet is asked again (None: it is not)."""

    attempt: AttemptRow
    account: str
    next_at: datetime | None
    is_surplus: bool
    mode: str = ""  # sandbox or live


class PaymentStep(View, frozen=True, kw_only=True):
    """Something that happened to a payment; ``kind`` picks the sentence, ``tone`` its dot."""

    at: datetime
    kind: str
    tone: str = ""
    platform: str = ""
    method: str = ""
    amount: Money | None = None
    detail: str = ""


class CombinedItem(View, frozen=True, kw_only=True):
    """The payments that a buyer makes with one tap, and how the order of each is called."""

    combined: CombinedRow
    orders: dict[UUID, OrderName]


class PaymentView(View, frozen=True, kw_only=True):
    """One payment: attempts, money, refunds, what the books say, what waits."""

    item: PaymentItem
    attempts: tuple[AttemptItem, ...]
    steps: tuple[PaymentStep, ...]
    batches: tuple[Batch, ...]
    tickets: tuple[TicketItem, ...]
    fee: Money | None
    on_the_way: Money
    may_refund: bool
    may_ask: bool
    is_mismatched: bool  # a wallet says that another sum was paid, and a person has to decide
    may_rescue: bool
    staff: dict[str, str]  # names of people by how a refund calls them
    asked: str  # after somebody asked: heard, or silent where a wallet said nothing clear
    combined: CombinedItem | None = None


class RefundItem(View, frozen=True, kw_only=True):
    """A refund and the order it belongs to."""

    refund: RefundRow
    order: OrderName


class RefundsView(View, frozen=True, kw_only=True):
    """The refunds page."""

    rows: tuple[RefundItem, ...]
    paging: Paging
    show: str
    tabs: tuple[StateTab, ...]
