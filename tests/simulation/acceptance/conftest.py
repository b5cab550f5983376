"""One hub with its sandbox for all acceptance tests of a worker; each test sells goods of its own in it."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from hutong.cli.buyers import WechatVisit, open_in_wechat
from hutong.cli.story import hub_and_sandbox, tell
from hutong.cli.story_steps import StoryPlan
from hutong.db.home import Home

sys.path.insert(0, str(Path(__file__).parents[3] / "bench"))  # what runs hub and sandbox serves the crash proof, too

from restartable import World, wait_until

#: Tables that no forged or foreign callback may change.
MONEY_TABLES = ("payment", "attempt", "refund", "ledger_batch", "posting", "sales_order", "stock_move", "sale_fact")


class Goods:
    """A SKU of a test's own, with a link to it."""

    def __init__(self, market: Market, *, price_fen: int, stock: int) -> None:
        number = next(market.numbers)
        self.market = market
        self.seller_code = f"T{os.getpid()}-{number}"
        product = market.post("/products", {"title": f"测试商品 {number}"})
        body = {
            "product_id": product["product_id"],
            "seller_code": self.seller_code,
            "price_fen": price_fen,
            "stock": stock,
        }
        self.sku_id = market.post("/skus", body)["sku_id"]
        channel = {"kind": "post", "platform": "weibo", "name": f"渠道 {number}"}
        self.link = market.post("/links", {"title": f"链接 {number}", "channel": channel, "sku_id": self.sku_id})

    def level(self) -> dict[str, Any]:
        """The SKU's stock."""
        found = [item for item in self.market.items("/stock") if item["sku_id"] == self.sku_id]
        return found[0]

    def visit(self, buyer: int = 1) -> WechatVisit:
        """A buyer inside WeChat at the cash desk."""
        return open_in_wechat(self.link["url"], buyer=str(buyer))


class Sale:
    """A checkout of one buyer and what became of it."""

    def __init__(self, goods: Goods, buyer: int = 1) -> None:
        self.market = goods.market
        self.goods = goods
        self.visit = goods.visit(buyer)
        self.invoke = self.visit.press_pay()
        rows = self.market.world.sql(
            "SELECT c.payment_id, c.order_id, a.out_trade_no FROM checkout c JOIN attempt a USING (merchant_id, "
            "payment_id) WHERE c.checkout_id = $1::text::uuid",
            self.visit.checkout_id,
        )
        self.payment_id = str(rows[0]["payment_id"])
        self.order_id = str(rows[0]["order_id"])
        self.out_trade_no = str(rows[0]["out_trade_no"])

    def pay(self) -> dict[str, Any]:
        """The buyer pays; the wallet tells the hub."""
        body = {"platform": "wechatpay", "out_trade_no": self.out_trade_no}
        return self.market.world.post_sandbox("/pay", **body)

    def paid(self) -> Sale:
        """Pay and wait until the order is paid and booked."""
        self.pay()
        wait_until("paid", lambda: self.order()["state"] == "paid")
        self.market.world.settle()
        return self

    def order(self) -> dict[str, Any]:
        return next(item for item in self.market.items("/orders") if item["order_id"] == self.order_id)

    def payment(self) -> dict[str, Any]:
        return next(item for item in self.market.items("/payments") if item["payment_id"] == self.payment_id)

    def tamper(self, change: str) -> int:
        """What the hub answered to a callback that must not be believed."""
        answer = self.market.world.post_sandbox("/callbacks/tamper", out_trade_no=self.out_trade_no, change=change)
        return int(answer["status"])

    def replay(self) -> int:
        """What the hub answered to the same bytes again."""
        return int(self.market.world.post_sandbox("/callbacks/replay", out_trade_no=self.out_trade_no)["status"])

    def booked(self) -> list[dict[str, Any]]:
        """Postings about this order."""
        return [item for item in self.market.items("/postings") if item["subject_id"] == self.order_id]

    def tickets(self) -> list[dict[str, Any]]:
        """Open tickets that name this order or its number."""
        names = {self.order_id, self.out_trade_no}
        return [
            item
            for item in self.market.items("/tickets")
            if names & {str(item["subject_id"]), *map(str, item["details"].values())}
        ]


