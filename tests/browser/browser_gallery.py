"""The gallery: every page in every state, by name, with the content of ``browser_samples``."""

from __future__ import annotations

from browser_money import MONEY_GALLERY
from browser_samples import (
    BOOKS,
    CHANNELS_VIEW,
    CONNECTIONS,
    EMPTY_OVERVIEW,
    IMPORT_DONE,
    IMPORT_TRIED,
    IMPORTS,
    LINK,
    LINKS,
    NONE,
    ORDER,
    ORDERS,
    OVERVIEW,
    PAYMENTS,
    SETTINGS,
    STOCK,
    fen,
    tickets,
    uid,
)

from hutong.shops.queries import (
    OrderFilter,
)
from hutong.web.buyer.pages import CHECKOUT_UNKNOWN, LINK_OVER, LINK_UNKNOWN, TROUBLE, CheckoutPage, DesktopPage
from hutong.web.console import views
from hutong.web.errors import PageNotFound, text_for
from hutong.web.i18n import Catalogues, Locale
from hutong.web.qr import qr_svg
from hutong.workflows.commands.wallets import NoWallet


def checkout(state: str, **changes: str) -> CheckoutPage:
    return CheckoutPage(
        checkout_id=str(uid(1)),
        shop="老李日用百货",
        title="手工陶瓷马克杯 釉下彩",
        quantity=1,
        amount=fen(4990),
        state=state,
        method=changes.get("method", "jsapi"),
        order_no=changes.get("order_no", ""),
        problem=changes.get("problem", ""),
    )


def error_view(locale: Locale) -> views.ErrorView:
    text = text_for(PageNotFound(), locale, Catalogues())
    return views.ErrorView(status=404, sentence=text.sentence, cause=text.cause, fix=text.fix, reference="01AB")


DESKTOP = DesktopPage(
    shop="老李日用百货",
    title="手工陶瓷马克杯 釉下彩",
    price=fen(4990),
    qr_svg=qr_svg("https://shop.example.cn/l/k7Qx1mP", "QR"),
)

#: address in the gallery -> (path shown as current, template, view)
GALLERY = {
    **MONEY_GALLERY,
    "overview": ("/", "console/overview.html", OVERVIEW),
    "overview-empty": ("/", "console/overview.html", EMPTY_OVERVIEW),
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
    "stock": ("/stock", "console/stock.html", STOCK),
    "stock-empty": ("/stock", "console/stock.html", views.StockView(rows=(), paging=NONE, search="", moves=())),
    "payments": ("/payments", "console/payments.html", PAYMENTS),
    "payments-empty": (
        "/payments",
        "console/payments.html",
        views.PaymentsView(rows=(), paging=NONE, state="", states=("paid",)),
    ),
    "books": ("/books", "console/books.html", BOOKS),
    "books-empty": (
        "/books",
        "console/books.html",
        views.BooksView(accounts=(), sums=(), batches=(), paging=NONE, statements=()),
    ),
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
    "buyer-problem": (
        "/c/1",
        "buyer/checkout.html",
        lambda locale: checkout("open", problem=text_for(NoWallet(), locale, Catalogues()).sentence, method="h5"),
    ),
    "buyer-waiting": ("/c/1", "buyer/checkout.html", checkout("waiting", order_no="HT2611230001")),
    "buyer-paid": ("/c/1", "buyer/checkout.html", checkout("paid", order_no="HT2611230001")),
    "buyer-failed": ("/c/1", "buyer/checkout.html", checkout("failed")),
    "buyer-closed": ("/c/1", "buyer/checkout.html", checkout("closed", order_no="HT2611230001")),
    "buyer-desktop": ("/b/1", "buyer/desktop.html", DESKTOP),
    "buyer-unknown": ("/l/1", "buyer/message.html", LINK_UNKNOWN),
    "buyer-over": ("/l/1", "buyer/message.html", LINK_OVER),
    "buyer-no-checkout": ("/c/1", "buyer/message.html", CHECKOUT_UNKNOWN),
    "buyer-trouble": ("/c/1", "buyer/message.html", TROUBLE),
    "error": (
        "/x",
        "errors/page.html",
        error_view,
    ),
}
