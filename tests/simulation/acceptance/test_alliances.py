"""From a click on a link to the order that an alliance tells: the click's id is carried there and back, on the running
hub, for each alliance that is installed.
"""

from __future__ import annotations

import html
import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from hutong.cli.buyers import WECHAT_AGENT
from hutong.platforms.jump_links import Carries
from hutong.platforms.registry import Registry

pytestmark = pytest.mark.slow

ALLIANCES = {one.name: one for one in Registry.from_entry_points().all() if one.jump_links is not None}
BY_CLICK = [name for name, one in ALLIANCES.items() if one.jump_links.carries is Carries.CLICK]
BY_LINK = [name for name, one in ALLIANCES.items() if one.jump_links.carries is Carries.LINK]
#: Each alliance is shown the main way in `make test`; the rest is shown with one of them there, and with all by
#: `make proof-suite`.
SAMPLED_BY_CLICK = [
    pytest.param(name, marks=[pytest.mark.long] if number else []) for number, name in enumerate(BY_CLICK)
]
SAMPLED = [pytest.param(name, marks=[pytest.mark.long] if number else []) for number, name in enumerate(ALLIANCES)]
#: How each platform's own page names goods.
PAGES = {
    "pinduoduo": "https://mobile.yangkeduo.com/goods.html?goods_id={}",
    "jd": "https://item.m.jd.com/product/{}.html",
    "taobao": "https://item.taobao.com/item.htm?id={}",
    "douyin": "https://haohuo.jinritemai.com/ecommerce/trade/detail/index.html?id={}",
}
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1"
)
NUMBERS = itertools.count(1)
#: Longer than a visitor waits for an alliance (workflows/carriers.py), shorter than a test's patience.
SLOW_S = 3


class Promotion:
    """A link to goods of an alliance, in the market's shop."""

    def __init__(self, market, until, platform: str, *, known: bool = True, goods_id: str = "") -> None:
        self.market, self.until, self.platform = market, until, platform
        self.connection_id = market.connection(platform)
        number = next(NUMBERS)
        if not known:
            goods_id = "690000000000000001"
        elif not goods_id:
            record = {"sku": f"AL-{number}", "title": f"联盟商品 {number}", "price_fen": 1999, "quantity": 500}
            told = market.world.post_sandbox("/shops/stock", platform=platform, commission_bps=1500, **record)
            goods_id = str(told["goods_id"])
            self.record = {**record, "commission_bps": 1500, "goods_id": goods_id}
        self.page = PAGES[ALLIANCES[platform].jump_links.sells_on].format(goods_id)
        channel = {"kind": "post", "platform": "weibo", "name": f"推广 {platform} {number}"}
        self.link = market.post("/links", {"title": f"联盟链接 {number}", "channel": channel, "url": self.page})
        self.pull()
        self.place = market.client.get(f"/links/{self.link['link_id']}/promotions").json()["items"][0]

    def pull(self) -> None:
        self.market.post(f"/connections/{self.connection_id}/pull", {})

    def click(self, agent: str = WECHAT_AGENT) -> tuple[UUID | None, httpx.Response]:
        """Open the link in a browser of its own: the click's id where it passes our page, and the last answer."""
        with httpx.Client(headers={"user-agent": agent}, trust_env=False, timeout=30) as browser:
            answer = browser.get(self.link["url"])
            way = urlsplit(answer.headers["location"])
            if not way.path.startswith("/j/"):
                return None, answer
            click_id = UUID(hex=httpx.QueryParams(way.query)["k"][:32])
            return click_id, browser.get(f"{self.market.world.url}{answer.headers['location']}")

    def carried(self) -> tuple[UUID | None, str]:
        """A click inside WeChat, once the edge knows of the alliance's address."""
        self.until("led by the alliance's address", lambda: self.click()[1].headers["location"] != self.page, 5)
        click_id, answer = self.click()
        assert answer.status_code == 302
        return click_id, answer.headers["location"]

    def buy(self, address: str, **more) -> dict:
        return self.market.world.post_sandbox("/buy", platform=self.platform, address=address, **more)

    def move(self, order: dict, event: str) -> None:
        self.market.world.post_sandbox("/shops/orders", platform=self.platform, order_no=order["order_no"], event=event)

    def told(self, order: dict) -> dict:
        self.pull()
        items = self.market.items("/promoted-orders", link_id=self.link["link_id"])
        return next(item for item in items if item["order_no"] == order["order_no"])

    def counts_as_sold(self, click_ids: list[UUID | None]) -> None:
        """No connected shop tells these orders: they are sales of the link's channel all the same, as its first touch,
        its last, and by shares, and of the clicks that brought them, which are there within a second.
        """

        def row() -> dict:
            channels = self.market.client.get("/channels").json()["items"]
            return next(item for item in channels if item["channel_id"] == self.link["channel_id"])

        count = len(click_ids)
        self.until("counted with their clicks", lambda: row()["clicks_converted"] == count, 5)
        mine = row()
        assert [(one["gross_minor"], one["promoted_orders"]) for one in mine["money"]] == [(1999 * count, count)]
        assert mine["orders"] == count
        credit = sum(one["linear_minor"] for one in mine["credit"])
        lasts = sum(one["last_orders"] for one in mine["credit"])
        assert (lasts, credit > 0) == (count, True)
        clicks = {row["click_id"]: row for row in self.market.items("/clicks", link_id=self.link["link_id"])}
        assert {clicks[str(click_id)]["outcome"] for click_id in click_ids} == {"ordered"}