class Market:
    """The running world as a service provider and its buyers see it."""

    numbers = itertools.count(1)

    def __init__(self, world: World) -> None:
        self.world = world
        self.client = world.api()
        self._visits: list[WechatVisit] = []

    def post(self, path: str, body: dict[str, Any], key: str | None = None) -> dict[str, Any]:
        answer = self.send(path, body, key)
        assert answer.is_success, f"{path} {answer.status_code} {answer.text}"
        return answer.json()

    def send(self, path: str, body: dict[str, Any], key: str | None = None) -> httpx.Response:
        return self.client.post(path, json=body, headers={"idempotency-key": key or os.urandom(12).hex()})

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.client.patch(path, json=body)
        assert answer.is_success, f"{path} {answer.status_code} {answer.text}"
        return answer.json()

    def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All pages."""
        found: list[dict[str, Any]] = []
        while True:
            answer = self.client.get(path, params={"limit": 200, "offset": len(found), **query})
            assert answer.is_success, f"{path} {answer.status_code} {answer.text}"
            page = answer.json()["items"]
            found += page
            if len(page) < 200:
                return found

    def goods(self, *, price_fen: int = 5900, stock: int = 10) -> Goods:
        return Goods(self, price_fen=price_fen, stock=stock)

    def sale(self, *, price_fen: int = 5900, stock: int = 10, buyer: int = 1) -> Sale:
        """A buyer who has pressed "pay" for goods of this test's own."""
        return self.buyer_of(self.goods(price_fen=price_fen, stock=stock), buyer)

    def buyer_of(self, goods: Goods, buyer: int = 1) -> Sale:
        """One more buyer of the same goods."""
        sale = Sale(goods, buyer)
        self._visits.append(sale.visit)
        return sale

    def connection(self, platform: str) -> str:
        return next(item["connection_id"] for item in self.items("/connections") if item["platform"] == platform)

    def callback_url(self, platform: str = "wechatpay") -> str:
        return f"{self.world.url}/callbacks/{platform}/{self.connection(platform)}"

    def press_pay(self, visit: WechatVisit, method: str) -> httpx.Response:
        """Press "pay" for a way to pay; the answer, whatever it is."""
        url = f"{self.world.url}/c/{visit.checkout_id}/pay"
        headers = {"accept": "application/json"}
        pressed = {"method": method, "platform": "wechatpay"}
        return httpx.post(url, json=pressed, headers=headers, trust_env=False, timeout=60)

    def faults(self, *rules: dict[str, Any]) -> None:
        """Put these faults in force and no others."""
        self.world.sandbox.put("/faults", json=list(rules)).raise_for_status()

    def advance(self, seconds: int) -> None:
        """Time passes on the platforms and in the hub; returns when the hub's clock is there and its work done."""
        now = datetime.fromisoformat(self.world.post_sandbox("/clock/advance", seconds=seconds)["now"])
        wait_until("the hub's clock", lambda: self.hub_now() >= now - timedelta(seconds=1))
        self.world.settle()

    def hub_now(self) -> datetime:
        """The hub's clock, as the time-ordered id of something that was just made tells it."""
        product_id = UUID(self.post("/products", {"title": "现在几点"})["product_id"])
        return datetime.fromtimestamp((product_id.int >> 80) / 1000, UTC)

    def balances(self) -> dict[str, int]:
        """Every account's balance."""
        return {item["account"]: item["balance_minor"] for item in self.items("/accounts") if item["balance_minor"]}

    def rows(self) -> dict[str, int]:
        """Rows of the money tables and the callbacks that were stored."""
        return {table: self.world.count(table) for table in (*MONEY_TABLES, "inbound")}

    def close(self) -> None:
        for visit in self._visits:
            visit.close()
        self.client.close()


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """A running hub and sandbox."""
    running = World(seed=20261123)
    try:
        running.start_hub()
        yield running
    finally:
        running.close()


@pytest.fixture
def market(world: World) -> Iterator[Market]:
    """The world at rest, without faults."""
    world.sandbox.put("/faults", json=[])
    opened = Market(world)
    yield opened
    opened.close()
    world.sandbox.put("/faults", json=[])


@pytest.fixture(scope="session")
def market_of() -> Callable[[World], Market]:
    """For a test with a world of its own."""
    return Market


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    return wait_until


@pytest.fixture
def tell_story(tmp_path: Path) -> Callable[[StoryPlan], dict[str, Any]]:
    """Tell a whole story in a fresh home with a fresh sandbox; its figures."""

    def run(plan: StoryPlan) -> dict[str, Any]:
        home = tmp_path / "home"
        Home.open(home, demo=True)
        with hub_and_sandbox(home, plan.seed) as (hub, sandbox):
            return tell(plan, hub, sandbox)

    return run
