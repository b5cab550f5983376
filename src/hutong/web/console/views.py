"""What each page of the console shows: typed, plain, ready to print."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from hutong.analytics.order_costs import OrderCost
from hutong.core.errors import ErrorText
from hutong.core.money import Money
from hutong.links.attribution.queries import ShownTie, Touch
from hutong.links.health import Health
from hutong.links.queries import ChannelChoice, LinkSummary
from hutong.links.reports import Report
from hutong.links.tags import Sorting, Used
from hutong.merchants.queries import KeyRow, MerchantRow, TicketRow
from hutong.merchants.staff import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN
from hutong.merchants.staffing import Member
from hutong.payments.queries import PaymentRow
from hutong.shops.queries import ImportRow, OrderDetail, OrderFilter, OrderSummary, SkuChoice, StockMoveRow, StockRow
from hutong.web.charts import BarChart
from hutong.web.console.paging import Paging


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all views."""


class AttentionItem(View, frozen=True, kw_only=True):
    """Something that waits for the merchant; ``kind`` picks its sentence."""

    kind: str
    count: int
    href: str


class ProductSales(View, frozen=True, kw_only=True):
    """How a product sold."""

    title: str
    quantity: int
    revenue: Money


class RepeatFigures(View, frozen=True, kw_only=True):
    """Customers with at least one paid order, and those with two or more."""

    customers: int
    repeat_customers: int


class MonthRevenue(View, frozen=True, kw_only=True):
    """Revenue of a calendar month in the merchant's zone."""

    month: date
    revenue: Money
    orders: int


class OverviewView(View, frozen=True, kw_only=True):
    """The first page: how trade goes and what waits. ``sales`` are what stayed after refunds."""

    period: str  # today, 7d, 30d or all
    quiet_since: datetime | None  # the last sale, where the page opens on all because the usual period has none
    sales: tuple[Money, ...]
    refunded: tuple[Money, ...]
    orders: int
    visits: int
    converted_visits: int
    attention: tuple[AttentionItem, ...]
    currency: str  # of the months
    months: tuple[MonthRevenue, ...]
    chart: BarChart | None
    products: tuple[ProductSales, ...]
    repeat: RepeatFigures
    has_anything: bool


class LinkRow(View, frozen=True, kw_only=True):
    """A link, its public address and what it sold. ``days``: clicks of people on the latest days, the oldest first."""

    link: LinkSummary
    address: str
    orders: int
    revenue: tuple[Money, ...]
    health: Health | None = None  # of the page that it leads to, once it was looked at
    days: tuple[int, ...] = ()
    asks_first: bool = False  # its host is not proven
    sorting: Sorting = Sorting()


class LinksView(View, frozen=True, kw_only=True):
    """The links page."""

    rows: tuple[LinkRow, ...]
    paging: Paging
    skus: tuple[SkuChoice, ...]
    channels: tuple[ChannelChoice, ...]
    tags: tuple[Used, ...] = ()
    campaigns: tuple[Used, ...] = ()
    tag: str = ""
    campaign: str = ""


class LinkGuardView(View, frozen=True, kw_only=True):
    """On a link's page: its switch, its destination, what visitors told. ``asks_first``: its host is not proven."""

    is_all_off: bool = False
    asks_first: bool = False
    health: Health | None = None
    reports: tuple[Report, ...] = ()


class ChannelRow(View, frozen=True, kw_only=True):
    """A channel from click to money; ``revenue`` is what stayed after refunds."""

    channel_id: UUID
    name: str
    kind: str
    platform: str
    links: int
    clicks: int  # of people; ``bot_clicks``: of machines
    bot_clicks: int
    orders: int
    promoted_orders: int  # of them, those that an alliance tells and no connected shop
    revenue: tuple[Money, ...]
    refunded: tuple[Money, ...]
    conversion_bps: int  # clicks that led to an order, of all clicks
    click_share: int  # of the busiest channel's clicks, in per cent
    order_share: int  # of this channel's clicks, in per cent, at least 1 where there is an order
    containers: tuple[tuple[str, int], ...] = ()


class CreditRow(View, frozen=True, kw_only=True):
    """What a channel is credited with, one sum for each currency."""

    channel_id: UUID
    name: str
    first_orders: int
    first: tuple[Money, ...]
    last_orders: int
    last: tuple[Money, ...]
    linear: tuple[Money, ...]
    guessed_orders: int
    guessed: tuple[Money, ...]


class ChannelsView(View, frozen=True, kw_only=True):
    """The channels page."""

    rows: tuple[ChannelRow, ...]
    unattributed_orders: int
    unattributed_revenue: tuple[Money, ...]
    credit: tuple[CreditRow, ...] = ()

    @property
    def has_promoted(self) -> bool:
        """Whether orders that only alliances tell are among them."""
        return any(row.promoted_orders for row in self.rows)


class OrderRow(View, frozen=True, kw_only=True):
    """An order with the name of the channel that sold it (empty: not known), and what says so."""

    order: OrderSummary
    channel_name: str
    tie: ShownTie | None = None


class OrdersView(View, frozen=True, kw_only=True):
    """The order desk."""

    rows: tuple[OrderRow, ...]
    paging: Paging
    wanted: OrderFilter
    sources: tuple[str, ...]
    states: tuple[str, ...]


