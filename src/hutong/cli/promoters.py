"""Simulated promotion for the demo: posts that lead to goods of alliances, and readers of whom some buy there."""

from __future__ import annotations

from typing import Final
from urllib.parse import urljoin

import httpx
import msgspec

from hutong.cli.buyers import TIMEOUT_S, WECHAT_AGENT, tls
from hutong.cli.story_steps import Api, Sandbox, wait_for

READERS: Final = 6
#: Of the readers of a post, those that buy.
BUYING: Final = (1, 4)
COMMISSION_BPS: Final = 1500


class Post(msgspec.Struct, frozen=True):
    """A post for goods of an alliance, and how the platform's own page names them."""

    alliance: str
    kind: str
    platform: str
    name: str
    title: str
    price_fen: int
    page: str


POSTS: Final = (
    Post(
        "pinduoduo_alliance", "post", "wechat", "朋友圈：拼单好物", "帆布手提袋 两只装", 4990,
        "https://mobile.yangkeduo.com/goods.html?goods_id={}",
    ),
    Post(
        "jd_alliance", "post", "weibo", "微博：京东自营同款", "青花瓷马克杯 礼盒", 8900,
        "https://item.m.jd.com/product/{}.html",
    ),
    Post(
        "douyin_alliance", "video", "douyin", "抖音：泡茶用什么", "明前龙井 100 克", 6900,
        "https://haohuo.jinritemai.com/ecommerce/trade/detail/index.html?id={}",
    ),
)  # fmt: skip


def promote(api: Api, sandbox: Sandbox) -> None:
    """Put the posts out, let people read them and some of them buy, and read what the alliances tell."""
    accounts = {item["platform"]: item["connection_id"] for item in api.get("/connections")["items"]}
    for post in POSTS:
        if post.alliance in accounts:
            _promote(api, sandbox, post, f"/connections/{accounts[post.alliance]}/pull")


def _promote(api: Api, sandbox: Sandbox, post: Post, pull: str) -> None:
    goods = {"sku": post.title, "title": post.title, "price_fen": post.price_fen, "quantity": 500}
    told = sandbox.post("/shops/stock", {"platform": post.alliance, "commission_bps": COMMISSION_BPS, **goods})
    channel = {"kind": post.kind, "platform": post.platform, "name": post.name}
    page = post.page.format(told["goods_id"])
    link = api.post("/links", {"title": post.title, "channel": channel, "url": page})
    api.post(pull, {})
    wait_for("promoted", lambda: read(link["url"]) != page)
    for number in range(READERS):
        address = read(link["url"])
        if number in BUYING:
            sandbox.post("/buy", {"platform": post.alliance, "address": address, "quantity": 1})
    api.post(pull, {})


def read(link_url: str) -> str:
    """A reader inside WeChat opens a link: the address of the goods that he is led to."""
    with httpx.Client(
        headers={"user-agent": WECHAT_AGENT}, timeout=TIMEOUT_S, trust_env=False, verify=tls()
    ) as browser:
        address = browser.get(link_url).headers.get("location", "")
        if address.startswith("/"):
            address = browser.get(urljoin(link_url, address)).headers.get("location", "")
        return str(address)
