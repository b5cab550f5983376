"""The pages a buyer can meet, as HTML with their security headers."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response
from litestar.enums import MediaType

from hutong.core.errors import HutongError
from hutong.core.money import Money
from hutong.links.bios import BioView
from hutong.links.jumps.plan import Step
from hutong.payments.shop_codes import CodeRoom
from hutong.web.errors import text_for
from hutong.web.format import DEFAULT_ZONE
from hutong.web.i18n import Locale
from hutong.web.labels import mark
from hutong.web.qr import qr_svg
from hutong.web.render import Renderer
from hutong.web.scene import Scene
from hutong.web.share import ShareCard
from hutong.workflows.commands.page_configs import SignedPage

#: What a buyer's page may weigh, everything included, so that it opens at once on a bad line.
PAGE_BYTES_MAX: Final = 20_000
_NONCE_BYTES: Final = 18
_UNPAID: Final = frozenset({"open", "waiting", "unknown"})


class PayButton(msgspec.Struct, frozen=True, kw_only=True):
    """A way to pay: which wallet, and how it is reached from here."""

    platform: str
    method: str
    is_default: bool = False


class ReceiptRefund(msgspec.Struct, frozen=True, kw_only=True):
    """Money that went back, or is on its way. Automatic: it came twice or too late."""

    amount: Money
    state: str
    is_automatic: bool
    at: datetime


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What the buyer keeps."""

    order_no: str
    platform: str
    transaction_id: str
    paid_at: datetime | None
    refunded: Money
    refunds: tuple[ReceiptRefund, ...]


class CheckoutPage(msgspec.Struct, frozen=True, kw_only=True):
    """The cash desk. ``state``: open, waiting, unknown, paid, refunded, failed or closed; ``layout``: go, choose, scan.

    ``quantity`` is 0 for an amount without goods. ``address`` is the page itself, for the same buyer on another screen.
    """

    checkout_id: str
    shop: str
    title: str
    quantity: int
    amount: Money
    state: str
    container: str
    layout: str
    buttons: tuple[PayButton, ...]
    address: str
    room: CodeRoom | None = None  # of the shop code that led here, while nothing was paid
    receipt: Receipt | None = None
    problem: str = ""
    qr_svg: str = ""  # of the address; drawn by the renderer where the layout wants it


class ShopCodePage(msgspec.Struct, frozen=True, kw_only=True):
    """The keypad of a shop code, with its limits."""

    code: str
    shop: str
    title: str
    currency: str
    room: CodeRoom


class DesktopPage(msgspec.Struct, frozen=True, kw_only=True):
    """The same link again as a QR, for the phone."""

    shop: str
    title: str
    price: Money | None
    qr_svg: str
    card: ShareCard | None = None


class JumpPage(msgspec.Struct, frozen=True, kw_only=True):
    """Ways from the app the page is open in (``container``) to where the link leads, in order.

    ``tell`` takes what became of each; ``link`` is the link itself, to be opened elsewhere.
    """

    shop: str
    title: str
    destination: str
    container: str
    tell: str
    link: str
    steps: tuple[Step, ...]
    report: str = ""  # where the link is reported
    qr_svg: str = ""  # of the link; drawn by the renderer where a step wants it
    card: ShareCard | None = None


class CardPage(msgspec.Struct, frozen=True, kw_only=True):
    """What a link is shared as; ``signed`` where the page is open in WeChat and the merchant has an account there.
    ``link_url``: the link under the page's own name, which WeChat shares no other than.
    """

    code: str
    card: ShareCard
    signed: SignedPage | None = None
    link_url: str = ""


class LeavingPage(msgspec.Struct, frozen=True, kw_only=True):
    """Where a link leads that leads to no known host: ``host`` as people read it, ``spelt`` as DNS has it."""

    shop: str
    host: str
    spelt: str
    address: str
    report: str


class ReportPage(msgspec.Struct, frozen=True, kw_only=True):
    """A link that somebody wants to report; ``address`` takes the form."""

    shop: str
    link: str
    address: str
    reasons: tuple[str, ...]
    words_chars_max: int


class LockPage(msgspec.Struct, frozen=True, kw_only=True):
    """The password of a link. ``state``: ask, or what became of a guess: wrong, limited, busy, right.

    ``action`` takes the form; ``onward`` is where the right password leads. ``card`` says whose link it is.
    """

    shop: str
    action: str
    state: str
    chars_max: int
    report: str
    card: ShareCard
    onward: str = ""


class BioPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of links, and what it is shared as."""

    bio: BioView
    card: ShareCard
    signed: SignedPage | None = None


class MessagePage(msgspec.Struct, frozen=True, kw_only=True):
    """A page that only says something; both are source texts."""

    title: str
    text: str


LINK_UNKNOWN: Final = MessagePage(
    title=mark("没有这条链接"), text=mark("链接可能抄错了一个字，或已经被商家删除。请向发链接的人再要一次。")
)
LINK_OVER: Final = MessagePage(
    title=mark("这条链接现在打不开了"), text=mark("活动结束，或商家暂停了这条链接。可以联系商家要新的链接。")
)
LINK_EARLY: Final = MessagePage(title=mark("活动还没有开始"), text=mark("这条链接到时候才能打开，请晚一点再来。"))
BIO_OFF: Final = MessagePage(
    title=mark("这个页面暂时关闭了"), text=mark("商家暂停了这里的全部链接。请晚一点再来，或联系商家。")
)
CHECKOUT_UNKNOWN: Final = MessagePage(
    title=mark("没有这张订单页"), text=mark("地址不完整，或已经过期。请重新打开商家的链接。")
)
CODE_UNKNOWN: Final = MessagePage(
    title=mark("没有这个收款码"), text=mark("二维码可能不完整，或已经作废。请问一下店员。")
)
CODE_PAUSED: Final = MessagePage(
    title=mark("这个收款码已经停用"), text=mark("商家暂停了它，没有扣款。请向店员要新的收款码。")
)
ADDRESS_UNKNOWN: Final = MessagePage(
    title=mark("没有这个页面"),
    text=mark("地址可能没有复制完整，或多了几个字。请回到商家发给您的消息里重新打开，或请他再发一次。"),
)
REPORTED: Final = MessagePage(
    title=mark("谢谢，已经告诉商家"), text=mark("商家会去看这条链接。如果您已经付了钱，请同时联系付款的钱包客服。")
)
REPORTS_FULL: Final = MessagePage(
    title=mark("已经收到很多举报"), text=mark("这条链接或您所在的网络刚刚举报过多次，商家已经知道，不用再报。")
)
WRONG_WAY_IN: Final = MessagePage(
    title=mark("请重新打开这个页面"), text=mark("这个地址要从链接或二维码打开，不能这样提交；没有扣款。")
)
TOO_MUCH: Final = MessagePage(title=mark("发送的内容太大"), text=mark("没有收下，也没有扣款。请重新打开商家的链接。"))
TOO_FAST: Final = MessagePage(title=mark("打开得太频繁了"), text=mark("没有扣款。请稍等一分钟再打开，或问一下店员。"))
LINK_BUSY: Final = MessagePage(
    title=mark("打开得太频繁了"), text=mark("这条链接或您所在的网络一下子来了太多次访问。请等十几秒再打开。")
)
TROUBLE: Final = MessagePage(title=mark("暂时打不开"), text=mark("系统出了点问题，没有扣款。请稍后再试。"))


class BuyerPages:
    """Renders buyers' pages; one nonce a response lets its own style and script run and nothing else."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def checkout(
        self, page: CheckoutPage, locale: Locale, *, zone: ZoneInfo = DEFAULT_ZONE, is_big: bool = False
    ) -> Response[str]:
        """The cash desk; ``is_big`` asks for large type."""
        scene = Scene(locale=locale, zone=zone, query="big=1" if is_big else "")
        if page.layout == "scan" and page.state in _UNPAID:
            drawn = qr_svg(page.address, self._renderer.text(scene, mark("收银台的二维码")))
            page = msgspec.structs.replace(page, qr_svg=drawn)
        return self._answer("buyer/checkout.html", page, scene, 200)

    def shop_code(self, page: ShopCodePage, locale: Locale, *, is_big: bool = False) -> Response[str]:
        """The keypad of a shop code."""
        scene = Scene(locale=locale, query="big=1" if is_big else "")
        return self._answer("buyer/shop_code.html", page, scene, 200)

    def desktop(
        self,
        *,
        shop: str,
        title: str,
        price: Money | None,
        address: str,
        locale: Locale,
        card: ShareCard | None = None,
    ) -> Response[str]:
        """The QR page of a link; ``address`` is the link's own."""
        scene = Scene(locale=locale)
        drawn = qr_svg(address, self._renderer.text(scene, mark("链接的二维码")))
        page = DesktopPage(shop=shop, title=title, price=price, qr_svg=drawn, card=card)
        return self._answer("buyer/desktop.html", page, scene, 200)

    def card(self, page: CardPage, locale: Locale) -> Response[str]:
        """What a link is shared as."""
        script_url = "" if page.signed is None else page.signed.script_url
        return self._answer("buyer/card.html", page, Scene(locale=locale), 200, script_url)

    def bio(self, page: BioPage, locale: Locale) -> Response[str]:
        """A page of links."""
        script_url = "" if page.signed is None else page.signed.script_url
        return self._answer("buyer/bio.html", page, Scene(locale=locale), 200, script_url)

    def jump(self, page: JumpPage, locale: Locale) -> Response[str]:
        """The ways to where a link leads."""
        scene = Scene(locale=locale)
        if any(step.kind == "qr" for step in page.steps):
            drawn = qr_svg(page.link, self._renderer.text(scene, mark("链接的二维码")))
            page = msgspec.structs.replace(page, qr_svg=drawn)
        return self._answer("buyer/jump.html", page, scene, 200)

    def leaving(self, page: LeavingPage, locale: Locale) -> Response[str]:
        """The page that asks before it leads to a host that is not known."""
        return self._answer("buyer/leaving.html", page, Scene(locale=locale), 200)

    def report(self, page: ReportPage, locale: Locale) -> Response[str]:
        """The form that reports a link."""
        return self._answer("buyer/report.html", page, Scene(locale=locale), 200, form_action="'self'")

    def lock(self, page: LockPage, locale: Locale, status: int, *, is_big: bool = False) -> Response[str]:
        """The page that asks for a link's password; after the right one it goes on by itself."""
        scene = Scene(locale=locale, query="big=1" if is_big else "")
        about = self._renderer.text(scene, mark("要密码才能打开"))
        page = msgspec.structs.replace(page, card=msgspec.structs.replace(page.card, about=about))
        return self._answer("buyer/lock.html", page, scene, status, form_action="'self'")

    def message(self, page: MessagePage, locale: Locale, status: int) -> Response[str]:
        """A page that only says something."""
        return self._answer("buyer/message.html", page, Scene(locale=locale), status)

    def sentence(self, error: HutongError, locale: Locale) -> str:
        """What an error says to the buyer."""
        return text_for(error, locale, self._renderer.catalogues).sentence

    def _answer(
        self,
        template: str,
        page: msgspec.Struct,
        scene: Scene,
        status: int,
        script_url: str | None = None,
        *,
        form_action: str = "'none'",
    ) -> Response[str]:
        nonce = secrets.token_urlsafe(_NONCE_BYTES)
        html = self._renderer.page(template, page, msgspec.structs.replace(scene, nonce=nonce))
        headers = buyer_headers(nonce, form_action) if script_url is None else shared_headers(nonce, script_url)
        return Response(content=html, status_code=status, media_type=MediaType.HTML, headers=headers)


