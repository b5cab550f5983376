"""Promoters (推客), the goods that can be promoted, and what each promoted address stands for."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import msgspec

from hutong.core.errors import InvalidInput, NotFound
from hutong_sandbox.drbg import DIGITS, HEX, LETTERS
from hutong_sandbox.http import Json
from hutong_sandbox.refusals import SoldOut
from hutong_sandbox.roster import Roster
from hutong_sandbox.world import World, count_of, text_of

PROMOTERS_MAX: Final = 1000
GOODS_MAX: Final = 100_000
ADDRESSES_MAX: Final = 1_000_000
TITLE_CHARS_MAX: Final = 120
RATE_BPS: Final = 500
RATE_BPS_MAX: Final = 9_000
#: A short address ends; a long one does not.
SHORT_LIFE: Final = timedelta(days=60)
_ITEM_HOSTS: Final = frozenset({"item.jd.com", "item.m.jd.com"})
_ITEM: Final = re.compile(r"/(?:product/)?(\d{1,20})\.html")
_GOODS_ID: Final = re.compile(r"[1-9]\d{0,19}")
LONG_HOST: Final = "union-click.jd.com"
SHORT_HOST: Final = "u.jd.com"


class Goods(msgspec.Struct, kw_only=True):
    """One SKU that some shop lets others promote."""

    sku_id: int
    code: str
    title: str
    price_fen: int
    quantity: int
    rate_bps: int
    shop_id: int

    @property
    def page(self) -> str:
        """Its own page."""
        return f"https://item.jd.com/{self.sku_id}.html"


class Promoter(msgspec.Struct, kw_only=True):
    """A 推客 with one app, one site and one place of its own."""

    merchant: str
    union_id: int
    app_key: str
    app_secret: str
    site_id: int
    position_id: int

    @classmethod
    def of_world(cls, world: World, merchant: str) -> Promoter:
        """The merchant's, as this world draws it."""
        drbg = world.drbg(f"jd promoter {merchant}")
        return cls(
            merchant=merchant,
            union_id=int("1" + drbg.text(9, DIGITS)),
            app_key=drbg.text(32, HEX),
            app_secret=drbg.text(32, HEX),
            site_id=int("4" + drbg.text(9, DIGITS)),
            position_id=int("3" + drbg.text(9, DIGITS)),
        )


class Address(msgspec.Struct, kw_only=True, frozen=True):
    """What one call made: whose, for which goods, carrying what."""

    promoter: Promoter
    goods: Goods
    sub_union_id: str
    position_id: int
    site_id: int
    made_at: datetime


class Promoters(Roster[Promoter]):
    """Every promoter."""

    def __init__(self, world: World) -> None:
        super().__init__(partial(Promoter.of_world, world), PROMOTERS_MAX)

    def by_app_key(self, app_key: str) -> Promoter | None:
        """Whose app this is."""
        return self.find(lambda one: one.app_key == app_key)


class Shelf:
    """The goods."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.clear()

    def clear(self) -> None:
        """Begin again with the numbers, too."""
        self._drbg = self._world.drbg("jd goods")
        self._by_code: dict[str, Goods] = {}

    def all(self) -> list[Goods]:
        """In order of creation."""
        return list(self._by_code.values())

    def put(self, entry: Json) -> Goods:
        """Let a SKU be promoted, or set its figures."""
        code = text_of(entry, "sku")
        known = self._by_code.get(code)
        rate_bps = count_of(entry, "commission_bps", RATE_BPS if known is None else known.rate_bps)
        if rate_bps > RATE_BPS_MAX:
            raise InvalidInput(field="commission_bps", problem=f"> {RATE_BPS_MAX}")
        if known is None:
            if len(self._by_code) >= GOODS_MAX:
                raise InvalidInput(field="sku", problem=f"> {GOODS_MAX}")
            known = Goods(
                sku_id=self._sku_id(entry),
                code=code,
                title=code,
                price_fen=100,
                quantity=0,
                rate_bps=rate_bps,
                shop_id=10**6 + self._drbg.below(10**6),
            )
            self._by_code[code] = known
        known.rate_bps = rate_bps
        known.title = text_of(entry, "title", known.title)[:TITLE_CHARS_MAX]
        known.price_fen = count_of(entry, "price_fen", known.price_fen)
        known.quantity = count_of(entry, "quantity", known.quantity)
        return known

    def by_id(self, sku_id: int) -> Goods | None:
        """The goods with the platform's number."""
        return next((one for one in self._by_code.values() if one.sku_id == sku_id), None)

    def sell(self, goods: Goods, quantity: int) -> None:
        """Take pieces; never more than there are."""
        if quantity < 1:
            raise InvalidInput(field="quantity", problem="at least 1")
        if goods.quantity < quantity:
            raise SoldOut(sku=goods.code, left=goods.quantity, wanted=quantity)
        goods.quantity -= quantity

    def _sku_id(self, entry: Json) -> int:
        given = str(entry.get("goods_id", ""))
        if not given:
            return 10**13 + self._drbg.below(10**13)
        if not _GOODS_ID.fullmatch(given) or self.by_id(int(given)) is not None:
            raise InvalidInput(field="goods_id", problem="digits, each once")
        return int(given)


class Addresses:
    """Promoted addresses: on the platform's own hosts, where nobody of us listens; here is what they stand for."""

    def __init__(self, world: World, shelf: Shelf) -> None:
        self._world = world
        self._shelf = shelf
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._drbg = self._world.drbg("jd addresses")
        self._by_url: dict[str, Address] = {}

    def make(self, address: Address) -> tuple[str, str]:
        """The long and the short one."""
        if len(self._by_url) >= ADDRESSES_MAX:
            raise InvalidInput(field="addresses", problem=f"> {ADDRESSES_MAX}")
        e = address.sub_union_id or self._drbg.text(8, DIGITS)
        long = f"https://{LONG_HOST}/jdc?e={e}&p={self._drbg.text(96, LETTERS)}"
        short = f"https://{SHORT_HOST}/{self._drbg.text(7, LETTERS)}"
        self._by_url[long] = self._by_url[short] = address
        return long, short

    def goods_of(self, url: str) -> Goods | None:
        """What a page, or an address of the alliance, leads to; None where it is no item's.

        Raises:
            NotFound: it is an item's page, and nobody promotes it.
            ValueError: it is no address at all.
        """
        if (known := self._by_url.get(_secure(url))) is not None:
            return known.goods
        parts = urlsplit(url)
        found = _ITEM.fullmatch(parts.path)
        if parts.netloc not in _ITEM_HOSTS or found is None:
            return None
        goods = self._shelf.by_id(int(found[1]))
        if goods is None:
            raise NotFound(what="goods", key=found[1])
        return goods

    def opened(self, url: str) -> Address:
        """What a buyer gets who opens it now."""
        address = self._by_url.get(_secure(url))
        if address is None:
            raise NotFound(what="promoted address", key=url[:80])
        is_short = urlsplit(url).netloc == SHORT_HOST
        if is_short and self._world.clock.now() >= address.made_at + SHORT_LIFE:
            raise InvalidInput(field="address", problem=f"over after {SHORT_LIFE.days} d")
        return address


def _secure(url: str) -> str:
    """The call for sites writes http, and a browser is sent on to https."""
    return url.replace("http://", "https://", 1) if url.startswith("http://") else url
