"""Promoted addresses: on the platform's own hosts, and what each of them stands for."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from hutong.core.errors import InvalidInput
from hutong_sandbox.drbg import HEX, LETTERS
from hutong_sandbox.taobao.alliance.goods import Good
from hutong_sandbox.taobao.alliance.promoters import Place, Promoter
from hutong_sandbox.world import World

ADDRESSES_MAX: Final = 1_000_000


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """One promoted address in all of its forms. ``code_long`` is the text that a phone's app recognises."""

    promoter: Promoter
    place: Place
    item_id: str
    long: str
    short: str
    code_short: str
    code_long: str


class Addresses:
    """Every address that was given out."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._drbg = self._world.drbg("taobao_alliance addresses")
        self._by_form: dict[str, Address] = {}

    def make(self, promoter: Promoter, place: Place, good: Good) -> Address:
        """A new address of an item at a place."""
        if len(self._by_form) >= ADDRESSES_MAX:
            raise InvalidInput(field="addresses", problem=f"> {ADDRESSES_MAX}")
        inside = quote(f"m=2&s={self._drbg.text(60, LETTERS)}==", safe="")
        seconds = int(self._world.clock.now().timestamp())
        lens = f"lensId:TAPI@{seconds}@{self._drbg.text(8, HEX)}_0b7f_{self._drbg.text(11, HEX)}@01"
        code = self._drbg.text(11, LETTERS)
        address = Address(
            promoter=promoter,
            place=place,
            item_id=good.item_id,
            long=f"https://s.click.taobao.com/t?e={inside}&union_lens={lens}",
            short=f"https://s.click.taobao.com/{self._drbg.text(7, LETTERS)}",
            code_short=f"￥{code}￥",
            code_long=f"39￥ CZ3457 {code}￥ https://m.tb.cn/h.{self._drbg.text(7, LETTERS)}  {good.title}",
        )
        for form in (address.long, address.short, address.code_short, address.code_long, _inner(address.long)):
            self._by_form[form] = address
        return address

    def find(self, form: str) -> Address | None:
        """What an address or a code stands for; what others have added to a long address changes nothing."""
        return self._by_form.get(form.strip()) or self._by_form.get(_inner(form) or form)


def _inner(url: str) -> str:
    """The part of a long address that says everything; empty for all else."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if (parts.netloc, parts.path) != ("s.click.taobao.com", "/t"):
        return ""
    return next(iter(parse_qs(parts.query).get("e", [])), "")