def shared_headers(nonce: str, script_url: str) -> dict[str, str]:
    """Headers of a page that is made to be shared: it shows our pictures, and may load one script of the app it is in.

    ``script_url`` names it; empty: none. A simulated app has the script ask the sandbox, which is named as well then.
    """
    host = f"{urlsplit(script_url).scheme}://{urlsplit(script_url).netloc}" if script_url else ""
    asks = host if host.startswith("http://") else ""
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}' {host}; style-src 'nonce-{nonce}'; img-src 'self' data:; "
        f"connect-src 'self' {asks}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {**buyer_headers(nonce), "content-security-policy": policy.replace(" ;", ";")}


def buyer_headers(nonce: str, form_action: str = "'none'") -> dict[str, str]:
    """Headers of every buyer's page: nothing from elsewhere, never framed, never kept, its address told to nobody else.

    A form that a page with ``no-referrer`` sends, even to its own host, has ``Origin: null`` (Fetch, "append a request
    ``Origin`` header"), by which it cannot be told from another site's.
    """
    return {
        "content-security-policy": (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; "
            f"connect-src 'self'; base-uri 'none'; form-action {form_action}; frame-ancestors 'none'"
        ),
        "cache-control": "no-store",
        "referrer-policy": "no-referrer" if form_action == "'none'" else "same-origin",
        "x-content-type-options": "nosniff",
    }
