"""The gallery: every page in every state, by name, with the content of ``browser_samples``."""

from __future__ import annotations

from datetime import UTC, datetime

from browser_accounts import ACCOUNTS_GALLERY
from browser_batches import BATCHES_GALLERY
from browser_bills import BILLS_GALLERY
from browser_books import BOOKS_GALLERY
from browser_clicks import CLICKS_GALLERY
from browser_combined import COMBINED_GALLERY
from browser_comparisons import COMPARISONS_GALLERY
from browser_creator import CREATOR_GALLERY
from browser_editor import EDITOR_GALLERY
from browser_guards import GUARDS_GALLERY
from browser_jumps import JUMPS_GALLERY
from browser_locks import LOCKS_GALLERY
from browser_money import MONEY_GALLERY
from browser_payouts import PAYOUTS_GALLERY
from browser_promotions import PROMOTIONS_GALLERY
from browser_samples import (
    CHANNELS_VIEW,
    CONNECTIONS,
    EMPTY_OVERVIEW,
    HISTORY_OVERVIEW,
    IMPORT_DONE,
    IMPORT_TRIED,
    IMPORTS,
    LINK,
    LINKS,
    NONE,
    ORDER,
    ORDER_ALL_BACK,
    ORDER_DEARER,
    ORDER_OF_UNKNOWN_COST,
    ORDERS,
    OVERVIEW,
    QUIET_OVERVIEW,
    SETTINGS,
    STOCK,
    fen,
    tickets,
    uid,
)
from browser_share import SHARE_GALLERY
from browser_splits import SPLIT_GALLERY
from browser_staff import STAFF_GALLERY
from browser_suspense import SUSPENSE_GALLERY
from browser_ties import CHANNELS_CREDIT, ORDER_GUESSED, ORDER_TOUCHED, ORDERS_TIED
from browser_till import TILL_GALLERY
from browser_walls import WALLS_GALLERY
from browser_webhooks import WEBHOOKS_GALLERY
from msgspec import structs

from hutong.payments.shop_codes import CodeRoom
from hutong.shops.queries import (
    OrderFilter,
)
from hutong.web.buyer.pages import (
    ADDRESS_UNKNOWN,
    CHECKOUT_UNKNOWN,
    CODE_PAUSED,
    LINK_OVER,
    LINK_UNKNOWN,
    TOO_FAST,
    TOO_MUCH,
    TROUBLE,
    WRONG_WAY_IN,
    CheckoutPage,
    DesktopPage,
    PayButton,
    Receipt,
    ReceiptRefund,
    ShopCodePage,
)
from hutong.web.console import views
from hutong.web.errors import PageNotFound, text_for
from hutong.web.i18n import Catalogues, Locale
from hutong.web.qr import qr_svg
from hutong.workflows.commands.wallets import NoWallet

GO = (PayButton(platform="wechatpay", method="jsapi", is_default=True),)
CHOOSE = (PayButton(platform="wechatpay", method="h5"), PayButton(platform="alipay", method="h5"))
SCAN = (PayButton(platform="alipay", method="page"), PayButton(platform="wechatpay", method="native"))
PAID_AT = datetime(2026, 11, 23, 5, 42, 7, tzinfo=UTC)


def refund(amount_fen: int, *, automatic: bool = False, state: str = "succeeded") -> ReceiptRefund:
    return ReceiptRefund(amount=fen(amount_fen), state=state, is_automatic=automatic, at=PAID_AT)


def receipt(*refunds: ReceiptRefund) -> Receipt:
    return Receipt(
        order_no="261123K7QX1MPA",
        platform="wechatpay",
        transaction_id="4200002611202611230000000001",
        paid_at=PAID_AT,
        refunded=fen(0),
        refunds=refunds,
    )


def checkout(state: str, **changes) -> CheckoutPage:
    page = CheckoutPage(
        checkout_id=str(uid(1)),
        shop="老李日用百货",
        title="手工陶瓷马克杯 釉下彩",
        quantity=1,
        amount=fen(4990),
        state=state,
        container="wechat",
        layout="go",
        buttons=GO,
        address="https://shop.example.cn/c/018f0000-0000-7000-8000-000000000001?h=0123456789abcdef01234567",
    )
    if changes.get("layout") == "scan":
        changes["qr_svg"] = qr_svg(page.address, "QR")
    return structs.replace(page, **changes)


