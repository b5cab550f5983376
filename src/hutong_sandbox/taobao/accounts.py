"""Shops on Taobao: their app, their session, their goods."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final

import msgspec

from hutong.core.errors import InvalidInput, NotFound
from hutong_sandbox.drbg import DIGITS, HEX
from hutong_sandbox.http import Json
from hutong_sandbox.refusals import SoldOut
from hutong_sandbox.roster import Roster
from hutong_sandbox.world import World, count_of, text_of

TOKEN_LIFE: Final = timedelta(days=90)
SHOPS_MAX: Final = 1000
SKUS_PER_SHOP_MAX: Final = 100_000
TITLE_CHARS_MAX: Final = 60


class Sku(msgspec.Struct, kw_only=True):
    """One SKU of an item. ``quantity`` is the figure that the platform shows and sells from."""

    num_iid: int
    sku_id: int
    outer_id: str
    title: str
    price_fen: int
    quantity: int
    modified_at: datetime


class Shop:
    """One seller with one app of its own."""

    def __init__(self, world: World, merchant: str) -> None:
        drbg = world.drbg(f"taobao merchant {merchant}")
        self.merchant = merchant
        self.shop_id = "1" + drbg.text(8, DIGITS)
        self.seller_nick = "店" + drbg.text(6, DIGITS)
        self.app_key = "2" + drbg.text(7, DIGITS)
        self.app_secret = drbg.text(32, HEX)
        self.tokens: dict[str, datetime] = {}
        self._tokens_drbg = world.drbg(f"taobao tokens {merchant}")
        self._world = world
        self.clear()

    def clear(self) -> None:
        """Begin again, with the first tokens."""
        self._drbg = self._world.drbg(f"taobao goods {self.merchant}")
        self._tokens_drbg = self._world.drbg(f"taobao tokens {self.merchant}")
        self.tokens.clear()
        self.skus: dict[str, Sku] = {}
        self._items: dict[str, int] = {}
        self.renew()

    def renew(self) -> None:
        """Give out a new session; older ones live on until their own end."""
        self.access_token = "6100" + self._tokens_drbg.text(52, HEX)
        self.refresh_token = "6101" + self._tokens_drbg.text(52, HEX)
        self.tokens[self.access_token] = self._world.clock.now() + TOKEN_LIFE

    def session_lives(self, token: str) -> bool:
        """Whether this session is this shop's and not over."""
        ends_at = self.tokens.get(token)
        return ends_at is not None and self._world.clock.now() < ends_at

    def put(self, entry: Json) -> Sku:
        """Create the SKU (with an item of its own unless ``item`` names a shared one), or set its figures."""
        outer_id = text_of(entry, "sku")
        known = self.skus.get(outer_id)
        if known is None:
            if len(self.skus) >= SKUS_PER_SHOP_MAX:
                raise InvalidInput(field="sku", problem=f"> {SKUS_PER_SHOP_MAX}")
            item = text_of(entry, "item", outer_id)
            num_iid = self._items.setdefault(item, 6 * 10**11 + self._drbg.below(10**11))
            known = Sku(
                num_iid=num_iid,
                sku_id=5 * 10**12 + self._drbg.below(10**12),
                outer_id=outer_id,
                title=text_of(entry, "title", outer_id)[:TITLE_CHARS_MAX],
                price_fen=count_of(entry, "price_fen", 100),
                quantity=0,
                modified_at=self._world.clock.now(),
            )
            self.skus[outer_id] = known
        known.title = text_of(entry, "title", known.title)[:TITLE_CHARS_MAX]
        known.price_fen = count_of(entry, "price_fen", known.price_fen)
        self.set_quantity(known, count_of(entry, "quantity", known.quantity))
        return known

    def set_quantity(self, sku: Sku, quantity: int) -> None:
        """Write the platform's own figure."""
        sku.quantity = quantity
        sku.modified_at = self._world.clock.now()

    def check(self, outer_id: str, quantity: int) -> Sku:
        """The SKU, if the platform shows that many; it never sells what it does not show."""
        sku = self.skus.get(outer_id)
        if sku is None:
            raise NotFound(what="sku", key=outer_id)
        if quantity < 1:
            raise InvalidInput(field="quantity", problem="at least 1")
        if sku.quantity < quantity:
            raise SoldOut(sku=outer_id, left=sku.quantity, wanted=quantity)
        return sku

    def sell(self, outer_id: str, quantity: int) -> Sku:
        """Take pieces off the platform's own figure."""
        sku = self.check(outer_id, quantity)
        self.set_quantity(sku, sku.quantity - quantity)
        return sku

    def item(self, num_iid: int) -> list[Sku]:
        """The SKUs of an item."""
        return [sku for sku in self.skus.values() if sku.num_iid == num_iid]


class Shops(Roster[Shop]):
    """Every shop."""

    def __init__(self, world: World) -> None:
        super().__init__(partial(Shop, world), SHOPS_MAX)

    def by_id(self, shop_id: str) -> Shop:
        """The shop with this number."""
        shop = self.find(lambda one: one.shop_id == shop_id)
        if shop is None:
            raise NotFound(what="shop", key=shop_id)
        return shop

    def by_app_key(self, app_key: str) -> Shop | None:
        """The shop whose app this is."""
        return self.find(lambda shop: shop.app_key == app_key)
