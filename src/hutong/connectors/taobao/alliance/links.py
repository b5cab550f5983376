"""Capability JumpLinks: a place for each link, its address of an item, and the orders that came by it.

Source: https://open.taobao.com/api.htm?docId=65409&docType=2 (taobao.tbk.dg.general.link.convert). A page's address
goes in ``material_list``: item numbers as pages name them are no longer taken. Converting copied addresses of Taobao
and Tmall is a permission by invitation there (邀约制权限), asked for in the alliance's own console.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import msgspec

from hutong.connectors.taobao.alliance.errors import ALLIANCE, MATERIAL_WORDS
from hutong.connectors.taobao.alliance.orders import WINDOW_MAX, changed_page
from hutong.connectors.taobao.alliance.places import checked_mark, new_place, own_place
from hutong.connectors.taobao.gateway import call
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.platforms.account import Account
from hutong.platforms.contract import ErrorWord
from hutong.platforms.jump_links import Carries, Promoted, PromotedPage, Promotion
from hutong.platforms.refusals import PlatformRefused

CONVERT: Final = "taobao.tbk.dg.general.link.convert"
LINK_TYPES: Final = "cps_short_url,cps_long_url,cps_short_tpwd,cps_full_tpwd"
#: Hosts of the addresses that the published examples show.
PROMOTED_HOSTS: Final = frozenset({"s.click.taobao.com", "uland.taobao.com"})
#: What leads to an address has to hold it.
URL_CHARS_MAX: Final = 1_100
CODE_CHARS_MAX: Final = 512


class _Links(msgspec.Struct, frozen=True):
    cps_long_url: str | None = None
    cps_short_url: str | None = None
    cps_full_tpwd: str | None = None
    cps_short_tpwd: str | None = None


class _Material(msgspec.Struct, frozen=True):
    link_info_dto: _Links | None = None
    code: int | str | None = None
    msg: str | None = None


class _Materials(msgspec.Struct, frozen=True):
    material_url_list: tuple[_Material, ...] = ()


class _Data(msgspec.Struct, frozen=True):
    material_url_list: _Materials = _Materials()


class _Converted(msgspec.Struct, frozen=True):
    data: _Data | None = None
    result_msg: str | None = None
    biz_error_desc: int | str | None = None


class TaobaoAlliance:
    """``hutong.platforms.jump_links.JumpLinks`` for Taobao and Tmall."""

    destinations: tuple[str, ...] = ("taobao", "tmall")
    sells_on = "taobao"
    carries = Carries.LINK

    @property
    def window_max(self) -> timedelta:
        """Twenty minutes: what is taken on every day of the year."""
        return WINDOW_MAX

    async def make(self, account: Account, promotion: Promotion) -> Promoted:
        """A place named with the mark, and the item's address there. Orders tell the place's number.

        The address is asked for at the promoter's own place first: what cannot be promoted makes no place, for no call
        takes one away again.
        """
        mark, material = checked_mark(promotion.mark), _material_of(promotion.url)
        await _links_at(account, own_place(account), material)
        place = await new_place(account, mark)
        links = await _links_at(account, place, material)
        return Promoted(url=_url_of(account, links), told_as=place, share_code=_share_code(links))

    async def changed(self, account: Account, start: datetime, end: datetime, cursor: str | None) -> PromotedPage:
        """Lines by the time of their last change, a page at a time, forward from the platform's own position."""
        return await changed_page(account, start, end, cursor)


def _material_of(url: str) -> str:
    """The page's address; commas part one address from the next there."""
    if not url.startswith("https://"):
        raise InvalidInput(field="url", problem="https://")
    return url.replace(",", "%2C")


async def _links_at(account: Account, place: str, material: str) -> _Links:
    """The links of the one address that is asked for, at a place.

    Raises:
        PlatformRefused: this address cannot be promoted; the code says why.
        PlatformUnknown: the answer has no address at all.
    """
    business = {"adzone_id": place, "material_list": material, "required_link_type": LINK_TYPES}
    answer = await call(account, CONVERT, business, _Converted, manner=ALLIANCE)
    materials = () if answer.data is None else answer.data.material_url_list.material_url_list
    if not materials and answer.biz_error_desc is not None:
        raise _refusal(account, answer.biz_error_desc, answer.result_msg)
    if len(materials) != 1:
        raise PlatformUnknown(platform=account.platform)
    links = materials[0].link_info_dto or _Links()
    if links == _Links() and materials[0].code is not None:
        raise _refusal(account, materials[0].code, materials[0].msg)
    _url_of(account, links)
    return links


def _refusal(account: Account, code: int | str, message: str | None) -> PlatformRefused:
    text = str(code)
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
    word = MATERIAL_WORDS.get(number, ErrorWord.UNKNOWN)
    return PlatformRefused(platform=account.platform, platform_code=text, message=message or "", word=word)


def _url_of(account: Account, links: _Links) -> str:
    """The short address; the long one where there is none. The long one names things that look like hosts."""
    for url in (links.cps_short_url, links.cps_long_url):
        if url and len(url) <= URL_CHARS_MAX and _is_promoted(url):
            return url
    raise PlatformUnknown(platform=account.platform)


def _is_promoted(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and parts.netloc in PROMOTED_HOSTS


def _share_code(links: _Links) -> str:
    """淘口令: the whole text, which every phone's app recognises; the bare code where there is none."""
    code = links.cps_full_tpwd or links.cps_short_tpwd or ""
    return code if len(code) <= CODE_CHARS_MAX else ""
