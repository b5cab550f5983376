"""A creator's page as HTML: one answer with its own style, nothing from elsewhere, never kept."""

from __future__ import annotations

import secrets
from typing import Final

import msgspec
from litestar import Response
from litestar.enums import MediaType

from hutong.core.money import Money
from hutong.web.buyer.pages import MessagePage, buyer_headers
from hutong.web.creator.views import CreatorPage
from hutong.web.format import zone_of
from hutong.web.i18n import Locale
from hutong.web.labels import mark
from hutong.web.render import Renderer
from hutong.web.scene import Scene

PAGE_UNKNOWN: Final = MessagePage(
    title=mark("没有这条链接"), text=mark("链接可能没有复制完整。请回到商家发给您的消息里重新打开，或请他再发一次。")
)
PAGE_OVER: Final = MessagePage(
    title=mark("这条链接已经失效"), text=mark("商家换了新链接、停用了它，或它已过期。请向商家要新的链接。")
)
PAGE_CLOSED: Final = MessagePage(
    title=mark("请从商家发的链接打开"),
    text=mark("这个浏览器还没有打开过您的链接，或上次打开已经很久。请回到商家发给您的消息，点开那条链接。"),
)
TOO_MANY: Final = MessagePage(title=mark("试得太多了"), text=mark("请十分钟后再打开，或向商家要新的链接。"))
_NONCE_BYTES: Final = 18
#: The chart in its own units.
CHART_HEIGHT: Final = 60
BAR_STEP: Final = 10
BAR_WIDTH: Final = 8


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A day of the chart; a day on which anything was earned is never without a trace."""

    x: int
    y: int
    height: int


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """Thirty days as bars, and what they add up to."""

    bars: tuple[Bar, ...]
    width: int
    total: Money


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the template takes."""

    page: CreatorPage
    chart: Chart | None
    address: str


class CreatorPages:
    """Renders the pages that a creator can meet."""

    def __init__(self, renderer: Renderer) -> None:
        self.renderer = renderer

    def figures(self, page: CreatorPage, locale: Locale) -> Response[str]:
        """The page itself."""
        shown = Shown(page=page, chart=chart_of(page), address=page_path(page.party_id.hex))
        scene = Scene(path=shown.address, locale=locale, zone=zone_of(page.timezone))
        return self._answer("creator/page.html", shown, scene, 200)

    def message(self, page: MessagePage, locale: Locale, status: int) -> Response[str]:
        """A page that only says something."""
        return self._answer("buyer/message.html", page, Scene(locale=locale), status)

    def _answer(self, template: str, page: msgspec.Struct, scene: Scene, status: int) -> Response[str]:
        nonce = secrets.token_urlsafe(_NONCE_BYTES)
        html = self.renderer.page(template, page, msgspec.structs.replace(scene, nonce=nonce))
        return Response(content=html, status_code=status, media_type=MediaType.HTML, headers=buyer_headers(nonce))


def page_path(party_hex: str) -> str:
    """Where a party's page stands; its cookie goes no further."""
    return f"/me/{party_hex}"


def chart_of(page: CreatorPage) -> Chart | None:
    """The days as bars; None where nothing was earned."""
    most = max((one.amount.amount_minor for one in page.days), default=0)
    if most <= 0:
        return None
    bars = []
    for number, one in enumerate(page.days):
        amount_minor = max(0, one.amount.amount_minor)
        height = max(1, amount_minor * CHART_HEIGHT // most) if amount_minor else 0
        bars.append(Bar(x=number * BAR_STEP, y=CHART_HEIGHT - height, height=height))
    total = sum((one.amount for one in page.days), Money(0, page.days[0].amount.currency))
    return Chart(bars=tuple(bar for bar in bars if bar.height), width=len(page.days) * BAR_STEP, total=total)