@pytest.fixture
def promote(market, until):
    def make(platform: str, **more) -> Promotion:
        return Promotion(market, until, platform, **more)

    return make


@pytest.mark.parametrize("platform", BY_CLICK)
def test_each_order_is_tied_to_the_click_that_brought_it(promote, platform):
    promotion = promote(platform)
    assert (promotion.place["outcome"], promotion.place["carries"]) == ("made", "click")
    clicks = [promotion.carried() for _ in range(2)]
    assert clicks[0][1] != clicks[1][1], "two clicks were led by one address"
    orders = [promotion.buy(address) for _, address in clicks]
    for (click_id, _), order in zip(clicks, orders, strict=True):
        told = promotion.told(order)
        assert (told["click_id"], told["link_id"]) == (str(click_id), promotion.link["link_id"])
        assert (told["status"], told["paid_minor"]) == ("paid", 1999)
        assert 0 < told["commission_minor"] <= 300, "fifteen per cent, less what the alliance keeps"
    promotion.counts_as_sold([click_id for click_id, _ in clicks])


def page_in(address: str) -> str:
    """What an app opens: the page that our own forms of schemes name; an alliance's form is taken as it is."""
    query = httpx.QueryParams(urlsplit(address).query)
    if address.startswith("openapp.jdmobile://"):
        return str(json.loads(query["params"])["url"])
    return str(query["h5Url"]) if address.startswith("tbopen://") else address


@pytest.mark.parametrize("platform", BY_CLICK)
def test_the_apps_own_form_carries_it_too(promote, platform):
    promotion = promote(platform)
    promotion.carried()
    click_id, answer = promotion.click(IPHONE)
    assert answer.status_code == 200
    schemes = ("pinduoduo://", "openapp.jdmobile://", "snssdk1128://", "tbopen://")
    found = [part.partition('"')[0] for part in html.unescape(answer.text).split('"') if part.startswith(schemes)]
    assert found, "no scheme on the page of ways"
    told = promotion.told(promotion.buy(page_in(found[0])))
    assert told["click_id"] == str(click_id)


@pytest.mark.parametrize("platform", SAMPLED_BY_CLICK)
def test_an_alliance_that_is_slow_keeps_no_visitor_waiting(promote, market, platform):
    promotion = promote(platform)
    promotion.carried()
    market.faults({"platform": platform, "kind": "slow", "rate": 1, "seconds": SLOW_S})
    began = time.monotonic()
    _, answer = promotion.click()
    assert time.monotonic() - began < SLOW_S
    market.faults()
    told = promotion.told(promotion.buy(answer.headers["location"]))
    assert (told["link_id"], told["click_id"]) == (promotion.link["link_id"], None)


