"""Every app × system × destination, once: does whoever opens a link there get to where it leads, or see a way out?"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import httpx
import msgspec

from hutong_sandbox.apps.habits import CHECKOUT, PASSING, PHONES, Apps, all_apps
from hutong_sandbox.apps.visitor import ARRIVED, OWN_HOST, WAY_OUT, Person, Visitor, expected

AT_ONCE: Final = 16
TIMEOUT_S: Final = 60.0
#: One address of every shape that the platforms' share buttons write, by destination.
ADDRESSES: Final[dict[str, tuple[str, ...]]] = {
    "taobao": (
        "https://item.taobao.com/item.htm?id=657",
        "https://m.tb.cn/h.5Xyz12",
        "https://shop.m.taobao.com/shop/shop_index.htm?shopId=88",
    ),
    "tmall": ("https://detail.tmall.com/item.htm?id=657",),
    "douyin": (
        "https://www.douyin.com/video/7123456789012345678",
        "https://www.douyin.com/user/MS4wLjABAAAA",
        "https://haohuo.jinritemai.com/ecommerce/trade/detail/index.html?id=35",
        "https://v.douyin.com/iRNBho5m/",
    ),
    "kuaishou": (
        "https://www.kuaishou.com/short-video/3xabc",
        "https://www.kuaishou.com/profile/3xuser",
        "https://v.kuaishou.com/Ab12",
    ),
    "xiaohongshu": (
        "https://www.xiaohongshu.com/explore/64f0c0de0000000012345678",
        "https://www.xiaohongshu.com/user/profile/5f0c0de00000000012345678",
        "https://www.xiaohongshu.com/goods-detail/66f0c0de0000000012345678",
        "https://xhslink.com/a/Ab12",
    ),
    "pinduoduo": ("https://mobile.yangkeduo.com/goods.html?goods_id=42", "https://p.pinduoduo.com/Ab12"),
    "jd": ("https://item.jd.com/100012.html", "https://item.m.jd.com/product/100012.html", "https://u.jd.com/Ab12"),
    "weibo": ("https://m.weibo.cn/detail/4900000000000001", "https://weibo.com/u/1234567890", "https://weibo.com/tv"),
    "weidian": ("https://weidian.com/item.html?itemID=42", "https://k.youshop10.com/Ab12"),
    "alipay": ("https://render.alipay.com/p/s/i?appId=2021000000000001", "https://qr.alipay.com/Ab12"),
    "wechat_mini": ("https://wxaurl.cn/AbCdEf", "https://wxmpurl.cn/AbCdEf"),
}
#: A page on a merchant's own host: a hub leads there once he has proven that the host is his.
OWN_PAGE: Final = f"https://{OWN_HOST}/tea/spring.html?from=hutong"
#: Short addresses that name no thing, of platforms whose app has no address for any page: none of its own can be made.
NAMELESS: Final = frozenset({"https://p.pinduoduo.com/Ab12"})


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one visit, and what the sandbox expected."""

    app: str
    system: str
    destination: str
    address: str
    has_app: bool
    ending: str
    finally_at: str
    taps: int
    offered: tuple[str, ...]
    problem: str

    @property
    def is_good(self) -> bool:
        """Whether nothing went wrong."""
        return not self.problem


def cells(links: Mapping[str, Mapping[str, str]], apps: Apps) -> Iterable[tuple[Person, str, str, str]]:
    """Who opens which link: person, destination, address, link.

    Every destination on every system; its further addresses on one system of each app; without the other app where its
    scheme passes, for there the page behind it is what is left.
    """
    for app in apps.apps.values():
        for place, system in enumerate(app.agents):
            for destination, by_address in links.items():
                first, *further = by_address.items()
                yield Person(app=app.name, system=system), destination, *first
                if app.does(destination) in PASSING and destination != CHECKOUT:
                    yield Person(app=app.name, system=system, has_app=False), destination, *first
                for one in further if place == 0 else ():
                    yield Person(app=app.name, system=system), destination, *one


async def run_cells(links: Mapping[str, Mapping[str, str]], names: Collection[str] = ()) -> list[Cell]:
    """Visit every cell, or those of some apps; ``links`` are the hub's links by destination and address."""
    apps, places = all_apps(), asyncio.Semaphore(AT_ONCE)
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=TIMEOUT_S, limits=limits) as http:  # noqa: S501

        async def one(person: Person, destination: str, address: str, link: str) -> Cell:
            async with places:
                return await _visit(http, apps, person, destination, address, link)

        return await asyncio.gather(
            *(one(*given) for given in cells(links, apps) if not names or given[0].app in names)
        )


async def _visit(
    http: httpx.AsyncClient, apps: Apps, person: Person, destination: str, address: str, link: str
) -> Cell:
    visit = await Visitor(http, person, destination, apps=apps).open(link)
    problem = visit.problem or visit.last.problem
    wanted = expected(apps.apps[person.app], destination, has_app=person.has_app)
    if address in NAMELESS:
        wanted |= {WAY_OUT}
    if not problem and visit.ending not in wanted:
        problem = f"ended at {visit.ending}, expected {' or '.join(sorted(wanted))}"
    if not problem and visit.after is not None and not _is_arrival(visit.last.ending, person):
        problem = f"the way out ends at {visit.last.ending}"
    return Cell(
        app=person.app,
        system=person.system,
        destination=destination,
        address=address,
        has_app=person.has_app,
        ending=visit.ending,
        finally_at=visit.last.ending,
        taps=visit.all_taps,
        offered=tuple(visit.offered),
        problem=problem,
    )


def _is_arrival(ending: str, person: Person) -> bool:
    """On a computer the way out may end at a picture for the phone."""
    return ending in ARRIVED or (person.system not in PHONES and ending == WAY_OUT)


def line_of(cell: Cell) -> dict[str, Any]:
    """A cell as JSON."""
    return {**msgspec.structs.asdict(cell), "ok": cell.is_good}
