"""The pages a buyer can meet, as HTML with their security headers."""

from __future__ import annotations

import secrets
from typing import Final

import msgspec
from litestar import Response
from litestar.enums import MediaType

from hutong.core.errors import HutongError
from hutong.core.money import Money
from hutong.web.errors import text_for
from hutong.web.i18n import Locale
from hutong.web.labels import mark
from hutong.web.qr import qr_svg
from hutong.web.render import Renderer
from hutong.web.scene import Scene

#: What a buyer's page may weigh, everything included, so that it opens at once on a bad line.
PAGE_BYTES_MAX: Final = 20_000
_NONCE_BYTES: Final = 18


class CheckoutPage(msgspec.Struct, frozen=True, kw_only=True):
    """The cash desk. ``state`` is open, waiting, paid, failed or closed; ``method`` jsapi, h5 or native."""

    checkout_id: str
    shop: str
    title: str
    quantity: int
    amount: Money
    state: str
    method: str
    order_no: str = ""
    problem: str = ""


class DesktopPage(msgspec.Struct, frozen=True, kw_only=True):
    """The same link again as a QR, for the phone."""

    shop: str
    title: str
    price: Money | None
    qr_svg: str


class MessagePage(msgspec.Struct, frozen=True, kw_only=True):
    """A page that only says something; both are source texts."""

    title: str
    text: str


LINK_UNKNOWN: Final = MessagePage(
    title=mark("没有这条链接"), text=mark("链接可能抄错了一个字，或已经被商家删除。请向发链接的人再要一次。")
)
LINK_OVER: Final = MessagePage(
    title=mark("这条链接已经停用"), text=mark("活动结束，或商家暂停了这条链接。可以联系商家要新的链接。")
)
CHECKOUT_UNKNOWN: Final = MessagePage(
    title=mark("没有这张订单页"), text=mark("地址不完整，或已经过期。请重新打开商家的链接。")
)
TROUBLE: Final = MessagePage(title=mark("暂时打不开"), text=mark("系统出了点问题，没有扣款。请稍后再试。"))


class BuyerPages:
    """Renders buyers' pages; one nonce a response lets its own style and script run and nothing else."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def checkout(self, page: CheckoutPage, locale: Locale) -> Response[str]:
        """The cash desk."""
        return self._answer("buyer/checkout.html", page, locale, 200)

    def desktop(self, *, shop: str, title: str, price: Money | None, address: str, locale: Locale) -> Response[str]:
        """The QR page of a link; ``address`` is the link's own."""
        scene = Scene(locale=locale)
        drawn = qr_svg(address, self._renderer.text(scene, mark("链接的二维码")))
        return self._answer(
            "buyer/desktop.html", DesktopPage(shop=shop, title=title, price=price, qr_svg=drawn), locale, 200
        )

    def message(self, page: MessagePage, locale: Locale, status: int) -> Response[str]:
        """A page that only says something."""
        return self._answer("buyer/message.html", page, locale, status)

    def sentence(self, error: HutongError, locale: Locale) -> str:
        """What an error says to the buyer."""
        return text_for(error, locale, self._renderer.catalogues).sentence

    def _answer(self, template: str, page: msgspec.Struct, locale: Locale, status: int) -> Response[str]:
        nonce = secrets.token_urlsafe(_NONCE_BYTES)
        html = self._renderer.page(template, page, Scene(locale=locale, nonce=nonce))
        return Response(content=html, status_code=status, media_type=MediaType.HTML, headers=buyer_headers(nonce))


def buyer_headers(nonce: str) -> dict[str, str]:
    """Headers of every buyer's page: nothing from elsewhere, never framed, never kept."""
    return {
        "content-security-policy": (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
