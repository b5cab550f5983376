"""Promotion addresses on the platform's real hosts, and what each of them stands for.

Shapes as public clients printed them: the landing page ``duo_coupon_landing.html``, the page that opens the app
(``app.html?launch_url=…``), the app's own scheme, short ones at p.pinduoduo.com; a filing's page has ``__page=auth``.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from urllib.parse import quote, unquote, urlencode

import msgspec

from hutong.core.errors import InvalidInput, NotFound
from hutong_sandbox.drbg import HEX, LETTERS
from hutong_sandbox.http import Json
from hutong_sandbox.pinduoduo.goods import Goods
from hutong_sandbox.pinduoduo.promoters import Promoter
from hutong_sandbox.world import World

ADDRESSES_MAX: Final = 2_000_000
SITE: Final = "https://mobile.yangkeduo.com"
SHORT: Final = "https://p.pinduoduo.com"
SCHEME: Final = "pinduoduo://com.xunmeng.pinduoduo"
#: The mini-program 拼多多福利券.
MINI_PROGRAM: Final = "wxa918198f16869201"
_SIGNED: Final = re.compile(r"cpsSign=(CC_[0-9]{6}_[0-9]+_[0-9]+_[0-9a-f]{32})")


class Stands(msgspec.Struct, frozen=True, kw_only=True):
    """What an address stands for: an item that is promoted, or (without one) the page that files a position."""

    promoter: Promoter
    pid: str
    custom: str
    cps_sign: str
    goods: Goods | None = None


class Addresses:
    """Every address that was given out."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.clear()

    def clear(self) -> None:
        """Forget them."""
        self._drbg = self._world.drbg("pinduoduo addresses")
        self._by_sign: dict[str, Stands] = {}
        self._by_short: dict[str, Stands] = {}

    def make(self, promoter: Promoter, pid: str, custom: str, goods: Goods | None) -> Stands:
        """A new address; each call gives another one, with the same meaning."""
        if len(self._by_sign) >= ADDRESSES_MAX:
            raise InvalidInput(field="addresses", problem=f"> {ADDRESSES_MAX}")
        cps_sign = f"CC_{_day(self._world.clock.now())}_{pid}_{self._drbg.text(32, HEX)}"
        stands = Stands(promoter=promoter, pid=pid, custom=custom, cps_sign=cps_sign, goods=goods)
        self._by_sign[cps_sign] = stands
        return stands

    def found(self, address: str) -> Stands:
        """What an address stands for: as it was given out, or with something added on its way.

        Raises:
            NotFound: it is none of ours.
        """
        short = self._by_short.get(address.partition("?")[0])
        if short is not None:
            return short
        text = address
        for _ in range(3):  # the app's page holds the landing page's address, escaped twice at most
            signed = _SIGNED.search(text)
            if signed is not None and signed[1] in self._by_sign:
                return self._by_sign[signed[1]]
            text = unquote(text)
        raise NotFound(what="address", key=address)

    def wire(self, stands: Stands, *, is_short: bool, is_scheme: bool, is_mini: bool) -> Json:
        """The forms of an address that were asked for."""
        landing = f"duo_coupon_landing.html?{_query(stands)}"
        body: Json = {
            "url": f"{SITE}/{landing}",
            "mobile_url": f"{SITE}/app.html?use_reload=1&launch_url={quote(landing, safe='')}"
            "&campaign=ddjb&cid=launch_dl_force_",
        }
        if is_short:
            body |= {"short_url": self._short(stands), "mobile_short_url": self._short(stands)}
        if is_scheme:
            body["schema_url"] = f"{SCHEME}/{landing}"
        if is_mini:
            page = quote(f"{SITE}/{landing}", safe="")
            body["we_app_info"] = {
                "app_id": MINI_PROGRAM,
                "user_name": "gh_a6611aee87d6",
                "title": stands.goods.title if stands.goods else "认证页",
                "desc": "拼多多，多实惠，多乐趣。",
                "source_display_name": "拼多多福利券",
                "page_path": f"/pages/web/web?specialUrl=1&src={page}",
            }
        return body

    def _short(self, stands: Stands) -> str:
        address = f"{SHORT}/{self._drbg.text(8, LETTERS)}"
        self._by_short[address] = stands
        return address


def _query(stands: Stands) -> str:
    fields: dict[str, str] = {}
    if stands.goods is None:
        fields["__page"] = "auth"
    else:
        fields["goods_id"] = stands.goods.goods_id
    fields["pid"] = stands.pid
    if stands.goods is not None:
        fields["goods_sign"] = stands.goods.goods_sign
    if stands.custom:
        fields["customParameters"] = stands.custom
    return urlencode({**fields, "cpsSign": stands.cps_sign, "duoduo_type": "2"}, quote_via=quote)


def _day(moment: datetime) -> str:
    return moment.strftime("%y%m%d")
