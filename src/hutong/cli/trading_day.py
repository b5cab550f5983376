"""A simulated trading day for the demo: posts, readers, buyers in WeChat, a shop on Taobao, a refund."""

from __future__ import annotations

import random
import time
from typing import Any, Final

import httpx
import msgspec

from hutong.cli.buyers import DESKTOP_AGENT, TIMEOUT_S, WECHAT_AGENT, open_in_wechat, tls
from hutong.cli.output import progress
from hutong.cli.promoters import promote
from hutong.cli.readers import read_on
from hutong.cli.story_steps import Api, Sandbox, wait_for
from hutong.core.errors import HutongError

#: The first part of the day happens at once, the rest at this pace, and it ends.
OPENING_VISITS: Final = 12
LATER_VISITS: Final = 400
LATER_PAUSE_S: Final = 4.0
COMMISSION_BPS: Final = 1000
READ_PAGE: Final = 200

WEIBO_AGENT: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
    "Weibo (iPhone17,1__weibo__15.9.0__iphone__os18.0)"
)
DOUYIN_AGENT: Final = (
    "Mozilla/5.0 (Linux; Android 14; 23127PN0CC) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/126.0 Mobile Safari/537.36 aweme_310100 AppName/aweme BytedanceWebview/d8a21c6"
)


KUAISHOU_AGENT: Final = (
    "Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0 Mobile "
    "Safari/537.36 Kwai/12.6.30 KsWebView/1.8.90"
)
PHONE_AGENT: Final = (
    "Mozilla/5.0 (Linux; Android 14; 23127PN0CC) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile "
    "Safari/537.36"
)


class Goods(msgspec.Struct, frozen=True):
    """A product of the demo's shop."""

    seller_code: str
    title: str
    price_fen: int
    stock: int


GOODS: Final = (
    Goods("CUP-01", "青花瓷马克杯", 5900, 160),
    Goods("TEA-250", "明前龙井 250 克", 12800, 140),
    Goods("BAG-03", "帆布手提袋", 2990, 120),
)
POSTS: Final = (
    ("post", "weibo", "微博：周末新品清单", 0),
    ("video", "douyin", "抖音：泡茶的一天", 1),
    ("post", "xiaohongshu", "小红书：通勤好物", 2),
    ("poster", "store", "店门口海报", 0),
    ("person", "wechat", "小周的朋友圈", 1),
)


#: A post that leads to goods in the shop at Taobao, and its readers: in which app, how many, and of ten how many get
#: away. Some of those buy there: nothing but the time says what brought them.
AWAY: Final = ("抖音：同款在淘宝", "https://item.taobao.com/item.htm?id={number}")
AWAY_GOODS: Final = "TEA-250"
AWAY_BUYS_EACH: Final = 8
READERS: Final = ((DOUYIN_AGENT, 24, 8), (PHONE_AGENT, 20, 5), (KUAISHOU_AGENT, 24, 0), (WEIBO_AGENT, 10, 0))


