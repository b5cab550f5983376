"""Goods that shops let promoters sell: those of a simulated shop, and those of shops that nobody simulates."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import msgspec

from hutong.core.errors import InvalidInput, NotFound
from hutong_sandbox.http import Json
from hutong_sandbox.refusals import SoldOut
from hutong_sandbox.taobao.accounts import Shop, Shops, Sku
from hutong_sandbox.world import World, count_of, text_of

GOODS_MAX: Final = 100_000
TITLE_CHARS_MAX: Final = 60
COMMISSION_BPS: Final = 1000
COMMISSION_BPS_MAX: Final = 9000
ITEM_HOSTS: Final = frozenset({"item.taobao.com", "detail.tmall.com", "detail.m.tmall.com", "h5.m.taobao.com"})
_NUMBER: Final = re.compile(r"[0-9]{5,15}")


class Good(msgspec.Struct, kw_only=True):
    """One item with its commission. Of a simulated shop's it has the SKU that buyers get, and no figures of its own."""

    item_id: str
    outer_id: str
    commission_bps: int
    shop: Shop | None = None
    sku: Sku | None = None
    own_title: str = ""
    own_price_fen: int = 0
    own_quantity: int = 0

    @property
    def title(self) -> str:
        """As the item's page has it."""
        return self.sku.title if self.sku else self.own_title

    @property
    def price_fen(self) -> int:
        """Of one piece."""
        return self.sku.price_fen if self.sku else self.own_price_fen

    @property
    def quantity(self) -> int:
        """Pieces that the item's page shows."""
        return self.sku.quantity if self.sku else self.own_quantity

    def sell(self, quantity: int) -> None:
        """Take pieces off the figure of goods that no simulated shop has."""
        if quantity < 1:
            raise InvalidInput(field="quantity", problem="at least 1")
        if self.own_quantity < quantity:
            raise SoldOut(sku=self.outer_id, left=self.own_quantity, wanted=quantity)
        self.own_quantity -= quantity


class Goods:
    """Everything that can be promoted, by the number of its page."""

    def __init__(self, world: World, shops: Shops) -> None:
        self._world = world
        self._shops = shops
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._drbg = self._world.drbg("taobao_alliance goods")
        self._by_item: dict[str, Good] = {}

    def all(self) -> list[Good]:
        """In order of creation."""
        return list(self._by_item.values())

    def find(self, item_id: str) -> Good | None:
        """The item with this number."""
        return self._by_item.get(item_id)

    def put(self, entry: Json, merchant: str) -> Good:
        """Let an item be promoted, or set its figures: a simulated shop's (by ``goods_id`` and ``sku``, or by the
        merchant's own ``sku``), or one of a shop that nobody simulates.
        """
        commission_bps = count_of(entry, "commission_bps", COMMISSION_BPS)
        if commission_bps > COMMISSION_BPS_MAX:
            raise InvalidInput(field="commission_bps", problem=f"0..{COMMISSION_BPS_MAX}")
        outer_id, goods_id = text_of(entry, "sku"), entry.get("goods_id")
        if goods_id is not None and not (isinstance(goods_id, str) and _NUMBER.fullmatch(goods_id)):
            raise InvalidInput(field="goods_id", problem="5-15 digits")
        found = self._of_a_shop(outer_id, goods_id, merchant)
        if found is not None:
            shop, sku = found
            good = Good(item_id=str(sku.num_iid), outer_id=outer_id, commission_bps=commission_bps, shop=shop, sku=sku)
        else:
            good = self._of_nobody(entry, outer_id, goods_id, commission_bps)
        if len(self._by_item) >= GOODS_MAX:
            raise InvalidInput(field="sku", problem=f"> {GOODS_MAX}")
        self._by_item[good.item_id] = good
        return good

    def _of_a_shop(self, outer_id: str, goods_id: str | None, merchant: str) -> tuple[Shop, Sku] | None:
        """The SKU of a simulated shop: the named item's, or the merchant's own of this code."""
        for shop in self._shops.all():
            for sku in shop.item(int(goods_id)) if goods_id is not None else ():
                if sku.outer_id == outer_id:
                    return shop, sku
            if goods_id is not None and shop.item(int(goods_id)):
                raise NotFound(what="sku", key=outer_id)
        mine = next((shop for shop in self._shops.all() if shop.merchant == merchant), None)
        if goods_id is None and mine is not None and outer_id in mine.skus:
            return mine, mine.skus[outer_id]
        return None

    def _of_nobody(self, entry: Json, outer_id: str, goods_id: str | None, commission_bps: int) -> Good:
        same = [good for good in self._by_item.values() if good.outer_id == outer_id and good.shop is None]
        known = self._by_item.get(goods_id) if goods_id is not None else next(iter(same), None)
        item_id = goods_id or (known.item_id if known else str(7 * 10**11 + self._drbg.below(10**11)))
        return Good(
            item_id=item_id,
            outer_id=outer_id,
            commission_bps=commission_bps,
            own_title=text_of(entry, "title", known.title if known else outer_id)[:TITLE_CHARS_MAX],
            own_price_fen=count_of(entry, "price_fen", known.price_fen if known else 100),
            own_quantity=count_of(entry, "quantity", known.quantity if known else 0),
        )


def item_of_page(url: str) -> str | None:
    """The item's number in the address of its page."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    number = dict(parse_qsl(parts.query)).get("id", "")
    is_page = parts.scheme in ("http", "https") and parts.netloc in ITEM_HOSTS and parts.path.endswith("/item.htm")
    return number if is_page and _NUMBER.fullmatch(number) else None
