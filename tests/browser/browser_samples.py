"""Views with invented figures, for looking at every page without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec

from hutong.analytics.costs import ChannelCost
from hutong.analytics.order_costs import OrderCost
from hutong.core.money import Money
from hutong.links.queries import ChannelChoice, ContainerCount, LinkSummary
from hutong.links.standing import Standing
from hutong.links.tags import Sorting, Used
from hutong.merchants.queries import KeyRow, MerchantRow, TicketRow
from hutong.merchants.staff import Role
from hutong.merchants.staffing import Member
from hutong.payments.queries import AttemptRow, PaymentRow, RefundRow
from hutong.shops.queries import (
    ImportRow,
    ListingRow,
    OrderDetail,
    OrderFilter,
    OrderLineRow,
    OrderSummary,
    SkuChoice,
    StockMoveRow,
    StockRow,
)
from hutong.web.charts import BarChart
from hutong.web.console import order_bars, views
from hutong.web.console.link_views import LinkView
from hutong.web.console.paging import Paging
from hutong.web.console.ticket_texts import ticket_text
from hutong.web.format import Formats
from hutong.web.i18n import Catalogues, Locale
from hutong.web.qr import qr_svg

NOW = datetime(2026, 11, 23, 7, 30, 12, tzinfo=UTC)


def uid(number: int) -> UUID:
    return UUID(int=(7 << 76) | (2 << 62) | number)


def fen(amount: int) -> Money:
    return Money.fen(amount)


PAGING = Paging(first=31, last=60, total=1284, previous_href="/orders", next_href="/orders?page=3")
SINGLE = Paging(first=1, last=3, total=3, previous_href="", next_href="")

MONTHS = tuple(
    views.MonthRevenue(
        month=date(2026, month, 1), revenue=fen(1_250_000 + month * 183_391 - (month % 3) * 400_000), orders=100 + month
    )
    for month in range(1, 12)
)


def chart(months: tuple[views.MonthRevenue, ...]) -> BarChart:
    return BarChart(
        labels=tuple(m.month.isoformat()[:7] for m in months),
        values=tuple(m.revenue.amount_minor for m in months),
        value_texts=tuple(f"¥{m.revenue.decimal_text()}" for m in months),
        title="2026",
        minor_digits=2,
    )


OVERVIEW = views.OverviewView(
    period="30d",
    quiet_since=None,
    sales=(fen(12_843_050), Money(938_214, "GBP")),
    refunded=(fen(99_800),),
    orders=1284,
    visits=39_120,
    converted_visits=1107,
    attention=(
        views.AttentionItem(kind="tickets", count=3, href="/tickets"),
        views.AttentionItem(kind="shortages", count=1, href="/orders?short=1"),
        views.AttentionItem(kind="to_ship", count=27, href="/orders?state=paid"),
    ),
    currency="CNY",
    months=MONTHS,
    chart=chart(MONTHS),
    products=tuple(
        views.ProductSales(title=title, quantity=quantity, revenue=fen(revenue))
        for title, _code, quantity, revenue in [
            ("手工陶瓷马克杯 釉下彩", "MUG-01", 412, 2_043_588),
            ("竹编收纳篮 大号 带盖 可折叠 客厅卧室通用", "BASKET-L-2026", 260, 1_819_740),
            ("纯棉毛巾三条装", "TOWEL-3", 188, 563_812),
            ("桂花乌龙茶 100 克", "TEA-OSM-100", 97, 475_300),
        ]
    ),
    repeat=views.RepeatFigures(customers=3120, repeat_customers=842),
    has_anything=True,
)
EMPTY_OVERVIEW = views.OverviewView(
    period="7d",
    quiet_since=None,
    sales=(fen(0),),
    refunded=(),
    orders=0,
    visits=0,
    converted_visits=0,
    attention=(),
    currency="CNY",
    months=(),
    chart=None,
    products=(),
    repeat=views.RepeatFigures(customers=0, repeat_customers=0),
    has_anything=False,
)
HISTORY_OVERVIEW = msgspec.structs.replace(
    OVERVIEW, period="all", quiet_since=NOW - timedelta(days=400), sales=(Money(250_031_563, "USD"),), refunded=()
)
QUIET_OVERVIEW = msgspec.structs.replace(OVERVIEW, period="today", sales=(Money(0, "USD"),), refunded=(), products=())


def link_summary(number: int, title: str, channel: str, kind: str, platform: str) -> LinkSummary:
    containers = (
        ContainerCount(container="wechat", clicks=number * 310),
        ContainerCount(container="weibo", clicks=number * 122),
        ContainerCount(container="desktop", clicks=number * 9),
    )
    return LinkSummary(
        link_id=uid(number),
        code=f"k7Qx{number}mP",
        title=title,
        destination="checkout",
        url=None,
        sku_id=uid(1),
        state="active" if number != 2 else "disabled",
        standing=Standing.ACTIVE if number != 2 else Standing.OFF,
        created_at=NOW - timedelta(days=number),
        expires_at=None,
        channel_id=uid(number),
        channel_name=channel,
        channel_kind=kind,
        channel_platform=platform,
        clicks=sum(c.clicks for c in containers),
        bot_clicks=number,
        containers=containers,
    )


LINK_ROWS = tuple(
    views.LinkRow(
        link=link_summary(number, title, channel, kind, platform),
        address=f"https://shop.example.cn/l/k7Qx{number}mP",
        orders=number * 12,
        revenue=(fen(number * 238_812),),
        days=tuple((number * 7 + day * day * 5) % 23 if number < 3 else 0 for day in range(14)),
        sorting=Sorting(tags=("新品", "主推款"), campaign="双十一") if number == 1 else Sorting(),
    )
    for number, (title, channel, kind, platform) in enumerate(
        [
            ("十一月新品微博", "老李的微博", "post", "weibo"),
            ("国庆直播专属链接", "快手直播间", "live", "kuaishou"),
            ("门店海报 3 号桌", "门店海报", "poster", "other"),
        ],
        start=1,
    )
)
SKUS = (
    SkuChoice(sku_id=uid(1), product_id=uid(11), seller_code="MUG-01", title="手工陶瓷马克杯 釉下彩", price=fen(4990)),
)
CHANNELS = (ChannelChoice(channel_id=uid(1), name="老李的微博", kind="post", platform="weibo"),)
LINKS = views.LinksView(
    rows=LINK_ROWS,
    paging=SINGLE,
    skus=SKUS,
    channels=CHANNELS,
    tags=(Used(name="新品", links=12), Used(name="主推款", links=3)),
    campaigns=(Used(name="双十一", links=40),),
    tag="新品",
)
LINK = LinkView(row=LINK_ROWS[0], qr_svg=qr_svg(LINK_ROWS[0].address, "QR"), sku_code="MUG-01")
CHANNELS_VIEW = views.ChannelsView(
    rows=tuple(
        views.ChannelRow(
            channel_id=uid(clicks),
            name=name,
            kind=kind,
            platform=platform,
            links=links,
            clicks=clicks,
            bot_clicks=clicks // 40,
            orders=orders,
            promoted_orders=orders // 9 if kind == "post" else 0,
            revenue=(fen(revenue),),
            refunded=(fen(revenue // 50),),
            conversion_bps=orders * 10_000 // clicks,
            click_share=share,
            order_share=order_share,
            containers=(("wechat", clicks // 2), ("weibo", clicks - clicks // 2)),
        )
        for name, kind, platform, links, clicks, orders, revenue, share, order_share in [
            ("老李的微博", "post", "weibo", 3, 12_044, 602, 3_003_980, 100, 5),
            ("快手直播间", "live", "kuaishou", 1, 8_310, 911, 4_545_890, 69, 11),
            ("门店海报", "poster", "other", 12, 233, 41, 204_590, 2, 18),
        ]
    ),
    unattributed_orders=37,
    unattributed_revenue=(fen(184_630),),
)


def order(number: int, source: str, state: str, **changes: object) -> OrderSummary:
    values: dict[str, object] = {
        "order_id": uid(number),
        "order_no": f"28710{number}4420617033",
        "source": source,
        "origin": "pull",
        "state": state,
        "raw_status": "",
        "is_refund": False,
        "is_short": False,
        "total": fen(9980 + number * 100),
        "paid": fen(9980 + number * 100),
        "refunded": fen(0),
        "freight": fen(0),
        "placed_at": NOW - timedelta(hours=number),
        "paid_at": NOW - timedelta(hours=number) + timedelta(seconds=41),
        "channel_id": uid(1),
        "link_id": uid(1),
        "click_id": uid(1),
        "customer_id": uid(1),
        "container": "wechat",
        "first_title": "手工陶瓷马克杯 釉下彩",
        "lines_count": 1,
        "quantity": 2,
    }
    return OrderSummary(**{**values, **changes})  # type: ignore[arg-type]


ORDER_ROWS = (
    views.OrderRow(order=order(1, "own", "paid"), channel_name="老李的微博"),
    views.OrderRow(order=order(2, "taobao", "paid", is_short=True), channel_name=""),
    views.OrderRow(order=order(3, "taobao", "shipped", lines_count=3, quantity=5), channel_name=""),
    views.OrderRow(order=order(4, "own", "refunded", refunded=fen(10_380)), channel_name="快手直播间"),
    views.OrderRow(
        order=order(5, "generic", "completed", total=Money(1530, "GBP"), first_title="WHITE METAL LANTERN"),
        channel_name="",
    ),
    views.OrderRow(order=order(6, "own", "unpaid"), channel_name="门店海报"),
)
ORDERS = views.OrdersView(
    rows=ORDER_ROWS,
    paging=PAGING,
    wanted=OrderFilter(),
    sources=("generic", "own", "taobao"),
    states=("unpaid", "paid", "shipped", "completed", "refunded", "closed"),
)
PAYMENT = PaymentRow(
    payment_id=uid(1),
    order_id=uid(1),
    state="partly_refunded",
    amount=fen(10_080),
    refunded=fen(5000),
    created_at=NOW,
    expires_at=NOW + timedelta(minutes=30),
    paid_at=NOW + timedelta(seconds=30),
    captured_attempt_id=uid(2),
    attempts=(
        AttemptRow(
            attempt_id=uid(1),
            connection_id=uid(1),
            refusal="",
            queries_count=3,
            expires_at=NOW + timedelta(minutes=30),
            platform="wechatpay",
            method="native",
            out_trade_no="HT20261123A0001",
            transaction_id=None,
            state="closed",
            amount=fen(10_080),
            created_at=NOW,
            paid_at=None,
        ),
        AttemptRow(
            attempt_id=uid(2),
            connection_id=uid(1),
            refusal="",
            queries_count=0,
            expires_at=NOW + timedelta(minutes=30),
            platform="wechatpay",
            method="jsapi",
            out_trade_no="HT20261123A0002",
            transaction_id="4200002187202611230098765432",
            state="paid",
            amount=fen(10_080),
            created_at=NOW,
            paid_at=NOW + timedelta(seconds=30),
        ),
    ),
    refunds=(
        RefundRow(
            refund_id=uid(1),
            payment_id=uid(1),
            order_id=uid(1),
            platform="wechatpay",
            out_refund_no="HTR20261123A0001",
            state="succeeded",
            cause="requested",
            reason="买家申请退款",
            actor="",
            problem="",
            amount=fen(5000),
            created_at=NOW + timedelta(hours=2),
            finished_at=NOW + timedelta(hours=2, minutes=1),
        ),
    ),
)
ORDER = views.OrderView(
    detail=OrderDetail(
        order=order(1, "own", "paid", refunded=fen(5000)),
        lines=(
            OrderLineRow(
                title="手工陶瓷马克杯 釉下彩",
                variant="青花",
                seller_code="MUG-01",
                quantity=2,
                short_quantity=0,
                unit_price=Decimal("49.9"),
                amount=fen(9980),
                refunded=fen(5000),
            ),
            OrderLineRow(
                title="包装纸",
                variant="",
                seller_code="",
                quantity=1,
                short_quantity=1,
                unit_price=Decimal("1.000000"),
                amount=fen(100),
                refunded=fen(0),
            ),
        ),
        lines_left_out=0,
    ),
    payment=PAYMENT,
    sale=order_bars.sale_cost(
        OrderCost(
            cost=ChannelCost(
                channel_id=uid(1),
                source="own",
                orders_count=1,
                gross=fen(10_080),
                refunded=fen(5000),
                wallet_fee=fen(30),
                commission=fen(508),
                platform_fee=fen(0),
                unbilled=fen(0),
            ),
            agent_rate_bps=3_500,
        )
    ),
    is_own=True,
    channel_name="老李的微博",
    link_code="k7Qx1mP",
    link_title="十一月新品微博",
    click_at=NOW - timedelta(hours=1, minutes=2),
    timeline=(
        views.TimelineItem(at=NOW - timedelta(hours=1, minutes=2), kind="clicked"),
        views.TimelineItem(at=NOW - timedelta(hours=1), kind="placed"),
        views.TimelineItem(at=NOW - timedelta(minutes=59), kind="paid", amount=fen(10_080)),
        views.TimelineItem(at=NOW, kind="refunded", amount=fen(5000), detail="HTR20261123A0001"),
    ),
    refundable=fen(5080),
    may_refund=True,
)


def order_costing(source: str, refunded: int, **costs: int) -> views.OrderView:
    """An order of 100.80 as it stands with other costs."""
    whole = dict.fromkeys(("wallet_fee", "commission", "platform_fee", "unbilled"), 0) | costs
    cost = ChannelCost(
        channel_id=None,
        source=source,
        orders_count=1,
        gross=fen(10_080),
        refunded=fen(refunded),
        **{kind: fen(amount) for kind, amount in whole.items()},
    )
    detail = msgspec.structs.replace(ORDER.detail, order=order(1, source, "paid", refunded=fen(refunded)))
    sale = order_bars.sale_cost(OrderCost(cost=cost, agent_rate_bps=3_500))
    return msgspec.structs.replace(ORDER, detail=detail, sale=sale, is_own=source == "own")


ORDER_OF_UNKNOWN_COST = order_costing("taobao", 0, unbilled=10_080)
ORDER_ALL_BACK = order_costing("own", 10_080)
ORDER_DEARER = order_costing("taobao", 80, commission=4_000, platform_fee=500)
STOCK = views.StockView(
    rows=(
        StockRow(
            sku_id=uid(1),
            seller_code="MUG-01",
            title="手工陶瓷马克杯 釉下彩",
            variant="青花",
            price=fen(4990),
            on_hand=8,
            reserved=1,
            listings=(ListingRow(platform="taobao", platform_listing_id="6801", pushed_quantity=7, pushed_at=NOW),),
        ),
        StockRow(
            sku_id=uid(2),
            seller_code="BASKET-L-2026",
            title="竹编收纳篮 大号 带盖 可折叠 客厅卧室通用",
            variant="",
            price=fen(12_900),
            on_hand=3,
            reserved=3,
            listings=(ListingRow(platform="taobao", platform_listing_id="6802", pushed_quantity=1, pushed_at=NOW),),
        ),
        StockRow(
            sku_id=uid(3),
            seller_code="TEA-OSM-100",
            title="桂花乌龙茶 100 克",
            variant="",
            price=fen(4900),
            on_hand=1240,
            reserved=0,
            listings=(),
        ),
    ),
    paging=SINGLE,
    search="",
    moves=tuple(
        StockMoveRow(
            moved_at=NOW - timedelta(minutes=n),
            kind=kind,
            seller_code="MUG-01",
            on_hand_delta=on_hand,
            reserved_delta=reserved,
            subject="order:1",
        )
        for n, (kind, on_hand, reserved) in enumerate(
            [("put_back", 1, 0), ("sell", -1, -1), ("reserve", 0, 1), ("receive", 10, 0)]
        )
    ),
)
TICKET_ROWS = tuple(
    TicketRow(
        ticket_id=uid(number),
        kind=kind,
        severity="urgent" if number % 2 else "normal",
        subject_kind="order",
        subject_id=str(uid(1)),
        details=details,
        state="open",
        opened_at=NOW,
        resolved_at=None,
    )
    for number, (kind, details) in enumerate(
        [
            (
                "stock_short",
                {"source": "taobao", "order_no": "28710244", "missing_quantity": 2, "seller_code": "MUG-01"},
            ),
            ("refund_abnormal", {"amount_minor": 5000, "currency": "CNY"}),
            ("surplus_captured", {"platform": "wechatpay", "amount_minor": 4990, "currency": "CNY"}),
            ("notice_mismatched", {"platform": "wechatpay", "out_trade_no": "HT1", "amount_minor": 1}),
            ("job_failed", {}),
            ("clicks_lost", {"count": 3}),
            (
                "account_refused",
                {
                    "platform": "pinduoduo_alliance",
                    "title": "DDJB-1",
                    "code": "10019",
                    "message": "access_token expired",
                },
            ),
            (
                "certificate_ending",
                {"platform": "alipay", "title": "2088-1", "certificate": "app_cert", "ends_on": "2026-12-17"},
            ),
        ]
    )
)


def tickets(locale: Locale) -> views.TicketsView:
    """Tickets in the reader's language, as the console makes them."""
    translate = Catalogues().of(locale).ugettext
    told = [(ticket, ticket_text(ticket, translate, Formats(locale))) for ticket in TICKET_ROWS]
    return views.TicketsView(
        rows=tuple(
            views.TicketItem(ticket=ticket, sentence=sentence, cause=cause, also="", fix=fix, subject_href="/orders/1")
            for ticket, (sentence, cause, fix) in told
        ),
        paging=SINGLE,
        state="open",
    )


