"""Goods that may be promoted: each has the platform's number, and a ``goods_sign`` in its place for promoters."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qs, urlsplit

import msgspec

from hutong.core.errors import InvalidInput, NotFound
from hutong.core.money import BPS_WHOLE, share_bps
from hutong_sandbox.drbg import LETTERS
from hutong_sandbox.http import Json
from hutong_sandbox.refusals import SoldOut
from hutong_sandbox.world import World, count_of, text_of

GOODS_MAX: Final = 100_000
TITLE_CHARS_MAX: Final = 60
DEFAULT_BPS: Final = 1_000
#: Commissions are told in thousandths.
BPS_OF_A_THOUSANDTH: Final = 10
#: Shop pages: the platform's own hosts.
SHOP_HOSTS: Final = frozenset({"mobile.yangkeduo.com", "mobile.pinduoduo.com"})
_NUMBER: Final = re.compile(r"[0-9]{1,20}")


class Goods(msgspec.Struct, kw_only=True):
    """One item. ``commission_bps``: hundredths of a per cent of what the buyer pays."""

    goods_id: str
    goods_sign: str
    sku: str
    title: str
    price_fen: int
    quantity: int
    commission_bps: int

    @property
    def rate(self) -> int:
        """The commission in thousandths (千分比)."""
        return self.commission_bps // BPS_OF_A_THOUSANDTH

    def commission_fen(self, amount_fen: int) -> int:
        """The commission on what was paid."""
        return share_bps(amount_fen, self.rate * BPS_OF_A_THOUSANDTH)

    def row(self) -> Json:
        """As the control port shows it."""
        return {
            "sku": self.sku,
            "title": self.title,
            "quantity": self.quantity,
            "price_fen": self.price_fen,
            "commission_bps": self.commission_bps,
            "goods_id": self.goods_id,
            "goods_sign": self.goods_sign,
            "url": f"https://mobile.yangkeduo.com/goods.html?goods_id={self.goods_id}",
        }


class GoodsShelf:
    """Everything that may be promoted."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.clear()

    def clear(self) -> None:
        """Begin again with the numbers, too."""
        self._drbg = self._world.drbg("pinduoduo goods")
        self._by_sku: dict[str, Goods] = {}

    def all(self) -> list[Goods]:
        """In order of creation."""
        return list(self._by_sku.values())

    def put(self, entry: Json) -> Goods:
        """Create the item, or set its figures; ``goods_id`` is drawn unless it is given."""
        sku = text_of(entry, "sku")
        known = self._by_sku.get(sku)
        if known is None:
            known = self._new(sku, entry)
            self._by_sku[sku] = known
        known.title = text_of(entry, "title", known.title)[:TITLE_CHARS_MAX]
        known.price_fen = count_of(entry, "price_fen", known.price_fen)
        known.quantity = count_of(entry, "quantity", known.quantity)
        known.commission_bps = count_of(entry, "commission_bps", known.commission_bps)
        if known.commission_bps > BPS_WHOLE:
            raise InvalidInput(field="commission_bps", problem=f"0..{BPS_WHOLE}")
        return known

    def sell(self, goods: Goods, quantity: int) -> None:
        """Take pieces off the platform's own figure; it never sells what it does not show."""
        if quantity < 1:
            raise InvalidInput(field="quantity", problem="at least 1")
        if goods.quantity < quantity:
            raise SoldOut(sku=goods.sku, left=goods.quantity, wanted=quantity)
        goods.quantity -= quantity

    def by_sign(self, goods_sign: str) -> Goods | None:
        """The item with this sign."""
        return next((goods for goods in self._by_sku.values() if goods.goods_sign == goods_sign), None)

    def by_id(self, goods_id: str) -> Goods | None:
        """The item with this number."""
        return next((goods for goods in self._by_sku.values() if goods.goods_id == goods_id), None)

    def by_sku(self, sku: str) -> Goods:
        """The item with the shop's own code."""
        if sku not in self._by_sku:
            raise NotFound(what="sku", key=sku)
        return self._by_sku[sku]

    def search(self, keyword: str) -> list[Goods]:
        """By number, by the address of an item's page, or by a part of the title."""
        number = keyword if _NUMBER.fullmatch(keyword) else _number_in(keyword)
        if number:
            found = self.by_id(number)
            return [] if found is None else [found]
        return [goods for goods in self._by_sku.values() if keyword in goods.title]

    def _new(self, sku: str, entry: Json) -> Goods:
        if len(self._by_sku) >= GOODS_MAX:
            raise InvalidInput(field="sku", problem=f"> {GOODS_MAX}")
        goods_id = text_of(entry, "goods_id", str(6 * 10**11 + self._drbg.below(10**11)))
        if not _NUMBER.fullmatch(goods_id) or self.by_id(goods_id) is not None:
            raise InvalidInput(field="goods_id", problem="1-20 digits, of no other item")
        return Goods(
            goods_id=goods_id,
            goods_sign="E9" + self._drbg.text(36, LETTERS) + "_J",
            sku=sku,
            title=text_of(entry, "title", sku)[:TITLE_CHARS_MAX],
            price_fen=100,
            quantity=0,
            commission_bps=DEFAULT_BPS,
        )


def _number_in(address: str) -> str:
    """The item's number in the address of its page; empty where there is none."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return ""
    if host not in SHOP_HOSTS:
        return ""
    return parse_qs(parts.query).get("goods_id", [""])[0]