class TradingDay:
    """Everything goes through the same doors as real trade: links, pages, API, the platforms' own ports."""

    def __init__(self, api: Api, sandbox: Sandbox, seed: int) -> None:
        self._api = api
        self._sandbox = sandbox
        self._random = random.Random(seed)  # noqa: S311 (a play, not a secret)
        self._links: list[tuple[str, str]] = []  # address, and what it sells
        self._away = ""  # the address of the link to another platform
        self._items: dict[str, str] = {}  # the numbers of goods at Taobao, by seller's code
        self._shop_id = str(sandbox.get("/platforms")["taobao"]["credentials"]["shop_id"])

    def open_shop(self) -> None:
        """Products, stock on both sides, posts with links; on a second start what exists is used again."""
        known = {item["seller_code"]: item for item in self._api.get("/stock", limit=READ_PAGE)["items"]}
        skus = [self._put_on_shelf(goods, known.get(goods.seller_code)) for goods in GOODS]
        existing = self._api.get("/links", limit=READ_PAGE)["items"]
        if existing:
            self._links = [(item["url"], item["title"]) for item in existing if item["state"] == "active"]
            return
        title, url = AWAY
        url = url.format(number=self._items[AWAY_GOODS])
        away = {"title": title, "channel": {"kind": "video", "platform": "douyin", "name": title}, "url": url}
        self._away = self._api.post("/links", away)["url"]
        party = self._api.post("/parties", {"name": "小周", "kind": "poster"})["party_id"]
        for kind, platform, name, goods_no in POSTS:
            channel = {"kind": kind, "platform": platform, "name": name}
            body = {"title": GOODS[goods_no].title, "channel": channel, "sku_id": skus[goods_no]}
            link = self._api.post("/links", body)
            self._links.append((link["url"], GOODS[goods_no].title))
            if kind == "person":
                rule = {"party_id": party, "rate_bps": COMMISSION_BPS, "channel_id": link["channel_id"]}
                self._api.post("/split-rules", rule)

    def _put_on_shelf(self, goods: Goods, known: dict[str, Any] | None) -> str:
        quantity = goods.stock if known is None else known["available"]
        listed = self._sandbox.post(
            "/shops/stock",
            {
                "platform": "taobao",
                "shop_id": self._shop_id,
                "sku": goods.seller_code,
                "quantity": quantity,
                "title": goods.title,
                "price_fen": goods.price_fen,
            },
        )
        self._items[goods.seller_code] = listed["num_iid"]
        if known is not None:
            return str(known["sku_id"])
        product = self._api.post("/products", {"title": goods.title})["product_id"]
        sku = {"product_id": product, "seller_code": goods.seller_code, "price_fen": goods.price_fen}
        return str(self._api.post("/skus", {**sku, "stock": goods.stock})["sku_id"])

    def open_hours(self) -> None:
        """The first hour: enough to see something on every page."""
        for _ in range(OPENING_VISITS):
            self._quietly(self._visit)
        self._quietly(self._read_elsewhere)
        self._quietly(self._sell_on_taobao)
        self._quietly(self._refund_one)
        self._quietly(self._promote)

    def later(self) -> None:
        """The rest of the day, slowly, as long as there is something to sell."""
        for number in range(LATER_VISITS):
            time.sleep(LATER_PAUSE_S)
            if self._is_sold_out():
                progress("货都卖完了，模拟的一天到此结束 everything is sold; the simulated day ends")
                return
            self._quietly(self._visit)
            if number % 5 == 4:
                self._quietly(self._sell_on_taobao)

    def _left(self) -> dict[str, int]:
        """Pieces that can still be sold, by title."""
        return {item["title"]: int(item["available"]) for item in self._api.get("/stock", limit=READ_PAGE)["items"]}

    def _is_sold_out(self) -> bool:
        try:
            left = self._left()
        except (HutongError, httpx.HTTPError):  # a hub that does not answer has not sold out
            return False
        return not any(left.get(goods.title, 0) > 0 for goods in GOODS)

    def _quietly(self, step: Any) -> None:  # noqa: ANN401 (a bound step)
        """A product that another buyer took last, or a stopped hub, ends the step and not the day."""
        try:
            step()
        except (HutongError, httpx.HTTPError) as error:
            progress(str(error))

    def _visit(self) -> None:
        """Somebody sees a post; four in ten buy, if there is any left."""
        url, title = self._random.choice(self._links)
        if self._random.random() < 0.6 or self._left().get(title, 0) < 1:
            agent = self._random.choice((DESKTOP_AGENT, WEIBO_AGENT, DOUYIN_AGENT, WECHAT_AGENT))
            with httpx.Client(
                headers={"user-agent": agent}, timeout=TIMEOUT_S, trust_env=False, verify=tls()
            ) as browser:
                browser.get(url)
            return
        visit = open_in_wechat(url, buyer=self._random.randint(1, 9))
        try:
            self._sandbox.post("/bridge/pay", {"invoke": visit.press_pay()})
            wait_for("paid", lambda: visit.state() == "paid")
        finally:
            visit.close()

    def _read_elsewhere(self) -> None:
        """Readers of the post that leads to another platform; on a second start it was read before."""
        if not self._away:
            return
        for agent, readers, arriving in READERS:
            for number in range(readers):
                read_on(self._away, agent, arrives=number % 10 < arriving)
                if arriving and number % AWAY_BUYS_EACH == AWAY_BUYS_EACH - 1:
                    self._buy_on_taobao(AWAY_GOODS)

    def _promote(self) -> None:
        """Posts that lead to goods of alliances; on a second start they were put out before."""
        if self._away:
            promote(self._api, self._sandbox)

    def _sell_on_taobao(self) -> None:
        left = self._left()
        on_shelf = [goods for goods in GOODS if left.get(goods.title, 0) > 0]
        if not on_shelf:
            return
        self._buy_on_taobao(self._random.choice(on_shelf).seller_code)

    def _buy_on_taobao(self, seller_code: str) -> None:
        body = {"platform": "taobao", "shop_id": self._shop_id, "sku": seller_code, "quantity": 1}
        self._sandbox.post("/buy", body)
        for connection in self._api.get("/connections")["items"]:
            if connection["platform"] == "taobao":
                self._api.post(f"/connections/{connection['connection_id']}/pull", {})

    def _refund_one(self) -> None:
        for order in self._api.get("/orders", source="own", limit=READ_PAGE)["items"]:
            if order["state"] == "paid":
                self._api.post(f"/orders/{order['order_id']}/refunds", {"reason": "拍错了"})
                return