@pytest.mark.parametrize("platform", BY_LINK)
def test_each_order_is_tied_to_its_link_and_to_the_only_click_before_it(promote, platform):
    promotion = promote(platform)
    assert (promotion.place["outcome"], promotion.place["carries"]) == ("made", "link")
    _, address = promotion.carried()
    order = promotion.buy(address)
    assert promotion.told(order)["link_id"] == promotion.link["link_id"]


@pytest.mark.parametrize("platform", ALLIANCES)
def test_goods_that_an_alliance_does_not_have_keep_their_own_address(promote, platform):
    promotion = promote(platform, known=False)
    assert promotion.place["outcome"] == "refused"
    assert promotion.place["code"]
    assert promotion.click()[1].headers["location"] == promotion.page


@pytest.mark.parametrize("platform", SAMPLED)
def test_an_order_that_was_paid_back_is_void_and_stays_so(promote, platform):
    promotion = promote(platform)
    _, address = promotion.carried()
    order = promotion.buy(address)
    assert promotion.told(order)["status"] == "paid"
    promotion.move(order, "refund")
    assert promotion.told(order)["status"] == "void"
    assert promotion.told(order)["status"] == "void"


def test_a_shops_own_order_is_tied_by_what_its_alliance_tells(promote, market):
    """Taobao: the shop's order is pulled by one account, what it came by is told by another."""
    sku = f"AL-OWN-{next(NUMBERS)}"
    item = market.world.post_sandbox(
        "/shops/stock", platform="taobao", sku=sku, title="自家面包", price_fen=1230, quantity=50
    )
    told = market.world.post_sandbox(
        "/shops/stock",
        platform="taobao_alliance",
        sku=sku,
        title="自家面包",
        price_fen=1230,
        quantity=50,
        commission_bps=1000,
        goods_id=item["num_iid"],
    )
    promotion = promote("taobao_alliance", goods_id=str(told["goods_id"]))
    _, address = promotion.carried()
    bought = promotion.buy(address)
    assert promotion.told(bought)["link_id"] == promotion.link["link_id"]
    market.post(f"/connections/{market.connection('taobao')}/pull", {})
    (order,) = [one for one in market.items("/orders", source="taobao") if one["order_no"] == bought["order_no"]]
    assert (order["tie"]["evidence"], order["tie"]["link_id"]) == ("carried", promotion.link["link_id"])
    assert order["tie"]["confidence_bps"] == 10_000


def test_an_alliance_that_refuses_is_told_once_and_goes_on_by_itself(promote, market, until):
    promotion = promote("jd_alliance")
    order = promotion.buy(promotion.carried()[1])

    def refusals() -> list[dict]:
        tickets = market.items("/tickets")
        return [
            one for one in tickets if one["kind"] == "account_refused" and one["details"]["platform"] == "jd_alliance"
        ]

    market.faults({"platform": "jd_alliance", "kind": "no_permission", "rate": 1})
    for _ in range(3):
        market.advance(301)
    until("told", refusals)
    assert len(refusals()) == 1, "one ticket a day, however often it was refused"
    market.faults()
    market.advance(301)
    until("read on", lambda: any(one["order_no"] == order["order_no"] for one in market.items("/promoted-orders")))
    until("taken off the desk", lambda: not refusals())


