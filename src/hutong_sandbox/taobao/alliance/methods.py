"""The methods of a promoter: places, addresses, codes."""

from __future__ import annotations

from typing import Final

import msgspec

from hutong_sandbox.http import Json
from hutong_sandbox.taobao.alliance.addresses import Address, Addresses
from hutong_sandbox.taobao.alliance.goods import Good, Goods, item_of_page
from hutong_sandbox.taobao.alliance.promoters import Place, Promoter
from hutong_sandbox.taobao.calls import Arguments
from hutong_sandbox.taobao.errors import invalid, missing, remote
from hutong_sandbox.world import World

PLACE_NAME_CHARS_MAX: Final = 64
#: Addresses of one call: a bound of this simulation, for the page names none.
MATERIALS_MAX: Final = 20
NUMBER_MAX: Final = 10**19
_NAME: Final = "taobao_alliance"
NO_PERMISSION: Final = (1001, "无权限")
NO_ITEM: Final = (10000, "该item_id对应宝贝已下架或非淘客宝贝")


class AllianceCall(Arguments, frozen=True, kw_only=True):
    """A promoter's call."""

    promoter: Promoter

    def place(self) -> Place:
        """The place in ``adzone_id``; it has to be the promoter's own."""
        place = self.promoter.places.get(str(self.number("adzone_id", low=1, high=NUMBER_MAX)))
        if place is None:
            raise remote("isv.pid-not-correct", "site_id或adzone_id与登录账号不匹配")
        return place


class _Material(msgspec.Struct, frozen=True):
    material_url: str


class LinkMethods:
    """Places and addresses."""

    def __init__(self, world: World, goods: Goods, addresses: Addresses) -> None:
        self._world = world
        self._goods = goods
        self._addresses = addresses

    def create_place(self, call: AllianceCall) -> Json:
        """taobao.tbk.adzone.create."""
        site_id, name = call.number("site_id", low=1, high=NUMBER_MAX), call.text("adzone_name")
        if len(name) > PLACE_NAME_CHARS_MAX:
            raise invalid("adzone_name", f"<= {PLACE_NAME_CHARS_MAX}")
        if str(site_id) != call.promoter.site_id:
            raise remote("isv.pid-not-correct", "site_id或adzone_id与登录账号不匹配")
        place = call.promoter.new_place(name)
        return {"data": {"model": call.promoter.pid(place.adzone_id)}}

    def convert(self, call: AllianceCall) -> Json:
        """taobao.tbk.dg.general.link.convert, of addresses and codes; the answer tells of each by itself."""
        place = call.place()
        wanted = {name for name in call.arguments.get("required_link_type", "").split(",") if name}
        told = [self._converted(call.promoter, place, url, wanted) for url in _materials(call)]
        return {"data": {"material_url_list": {"material_url_list": told}}}

    def create_code(self, call: AllianceCall) -> Json:
        """taobao.tbk.tpwd.create: the codes of a promoted address."""
        address = self._addresses.find(call.text("url"))
        if address is None:
            raise remote("isv.invalid-parameter:url", "不是联盟推广链接")
        return {"data": {"password_simple": address.code_short, "model": address.code_long}}

    def _converted(self, promoter: Promoter, place: Place, url: str, wanted: set[str]) -> Json:
        if self._world.faults.strike(_NAME, "not_permitted", place.name):
            return _refused(url, NO_PERMISSION)
        good = self._good_of(url)
        if good is None:
            return _refused(url, NO_ITEM)
        address = self._addresses.make(promoter, place, good)
        links = _links(address)
        return {
            "input_material_url": url,
            "link_info_dto": {name: text for name, text in links.items() if not wanted or name in wanted}
            | {"material_type": 1, "material_id": good.item_id},
            "promotion_info_dto": {
                "commission_rate": f"{good.commission_bps // 100}.{good.commission_bps % 100:02d}",
                "commission_type": "COMMON",
            },
        }

    def _good_of(self, url: str) -> Good | None:
        """The item of a page, or of an address that was promoted before."""
        item_id = item_of_page(url)
        promoted = self._addresses.find(url)
        if item_id is None and promoted is not None:
            item_id = promoted.item_id
        return None if item_id is None else self._goods.find(item_id)


def _links(address: Address) -> dict[str, str]:
    return {
        "cps_long_url": address.long,
        "cps_short_url": address.short,
        "cps_short_tpwd": address.code_short,
        "cps_full_tpwd": address.code_long,
    }


def _refused(url: str, why: tuple[int, str]) -> Json:
    code, message = why
    return {"input_material_url": url, "link_info_dto": {}, "code": code, "msg": message}


def _materials(call: AllianceCall) -> list[str]:
    """``material_list``, parted by commas, or ``material_dto`` as JSON."""
    if text := call.arguments.get("material_list"):
        found = [part.strip() for part in text.split(",") if part.strip()]
    elif text := call.arguments.get("material_dto"):
        try:
            found = [one.material_url for one in msgspec.json.decode(text, type=list[_Material])]
        except msgspec.MsgspecError:
            raise invalid("material_dto", "JSON") from None
    else:
        raise missing("material_list")
    if not 1 <= len(found) <= MATERIALS_MAX:
        raise invalid("material_list", f"1..{MATERIALS_MAX}")
    return found
