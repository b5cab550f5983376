"""Promoters (抖客): their app, their token, their PID, and the items of the alliance that they know."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final

import msgspec

from hutong.core.errors import InvalidInput
from hutong_sandbox.drbg import DIGITS, HEX, Drbg
from hutong_sandbox.http import Json
from hutong_sandbox.refusals import SoldOut
from hutong_sandbox.roster import Roster
from hutong_sandbox.world import World, count_of, text_of

#: "默认有效期：7天" (op.jinritemai.com, authorisation).
TOKEN_LIFE: Final = timedelta(days=7)
#: Within the token's last hour a refreshed one is new; before it is the same.
TOKEN_LAST: Final = timedelta(hours=1)
PROMOTERS_MAX: Final = 1000
GOODS_MAX: Final = 100_000
TITLE_CHARS_MAX: Final = 60
ID_DIGITS_MAX: Final = 20
COMMISSION_BPS: Final = 1000
BPS_WHOLE: Final = 10_000
SHOP_ID: Final = 115_786_122


class Goods(msgspec.Struct, kw_only=True):
    """One item of the alliance. ``promotable``: whether the shop has its promotion open."""

    product_id: int
    sku: str
    title: str
    price_fen: int
    quantity: int
    commission_bps: int
    promotable: bool = True


class Promoter:
    """One promoter with an app of its own; the alliance's items are known to him by the shop's code."""

    def __init__(self, world: World, merchant: str) -> None:
        drbg = world.drbg(f"douyin promoter {merchant}")
        self.merchant = merchant
        self.app_key = "7" + drbg.text(18, DIGITS)
        self.app_secret = _uuid(drbg)
        self.pid = f"dy_107{drbg.text(18, DIGITS)}_{drbg.below(90_000) + 10_000}_{drbg.below(10**9) + 10**9}"
        self.tokens: dict[str, datetime] = {}
        self._world = world
        self.clear()

    def clear(self) -> None:
        """Begin again, with the first tokens."""
        self._drbg = self._world.drbg(f"douyin goods {self.merchant}")
        self._tokens_drbg = self._world.drbg(f"douyin tokens {self.merchant}")
        self.tokens.clear()
        self.goods: dict[str, Goods] = {}
        self._new_tokens()

    def token_until(self, token: str) -> datetime | None:
        """When this token ends; None for one that this promoter never had."""
        return self.tokens.get(token)

    def refresh(self) -> None:
        """Give out a token: within the last hour of the old one a new one, which does not end the old one."""
        if self.tokens[self.access_token] - self._world.clock.now() <= TOKEN_LAST:
            self._new_tokens()

    def put(self, entry: Json) -> Goods:
        """Create the item (``goods_id`` may name its number), or set its figures."""
        sku = text_of(entry, "sku")
        known = self.goods.get(sku)
        if known is None:
            if len(self.goods) >= GOODS_MAX:
                raise InvalidInput(field="sku", problem=f"> {GOODS_MAX}")
            number = text_of(entry, "goods_id", str(3 * 10**18 + self._drbg.below(10**18)))
            known = Goods(
                product_id=self._unused(number),
                sku=sku,
                title=sku,
                price_fen=100,
                quantity=0,
                commission_bps=COMMISSION_BPS,
            )
            self.goods[sku] = known
        known.title = text_of(entry, "title", known.title)[:TITLE_CHARS_MAX]
        known.price_fen = count_of(entry, "price_fen", known.price_fen)
        known.quantity = count_of(entry, "quantity", known.quantity)
        known.commission_bps = count_of(entry, "commission_bps", known.commission_bps)
        if known.commission_bps > BPS_WHOLE:
            raise InvalidInput(field="commission_bps", problem=f"0..{BPS_WHOLE}")
        known.promotable = entry.get("promotable", known.promotable) is not False
        return known

    def by_product_id(self, product_id: int) -> Goods | None:
        """The item with this number."""
        return next((goods for goods in self.goods.values() if goods.product_id == product_id), None)

    def sell(self, goods: Goods, quantity: int) -> None:
        """Take pieces off the shop's figure."""
        if quantity < 1:
            raise InvalidInput(field="quantity", problem="at least 1")
        if goods.quantity < quantity:
            raise SoldOut(sku=goods.sku, left=goods.quantity, wanted=quantity)
        goods.quantity -= quantity

    def _unused(self, number: str) -> int:
        plain = number.isascii() and number.isdigit() and len(number) <= ID_DIGITS_MAX
        if not plain or self.by_product_id(int(number)) is not None:
            raise InvalidInput(field="goods_id", problem="a number that no other item has")
        return int(number)

    def _new_tokens(self) -> None:
        self.access_token = _uuid(self._tokens_drbg)
        self.refresh_token = _uuid(self._tokens_drbg)
        self.tokens[self.access_token] = self._world.clock.now() + TOKEN_LIFE


class Promoters(Roster[Promoter]):
    """Every promoter."""

    def __init__(self, world: World) -> None:
        super().__init__(partial(Promoter, world), PROMOTERS_MAX)

    def by_app_key(self, app_key: str) -> Promoter | None:
        """The promoter whose app this is."""
        return self.find(lambda one: one.app_key == app_key)

    def knows_token(self, token: str) -> bool:
        """Whether somebody ever had this token."""
        return any(token in promoter.tokens for promoter in self.all())


def _uuid(drbg: Drbg) -> str:
    return "-".join(drbg.text(count, HEX) for count in (8, 4, 4, 4, 12))