class CostPiece(View, frozen=True, kw_only=True):
    """A piece of a sale; ``kind``: a cost, or what is left. Drawn as ``start`` and ``width`` of ten thousand."""

    kind: str
    amount: Money
    share_bps: int
    tone: int
    start: int
    width: int


class SaleCost(View, frozen=True, kw_only=True):
    """What was taken of one sale beside an agent's part; no pieces where all of the price went back."""

    told: OrderCost
    pieces: tuple[CostPiece, ...]
    agent: tuple[CostPiece, ...]


class TimelineItem(View, frozen=True, kw_only=True):
    """What happened to an order and when."""

    at: datetime
    kind: str
    amount: Money | None = None
    detail: str = ""


class OrderView(View, frozen=True, kw_only=True):
    """One order: lines, money, where it came from, what happened."""

    detail: OrderDetail
    payment: PaymentRow | None
    sale: SaleCost | None
    is_own: bool
    channel_name: str
    link_code: str
    link_title: str
    click_at: datetime | None
    timeline: tuple[TimelineItem, ...]
    refundable: Money
    may_refund: bool
    tie: ShownTie | None = None
    touches: tuple[Touch, ...] = ()


class StockView(View, frozen=True, kw_only=True):
    """The stock page."""

    rows: tuple[StockRow, ...]
    paging: Paging
    search: str
    moves: tuple[StockMoveRow, ...]


class TicketItem(View, frozen=True, kw_only=True):
    """A ticket with its texts in the reader's language."""

    ticket: TicketRow
    sentence: str
    cause: str
    also: str  # what softens the cause; mostly nothing
    fix: str
    subject_href: str


class TicketsView(View, frozen=True, kw_only=True):
    """The tickets page."""

    rows: tuple[TicketItem, ...]
    paging: Paging
    state: str
    staff: dict[str, str] = {}  # names of people by how a ticket calls them


class CapabilityRow(View, frozen=True, kw_only=True):
    """What a connector can do, how far that is proved, and the outside clients that agreed where it is judged."""

    name: str
    proof: str
    judges: tuple[str, ...] = ()


class AccountLine(View, frozen=True, kw_only=True):
    """An account on the platforms page. ``until``: when the first of its certificates ends."""

    connection_id: str
    title: str
    mode: str
    is_active: bool
    since: datetime
    until: datetime | None = None
    is_first: bool = True
    may_change: bool = False


class PlatformCard(View, frozen=True, kw_only=True):
    """A platform with its capabilities and this merchant's accounts on it."""

    platform: str
    title: str
    capabilities: tuple[CapabilityRow, ...]
    needs_account: bool
    accounts: tuple[AccountLine, ...]  # as payments try them
    may_add: bool = False
    takes_payments: bool = False
    signs_pages: bool = False  # for the app that they are open in
    promotes: bool = False  # links to its goods


class ConnectionsView(View, frozen=True, kw_only=True):
    """The platforms page."""

    platforms: tuple[PlatformCard, ...]


class ImportItem(View, frozen=True, kw_only=True):
    """A past import and its figures."""

    run: ImportRow
    rows_read: int
    imported: int
    rejected: int
    merged: int
    orders: int
    total: str
    currency: str
    is_all_refused: bool


class ImportsView(View, frozen=True, kw_only=True):
    """The form for files, and past imports."""

    rows: tuple[ImportItem, ...]
    platforms: tuple[str, ...]
    currencies: tuple[str, ...]
    currency: str


class RefusedRow(View, frozen=True, kw_only=True):
    """A row that was not taken, and why."""

    table: str
    row_no: int
    reason: str


class ImportDoneView(View, frozen=True, kw_only=True):
    """How an import went: rows read = imported + merged + rejected."""

    file_names: str
    rows_read: int
    imported: int
    merged: int
    rejected: int
    orders_new: int
    orders_changed: int
    orders_pending: int  # new ones, or still without a state
    orders_kept: int  # known before, and as they were
    refunds_cut: int  # their refund was told larger than what was paid
    states_unknown: tuple[str, ...]
    lacking_columns: tuple[str, ...]
    total: str
    currency: str
    dry_run: bool
    is_all_refused: bool  # rows were read and none was taken: a failure
    refused: tuple[RefusedRow, ...]


class SettingsView(View, frozen=True, kw_only=True):
    """The merchant, the staff, the keys, and one's own password: ``refusal`` of a change, or that it was changed."""

    merchant: MerchantRow
    staff: tuple[Member, ...]
    keys: tuple[KeyRow, ...]
    refusal: ErrorText | None = None
    is_changed: bool = False
    least: int = PASSWORD_CHARS_MIN
    most: int = PASSWORD_CHARS_MAX


class LoginView(View, frozen=True, kw_only=True):
    """The sign-in page; ``failed`` after a wrong try, ``seconds_left`` while tries are held back."""

    next_path: str
    login: str = ""
    failed: bool = False


class ErrorView(View, frozen=True, kw_only=True):
    """What went wrong, why, and what to do."""

    status: int
    sentence: str
    cause: str
    fix: str
    reference: str = ""
    back_path: str = ""  # the page whose form was refused; empty: the overview