CONNECTIONS = views.ConnectionsView(
    platforms=(
        views.PlatformCard(
            platform="wechatpay",
            title="微信支付",
            capabilities=(
                views.CapabilityRow(name="payments", proof="judged", judges=("wechatpayv3", "wechatpy")),
                views.CapabilityRow(name="callbacks", proof="judged", judges=("wechatpayv3",)),
                views.CapabilityRow(name="identity", proof="simulated"),
            ),
            needs_account=True,
            accounts=(
                views.AccountLine(
                    connection_id=str(uid(1)), title="沙盒商户号", mode="sandbox", is_active=True, since=NOW
                ),
                views.AccountLine(
                    connection_id=str(uid(2)),
                    title="总店商户号",
                    mode="live",
                    is_active=False,
                    since=NOW,
                    until=NOW,
                    is_first=False,
                    may_change=True,
                ),
            ),
            may_add=True,
            takes_payments=True,
        ),
        views.PlatformCard(
            platform="taobao",
            title="淘宝",
            capabilities=(
                views.CapabilityRow(name="orders", proof="simulated"),
                views.CapabilityRow(name="stock", proof="unverified"),
                views.CapabilityRow(name="order_files", proof="file-tested"),
            ),
            needs_account=True,
            accounts=(),
        ),
    )
)
IMPORTS = views.ImportsView(
    rows=(
        views.ImportItem(
            run=ImportRow(platform="generic", file_names="online_retail_part1.csv.gz", imported_at=NOW, figures={}),
            rows_read=120_000,
            imported=118_004,
            rejected=12,
            merged=1984,
            orders=5203,
            total="2153941.88",
            currency="GBP",
            is_all_refused=False,
        ),
    ),
    platforms=("generic", "taobao"),
    currencies=("CNY", "GBP"),
    currency="CNY",
)
IMPORT_DONE = views.ImportDoneView(
    file_names="ExportOrderList202611230001.csv, ExportItemList202611230001.csv",
    rows_read=1204,
    imported=1180,
    merged=22,
    rejected=2,
    orders_new=603,
    orders_changed=4,
    orders_pending=3,
    orders_kept=2,
    refunds_cut=1,
    states_unknown=("外星状态",),
    lacking_columns=("ExportOrderList202611230001.csv: 订单状态",),
    total="88412.50",
    currency="CNY",
    dry_run=False,
    is_all_refused=False,
    refused=(
        views.RefusedRow(
            table="ExportOrderList202611230001.csv", row_no=17, reason="订单号 2.3E+18 已被表格软件改坏。"
        ),
        views.RefusedRow(table="ExportOrderList202611230001.csv", row_no=1204, reason="合计行，不是订单。"),
    ),
)
IMPORT_TRIED = msgspec.structs.replace(IMPORT_DONE, dry_run=True, rejected=0, refused=())
STAFF = tuple(
    Member(
        staff_id=uid(number),
        name=name,
        login=login,
        role=role,
        created_at=NOW - timedelta(days=40),
        disabled_at=NOW if number == 4 else None,
        last_in_at=NOW - timedelta(hours=number) if number % 2 else None,
    )
    for number, (name, login, role) in enumerate(
        [
            ("李明", "li@example.cn", Role.OWNER),
            ("王芳", "wang.fang", Role.CASHIER),
            ("欧阳建国", "ouyangjianguo.changshanlu.shop@example.com.cn", Role.MANAGER),
            ("Zoë", "zoe", Role.CLERK),
        ],
        start=1,
    )
)
SETTINGS = views.SettingsView(
    merchant=MerchantRow(name="老李日用百货", currency="CNY", timezone="Asia/Shanghai"),
    staff=STAFF,
    keys=(KeyRow(name="story", scopes=("orders:read", "links:write"), created_at=NOW, revoked_at=None),),
)
NONE = Paging(first=0, last=0, total=0, previous_href="", next_href="")