def error_view(locale: Locale) -> views.ErrorView:
    text = text_for(PageNotFound(), locale, Catalogues())
    return views.ErrorView(status=404, sentence=text.sentence, cause=text.cause, fix=text.fix, reference="01AB")


DESKTOP = DesktopPage(
    shop="老李日用百货",
    title="手工陶瓷马克杯 釉下彩",
    price=fen(4990),
    qr_svg=qr_svg("https://shop.example.cn/l/k7Qx1mP", "QR"),
)

ROOM = CodeRoom(payment_max=fen(50000), buyer_day_max=fen(50000), code_day_max=fen(2000000), left=fen(1876550))
SHOP_CODE = ShopCodePage(
    code="k7Qx1mPa",
    shop="老李日用百货",
    title="门口早餐摊",
    currency="CNY",
    room=ROOM,
)

#: address in the gallery -> (path shown as current, template, view)
GALLERY = {
    **MONEY_GALLERY,
    **BATCHES_GALLERY,
    **COMPARISONS_GALLERY,
    **JUMPS_GALLERY,
    **LOCKS_GALLERY,
    **SHARE_GALLERY,
    **GUARDS_GALLERY,
    **EDITOR_GALLERY,
    **ACCOUNTS_GALLERY,
    **BILLS_GALLERY,
    **SUSPENSE_GALLERY,
    **BOOKS_GALLERY,
    **CLICKS_GALLERY,
    **COMBINED_GALLERY,
    **CREATOR_GALLERY,
    **PAYOUTS_GALLERY,
    **PROMOTIONS_GALLERY,
    **TILL_GALLERY,
    **SPLIT_GALLERY,
    **STAFF_GALLERY,
    **WALLS_GALLERY,
    **WEBHOOKS_GALLERY,
    "overview": ("/", "console/overview.html", OVERVIEW),
    "overview-empty": ("/", "console/overview.html", EMPTY_OVERVIEW),
    "overview-history": ("/", "console/overview.html", HISTORY_OVERVIEW),
    "overview-quiet": ("/", "console/overview.html", QUIET_OVERVIEW),
    "links": ("/links", "console/links.html", LINKS),
    "links-empty": ("/links", "console/links.html", views.LinksView(rows=(), paging=NONE, skus=(), channels=())),
    "link": ("/links/k7Qx1mP", "console/link.html", LINK),
    "channels": ("/channels", "console/channels.html", CHANNELS_VIEW),
    "channels-empty": (
        "/channels",
        "console/channels.html",
        views.ChannelsView(rows=(), unattributed_orders=0, unattributed_revenue=()),
    ),
    "orders": ("/orders", "console/orders.html", ORDERS),
    "orders-empty": (
        "/orders",
        "console/orders.html",
        views.OrdersView(rows=(), paging=NONE, wanted=OrderFilter(), sources=(), states=("paid",)),
    ),
    "order": ("/orders/1", "console/order.html", ORDER),
    "order-guessed": ("/orders/2", "console/order.html", ORDER_GUESSED),
    "order-touched": ("/orders/1", "console/order.html", ORDER_TOUCHED),
    "orders-tied": ("/orders", "console/orders.html", ORDERS_TIED),
    "channels-credit": ("/channels", "console/channels.html", CHANNELS_CREDIT),
    "order-of-unknown-cost": ("/orders/1", "console/order.html", ORDER_OF_UNKNOWN_COST),
    "order-all-back": ("/orders/1", "console/order.html", ORDER_ALL_BACK),
    "order-dearer": ("/orders/1", "console/order.html", ORDER_DEARER),
    "stock": ("/stock", "console/stock.html", STOCK),
    "stock-empty": ("/stock", "console/stock.html", views.StockView(rows=(), paging=NONE, search="", moves=())),
    "tickets": ("/tickets", "console/tickets.html", tickets),
    "tickets-empty": ("/tickets", "console/tickets.html", views.TicketsView(rows=(), paging=NONE, state="open")),
    "connections": ("/connections", "console/connections.html", CONNECTIONS),
    "imports": ("/imports", "console/imports.html", IMPORTS),
    "imports-empty": (
        "/imports",
        "console/imports.html",
        views.ImportsView(rows=(), platforms=("generic", "taobao"), currencies=("CNY", "GBP"), currency="CNY"),
    ),
    "import-done": ("/imports", "console/import_done.html", IMPORT_DONE),
    "import-tried": ("/imports", "console/import_done.html", IMPORT_TRIED),
    "settings": ("/settings", "console/settings.html", SETTINGS),
    "login": ("/login", "console/login.html", views.LoginView(next_path="/")),
    "login-failed": ("/login", "console/login.html", views.LoginView(next_path="/", login="li", failed=True)),
    "buyer-open": ("/c/1", "buyer/checkout.html", checkout("open")),
    "buyer-choose": (
        "/c/1",
        "buyer/checkout.html",
        checkout("open", container="mobile", layout="choose", buttons=CHOOSE),
    ),
    "buyer-scan": ("/c/1", "buyer/checkout.html", checkout("open", container="desktop", layout="scan", buttons=SCAN)),
    "buyer-mini": ("/c/1", "buyer/checkout.html", checkout("open", container="wechat_mini", layout="scan", buttons=())),
    "buyer-problem": (
        "/c/1",
        "buyer/checkout.html",
        lambda locale: checkout("open", problem=text_for(NoWallet(), locale, Catalogues()).sentence),
    ),
    "buyer-waiting": ("/c/1", "buyer/checkout.html", checkout("waiting")),
    "buyer-unclear": ("/c/1", "buyer/checkout.html", checkout("unknown")),
    "buyer-paid": ("/c/1", "buyer/checkout.html", checkout("paid", receipt=receipt())),
    "buyer-fixed-code": ("/c/1", "buyer/checkout.html", checkout("open", title="门口早餐摊", quantity=0, room=ROOM)),
    "buyer-fixed-code-full": (
        "/c/1",
        "buyer/checkout.html",
        checkout("open", title="门口早餐摊", quantity=0, room=structs.replace(ROOM, left=fen(0))),
    ),
    "buyer-paid-store": (
        "/c/1",
        "buyer/checkout.html",
        checkout("paid", quantity=0, title="门口早餐摊", receipt=receipt(refund(300), refund(150, state="sent"))),
    ),
    "buyer-refunded": ("/c/1", "buyer/checkout.html", checkout("refunded", receipt=receipt(refund(4990)))),
    "buyer-failed": ("/c/1", "buyer/checkout.html", checkout("failed")),
    "buyer-closed": ("/c/1", "buyer/checkout.html", checkout("closed")),
    "buyer-late": ("/c/1", "buyer/checkout.html", checkout("closed", receipt=receipt(refund(4990, automatic=True)))),
    "buyer-code": ("/s/1", "buyer/shop_code.html", SHOP_CODE),
    "buyer-desktop": ("/b/1", "buyer/desktop.html", DESKTOP),
    "buyer-unknown": ("/l/1", "buyer/message.html", LINK_UNKNOWN),
    "buyer-over": ("/l/1", "buyer/message.html", LINK_OVER),
    "buyer-code-paused": ("/s/1", "buyer/message.html", CODE_PAUSED),
    "buyer-no-checkout": ("/c/1", "buyer/message.html", CHECKOUT_UNKNOWN),
    "buyer-astray": ("/c/1", "buyer/message.html", ADDRESS_UNKNOWN),
    "buyer-wrong-way": ("/c/1", "buyer/message.html", WRONG_WAY_IN),
    "buyer-too-much": ("/c/1", "buyer/message.html", TOO_MUCH),
    "buyer-too-fast": ("/s/1", "buyer/message.html", TOO_FAST),
    "buyer-trouble": ("/c/1", "buyer/message.html", TROUBLE),
    "error": (
        "/x",
        "errors/page.html",
        error_view,
    ),
}