def test_a_link_that_is_not_answered_keeps_no_other_waiting(promote, market):
    """One answer is lost each time it is asked for: its link is asked about ten minutes later, the next at once."""
    first = promote("douyin_alliance")
    market.faults({"platform": "douyin_alliance", "kind": "lost_answer", "rate": 1, "limit": 3})
    channel = {"kind": "post", "platform": "weibo", "name": f"推广 {next(NUMBERS)}"}
    links = [market.post("/links", {"title": "同款", "channel": channel, "url": first.page}) for _ in range(2)]

    def made() -> list[bool]:
        first.pull()
        answers = [market.client.get(f"/links/{link['link_id']}/promotions").json()["items"] for link in links]
        return [bool(items) for items in answers]

    assert sorted(made()) == [False, True], "one failed, and the other waits for it"
    market.faults()
    market.advance(601)
    assert made() == [True, True]


def test_an_account_that_is_off_leads_nobody_until_it_is_on(promote, market, until):
    promotion = promote("pinduoduo_alliance")
    promotion.carried()
    market.patch(f"/connections/{promotion.connection_id}", {"is_active": False})
    try:
        until("led to the goods' own page", lambda: promotion.click()[1].headers["location"] == promotion.page, 10)
    finally:
        market.patch(f"/connections/{promotion.connection_id}", {"is_active": True})
    market.advance(61)
    assert promotion.carried()[0] is not None


def test_goods_that_left_an_alliance_take_no_other_goods_click_ids(promote, market):
    """A refusal that concerns goods alone leaves the account in use; those goods lead on, and are asked about anew."""
    left, there = promote("douyin_alliance"), promote("douyin_alliance")
    for one in (left, there):
        one.carried()
    market.world.post_sandbox("/shops/stock", platform="douyin_alliance", promotable=False, **left.record)
    assert left.click()[1].status_code == 302
    click_id, address = there.carried()
    assert there.told(there.buy(address))["click_id"] == str(click_id)
    left.pull()
    assert (
        left.market.client.get(f"/links/{left.link['link_id']}/promotions").json()["items"][0]["outcome"] == "refused"
    )


def test_a_crowd_waits_for_nobodys_turn(promote):
    """More people at once than the account's rate: those beyond it are led by the link's address at once."""
    promotion = promote("jd_alliance")
    promotion.carried()
    began = time.monotonic()
    with ThreadPoolExecutor(20) as crowd:
        answers = list(crowd.map(lambda _: promotion.click()[1], range(60)))
    assert all(answer.status_code == 302 for answer in answers)
    assert time.monotonic() - began < 20
    assert promotion.carried()[1] not in {answer.headers["location"] for answer in answers}
    time.sleep(2)
    click_id, address = promotion.carried()
    assert promotion.told(promotion.buy(address))["click_id"] == str(click_id), "a crowd is no trouble of the alliance"


def test_an_alliances_account_is_connected_once(market):
    platform = market.world.sandbox.get("/platforms").json()["jd_alliance"]
    body = {"platform": "jd_alliance", "mode": "sandbox", "credentials": platform["credentials"], "is_tried": False}
    answer = market.send("/connections", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "account_there")


def test_what_a_promoter_may_not_is_told_and_tried_again_soon(promote, market, until):
    """Pinduoduo refuses a position that is not filed, for whatever goods: a person is told, and no link loses a day."""
    first = promote("pinduoduo_alliance")
    market.faults({"platform": "pinduoduo_alliance", "kind": "not_filed", "rate": 1})
    channel = {"kind": "post", "platform": "weibo", "name": f"推广 {next(NUMBERS)}"}
    links = [market.post("/links", {"title": "同款", "channel": channel, "url": first.page}) for _ in range(3)]

    def outcomes() -> set[str]:
        answers = [market.client.get(f"/links/{link['link_id']}/promotions").json()["items"] for link in links]
        return {item["outcome"] for items in answers for item in items}

    def refusals() -> list[dict]:
        tickets = [one for one in market.items("/tickets") if one["kind"] == "account_refused"]
        return [one for one in tickets if one["details"]["platform"] == "pinduoduo_alliance"]

    market.advance(61)
    until("told", refusals)
    assert outcomes() == {"refused"}
    market.faults()
    market.advance(661)
    until("promoted", lambda: outcomes() == {"made"})
    until("taken off the desk", lambda: not refusals())
