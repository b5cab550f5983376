"""Promoted addresses: on the platform's real hosts, and what each of them stands for.

The forms are those that public pages show: the item's page on ``haohuo.jinritemai.com``, the app's
``snssdk1128://ec_goods_detail/?promotion_id=…&request_additions={… "cps_track": …}`` (a 抖客's own, as dataoke tells),
``z.douyin.com/…?scheme=`` for the zlink. What the page carries the promoter in was nowhere seen: the name
``pick_source`` is from promoters' pages, and what it holds is made up.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import msgspec

from hutong.core.errors import InvalidInput, NotFound
from hutong_sandbox.douyin.accounts import Goods, Promoter
from hutong_sandbox.drbg import LETTERS
from hutong_sandbox.http import Json
from hutong_sandbox.world import World

PAGE: Final = "https://haohuo.jinritemai.com/ecommerce/trade/detail/index.html"
APP: Final = "snssdk1128://ec_goods_detail/"
LITE_APP: Final = "snssdk2329://ec_goods_detail/"
ZLINK: Final = "https://z.douyin.com/"
#: "有效期60天".
ZLINK_LIFE: Final = timedelta(days=60)
QR_PIXELS: Final = 800
PROMOTED_MAX: Final = 2_000_000
TRACK_CHARS: Final = 32
#: An item's page: host and path; the number is ``id``.
_PAGES: Final = frozenset(
    {
        ("haohuo.jinritemai.com", "/ecommerce/trade/detail/index.html"),
        ("haohuo.jinritemai.com", "/views/product/item2"),
        ("haohuo.jinritemai.com", "/views/product/item"),
        ("haohuo.jinritemai.com", "/views/product/detail"),
    }
)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What one promoted address stands for."""

    promoter: Promoter
    goods: Goods
    external_info: str
    made_at: datetime


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a call asks for beside the app's address and its code."""

    share_link: bool
    zlink: bool
    qr_code: bool
    lite: bool


class Addresses:
    """Every promoted address."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.clear()

    def clear(self) -> None:
        """Forget them all."""
        self._drbg = self._world.drbg("douyin addresses")
        self._places: dict[str, Place] = {}

    def make(self, promoter: Promoter, goods: Goods, external_info: str, wanted: Wanted) -> Json:
        """The addresses of one call, as the platform answers."""
        if len(self._places) >= PROMOTED_MAX:
            raise InvalidInput(field="addresses", problem=f"> {PROMOTED_MAX}")
        track = self._drbg.text(TRACK_CHARS, LETTERS)
        additions = msgspec.json.encode(
            {"enter_from": "outer_product_share", "cps_track": track, "product_id": goods.product_id}
        ).decode()
        query = {
            "promotion_id": str(goods.product_id + 1),  # a number of its own: it is not the item's
            "kol_id": promoter.pid.split("_")[3],
            "source_page": "outer_product_share",
            "request_additions": additions,
        }
        deeplink = f"{LITE_APP if wanted.lite else APP}?{urlencode(query)}"
        code = f"6.43 {self._drbg.text(3, LETTERS)}:/ 复制打开抖音，{goods.title} ## {self._drbg.text(12, LETTERS)} ##"
        told: Json = {"dy_deeplink": deeplink, "dy_password": code, "share_link": "", "dy_zlink": ""}
        if wanted.share_link:
            told["share_link"] = (
                f"{PAGE}?id={goods.product_id}&origin_type=open_platform&pick_source=v.{track[:5]}{track}"
            )
        if wanted.zlink:
            told["dy_zlink"] = f"{ZLINK}{track[:4]}?scheme={quote(deeplink, safe='')}"
        if wanted.qr_code:
            told["qr_code"] = {
                "url": f"https://p3-ecom-alliance-sign.ecombdimg.com/{track}.png",
                "width": QR_PIXELS,
                "height": QR_PIXELS,
            }
        place = Place(promoter=promoter, goods=goods, external_info=external_info, made_at=self._world.clock.now())
        for name in ("dy_deeplink", "dy_password", "share_link", "dy_zlink"):
            if told[name]:
                self._places[told[name]] = place
        return told

    def place(self, address: str) -> Place:
        """What an address stands for, as a buyer's app finds it.

        Raises:
            NotFound: nobody was given this address, or its zlink is over.
        """
        found = self._places.get(address)
        if found is None:
            raise NotFound(what="promoted address", key=address[:100])
        if address.startswith(ZLINK) and self._world.clock.now() > found.made_at + ZLINK_LIFE:
            raise NotFound(what="zlink of the last 60 days", key=address[:100])
        return found

    def item(self, given: str) -> int | None:
        """The number of the item that a page's address, another promoter's address, or a plain number names."""
        if given in self._places:
            return self._places[given].goods.product_id
        if given.isascii() and given.isdigit() and len(given) <= TRACK_CHARS:
            return int(given)
        try:
            parts = urlsplit(given)
        except ValueError:
            return None
        number = parse_qs(parts.query).get("id", [""])[0]
        if parts.scheme != "https" or (parts.netloc, parts.path) not in _PAGES:
            return None
        return int(number) if number.isascii() and number.isdigit() and len(number) <= TRACK_CHARS else None
