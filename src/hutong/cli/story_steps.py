"""One sale across the walls, from link to statement, over HTTP only."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import msgspec

from hutong.cli.buyers import TIMEOUT_S, StepFailed, expect, look_at_desk, open_in_wechat
from hutong.cli.output import progress
from hutong.core.money import Money

WAIT_S: Final = 60.0
POLL_S: Final = 0.05
SELLER_CODE: Final = "CUP-01"
TITLE: Final = "青花瓷马克杯"
PAGE: Final = 200
TAOBAO_PIECES: Final = 2


class StoryPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is sold, for how much, and how many there are. Money in fen."""

    price_fen: int
    commission_bps: int
    stock: int
    seed: int = 0


class Api:
    """The hub's open API as a service provider uses it."""

    def __init__(self, base_url: str, key: str) -> None:
        self._client = httpx.Client(
            base_url=base_url, headers={"authorization": f"Bearer {key}"}, timeout=TIMEOUT_S, trust_env=False
        )

    def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """A page of something."""
        answer: dict[str, Any] = expect(self._client.get(path, params=query), f"GET {path}").json()
        return answer

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make or do something, under a key of its own."""
        headers = {"idempotency-key": secrets.token_hex(16)}
        answer: dict[str, Any] = expect(self._client.post(path, json=body, headers=headers), f"POST {path}").json()
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class Sandbox:
    """The sandbox's control port, and the buyers behind it."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False)

    def get(self, path: str) -> Any:  # noqa: ANN401 (JSON)
        """A look at something."""
        return expect(self._client.get(path), f"sandbox GET {path}").json()

    def post(self, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 (JSON)
        """Something happens on a platform."""
        return expect(self._client.post(path, json=body), f"sandbox POST {path}").json()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def wait_for(step: str, found: Callable[[], Any]) -> Any:  # noqa: ANN401 (what the caller looks for)
    """The first true answer; looked for until the time is over.

    Raises:
        StepFailed: it never came.
    """
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        answer = found()
        if answer:
            return answer
        time.sleep(POLL_S)
    raise StepFailed(step=step, problem=f"{WAIT_S:.0f} s")


class Story:
    """Li's sale: a post on Weibo, a friend in WeChat, a shop on Taobao, one stock, exact books."""

    def __init__(self, plan: StoryPlan, api: Api, sandbox: Sandbox) -> None:
        self.plan = plan
        self.api = api
        self.sandbox = sandbox
        self.shop_id = str(sandbox.get("/platforms")["taobao"]["credentials"]["shop_id"])
        self.link: dict[str, Any] = {}
        self.party_id = ""

    def tell(self) -> dict[str, Any]:
        """The whole story; its figures."""
        started = time.monotonic()
        self.open_shop()
        self.post_link()
        self.sell_in_wechat()
        self.sell_on_taobao()
        self.refund()
        figures = self.figures()
        figures["story_seconds"] = round(time.monotonic() - started, 2)
        return figures

    def open_shop(self) -> None:
        """A product with its stock, here and on Taobao."""
        plan = self.plan
        self.sandbox.post(
            "/shops/stock",
            {
                "platform": "taobao",
                "shop_id": self.shop_id,
                "sku": SELLER_CODE,
                "quantity": plan.stock,
                "title": TITLE,
                "price_fen": plan.price_fen,
            },
        )
        product = self.api.post("/products", {"title": TITLE})
        sku = {
            "product_id": product["product_id"],
            "seller_code": SELLER_CODE,
            "price_fen": plan.price_fen,
            "stock": plan.stock,
        }
        self.sku_id = self.api.post("/skus", sku)["sku_id"]
        progress(f"商品上架 {TITLE} ¥{Money.fen(plan.price_fen).decimal_text()} × {plan.stock}")

    def post_link(self) -> None:
        """A Weibo post with one link, whose writer earns a share."""
        channel = {"kind": "post", "platform": "weibo", "name": "微博：新到的马克杯"}
        body = {"title": TITLE, "channel": channel, "sku_id": self.sku_id}
        self.link = self.api.post("/links", body)
        self.party_id = self.api.post("/parties", {"name": "小周", "kind": "poster"})["party_id"]
        if self.plan.commission_bps:
            self.allow_commission()
            rule = {
                "party_id": self.party_id,
                "rate_bps": self.plan.commission_bps,
                "channel_id": self.link["channel_id"],
            }
            self.api.post("/split-rules", rule)
        progress(f"微博发帖 {self.link['url']}")

    def allow_commission(self) -> None:
        """A merchant who promises more than the usual total cap says so first."""
        if self.plan.commission_bps > self.api.get("/split-terms")["total_cap_bps"]:
            self.api.post("/split-terms", {"total_cap_bps": self.plan.commission_bps})

    def sell_in_wechat(self) -> None:
        """A reader looks on a desktop and forwards; a friend opens it inside WeChat and pays."""
        look_at_desk(self.link["url"])
        visit = open_in_wechat(self.link["url"], buyer=2)
        invoke = visit.press_pay()
        attempt = self.api.get("/payments", limit=1)["items"][0]["attempts"][0]
        paid = {"platform": "wechatpay", "out_trade_no": attempt["out_trade_no"], "invoke": invoke}
        self.sandbox.post("/pay", paid)
        wait_for("paid", lambda: visit.state() == "paid")
        visit.close()
        progress("微信好友打开转发的链接，微信支付已付款")

    def sell_on_taobao(self) -> None:
        """The same SKU sells on Taobao; the one stock goes down there, too."""
        wait_for("stock on taobao before", lambda: self.taobao_stock() == self.plan.stock - 1)
        body = {"platform": "taobao", "shop_id": self.shop_id, "sku": SELLER_CODE, "quantity": TAOBAO_PIECES}
        self.sandbox.post("/buy", body)
        shops = [item for item in self.api.get("/connections")["items"] if item["platform"] == "taobao"]
        self.api.post(f"/connections/{shops[0]['connection_id']}/pull", {})
        wait_for("taobao order", lambda: self.stock() == self.plan.stock - 1 - TAOBAO_PIECES)
        progress(f"淘宝卖出 {TAOBAO_PIECES} 件，库存同步")

    def refund(self) -> None:
        """The WeChat order, unshipped, is refunded: money, stock, fee and commission go back."""
        orders = self.api.get("/orders", source="own")["items"]
        self.api.post(f"/orders/{orders[0]['order_id']}/refunds", {"reason": "买家不想要了"})
        wait_for("refund", lambda: self.api.get("/orders", source="own")["items"][0]["state"] == "refunded")
        final = self.plan.stock - TAOBAO_PIECES
        wait_for("stock back", lambda: self.stock() == final and self.taobao_stock() == final)
        wait_for("books", self.books_agree)
        progress("未发货退款：钱、库存、手续费、佣金都退回")

    def stock(self) -> int:
        """What we can sell."""
        return int(self.api.get("/stock")["items"][0]["available"])

    def taobao_stock(self) -> int:
        """What Taobao shows."""
        for shop in self.sandbox.get("/shops"):
            if shop["platform"] == "taobao" and shop["shop_id"] == self.shop_id:
                return next(int(item["quantity"]) for item in shop["skus"] if item["sku"] == SELLER_CODE)
        raise StepFailed(step="stock on taobao", problem=SELLER_CODE)

    def platform_books(self) -> dict[str, int]:
        """What each platform owes or holds for us by its own books: paid − refunded − fee kept, in fen."""
        balances: dict[str, int] = {}
        for row in self.sandbox.get("/books"):
            kept = row.get("fee_fen", 0) - row.get("refunded_fee_fen", 0)
            left = row["amount_fen"] - row["refunded_fen"] - kept
            balances[row["platform"]] = balances.get(row["platform"], 0) + left
        return balances

    def account_balances(self) -> dict[str, int]:
        """What our books say of each platform."""
        balances: dict[str, int] = {}
        for account in self.api.get("/accounts")["items"]:
            kind, _, rest = account["account"].partition(":")
            if kind in ("wallet", "receivable"):
                platform = rest.partition(":")[0]
                balances[platform] = balances.get(platform, 0) + account["balance_minor"]
        return balances

    def books_agree(self) -> bool:
        """Whether each account's balance equals the platform's own books."""
        return self.account_balances() == self.platform_books()

    def figures(self) -> dict[str, Any]:
        """What the story comes to, read from the API."""
        # law: allow clock-passed-in because this is a client over HTTP, outside the hub and without its clock
        now = datetime.now(UTC)
        period = {"start_at": (now - timedelta(days=1)).isoformat(), "end_at": (now + timedelta(days=1)).isoformat()}
        self.api.post("/statements", {"party_id": self.party_id, **period})
        channel = self.api.get("/channels")["items"][0]
        payments = self.api.get("/payments", limit=PAGE)
        accounts = self.api.get("/accounts")["items"]
        whole = self.api.get("/figures")
        return {
            "clicks": channel["clicks"],
            "clicks_by_container": channel["clicks_by_container"],
            "clicks_converted": channel["clicks_converted"],
            "orders": self.api.get("/orders")["total"],
            "payments": payments["total"],
            "refunds": sum(len(payment["refunds"]) for payment in payments["items"]),
            "stock": self.stock(),
            "stock_on_taobao": self.taobao_stock(),
            "books_sum_fen": sum(account["balance_minor"] for account in accounts),
            "postings": len(self.api.get("/postings", limit=PAGE)["items"]),
            "statements": len(self.api.get("/statements")["items"]),
            "tickets": self.api.get("/tickets")["total"],
            "customers": whole["customers"],
            "net_fen": whole["money"][0]["net_minor"],
            "balances": self.account_balances(),
            "sandbox_books": self.platform_books(),
            "books_agree": self.books_agree(),
        }
