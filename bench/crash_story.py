"""The story of ``hutong story`` as people tell it to a hub that may die at any moment.

Every step looks at the world first and only does what is still missing: a merchant asks again with the same
Idempotency-Key, a buyer reloads the page and presses "pay" again, the wallet repeats its callback by its own schedule.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin

import httpx
from restartable import TLS, Died, Unreached, World, wait_until

from hutong.cli.buyers import DESKTOP_AGENT, WECHAT_AGENT
from hutong.cli.story_steps import SELLER_CODE, TAOBAO_PIECES, TITLE, StoryPlan

#: How often one step may be begun again; each time the hub died or an answer was lost.
TRIES_MAX = 30
STEP_S = 45
HOPS_MAX = 10
#: A hub that was started again has stored the clicks of its journal by then.
JOURNAL_S = 5
#: After a restart so much time passes: the wallet's next repeat and the hub's first query fall into it.
AFTER_CRASH_S = 25
BUYER = "1"
_ID = re.compile(r":[0-9a-f-]{36}")
_CHECKOUT = re.compile(r"/c/([0-9a-f-]{36})")


class Lost(Exception):
    """The hub died under a step, or an answer never came; look again."""


class CrashStory:
    """One story against a world whose hub is killed by its own crash points."""

    def __init__(self, world: World, plan: StoryPlan) -> None:
        self.world = world
        self.plan = plan
        self.deaths = 0
        self.at_desk = False  # the reader has opened the link at a desk, whether or not it was answered
        self.here = ""  # the address in the buyer's browser
        self.cookies = httpx.Cookies()  # that his browser keeps, whatever dies
        self.checkout = ""
        self.link: dict[str, Any] = {}
        self.party_id = ""

    def tell(self, first_start: str) -> dict[str, Any]:
        """The whole story; its figures. ``first_start`` are the crash points of the hub's first life."""
        self._start(first_start)
        for step in (self.shelf, self.post, self.desk, self.friend, self.pay, self.taobao, self.refund, self.draw):
            self._insist(step)
        return self._insist(self.figures)

    def _start(self, crash_points: str) -> None:
        try:
            self.world.start_hub(crash_points=crash_points)
        except Died:
            self._again()

    def _again(self) -> None:
        """Whoever runs the hub starts it again; a while passes."""
        self.deaths += 1
        self.world.start_hub(fresh_login=not self.world.login)
        self.world.post_sandbox("/clock/advance", seconds=AFTER_CRASH_S)

    def _insist(self, step: Callable[[], Any]) -> Any:  # noqa: ANN401
        for _ in range(TRIES_MAX):
            try:
                return step()
            except (httpx.TransportError, Lost, Unreached) as problem:
                if self.world.hub_died():
                    self._again()
                elif isinstance(problem, Unreached):
                    raise
        raise Unreached(f"{step.__name__} was begun {TRIES_MAX} times")

    # Talking to the hub

    def get(self, path: str, **query: Any) -> dict[str, Any]:  # noqa: ANN401
        return self._api("GET", path, params=query)

    def post_once(self, name: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The same name is the same request for ever."""
        return self._api("POST", path, json=body, headers={"idempotency-key": f"story-{name}"})

    def _api(self, method: str, path: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        with self.world.api() as client:
            answer = client.request(method, path, **more)
        if answer.status_code >= 500:
            raise Lost(answer.text)
        assert answer.is_success, f"{path} {answer.status_code} {answer.text}"
        return answer.json()

    def until(self, what: str, found: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Wait for it; notice at once when the hub dies."""

        def look() -> Any:  # noqa: ANN401
            if self.world.hub is None or self.world.hub.process.poll() is not None:
                raise Lost(what)
            return found()

        return wait_until(what, look, STEP_S)

    # The steps

    def shelf(self) -> None:
        plan = self.plan
        self.world.post_sandbox(
            "/shops/stock",
            platform="taobao",
            sku=SELLER_CODE,
            quantity=plan.stock,
            title=TITLE,
            price_fen=plan.price_fen,
        )
        product = self.post_once("product", "/products", {"title": TITLE})
        body = {
            "product_id": product["product_id"],
            "seller_code": SELLER_CODE,
            "price_fen": plan.price_fen,
            "stock": plan.stock,
        }
        self.sku_id = self.post_once("sku", "/skus", body)["sku_id"]

    def post(self) -> None:
        channel = {"kind": "post", "platform": "weibo", "name": "微博"}
        self.link = self.post_once("link", "/links", {"title": TITLE, "channel": channel, "sku_id": self.sku_id})
        self.party_id = self.post_once("party", "/parties", {"name": "小周", "kind": "poster"})["party_id"]
        if self.plan.commission_bps:
            rule = {"party_id": self.party_id, "rate_bps": self.plan.commission_bps}
            self.post_once("rule", "/split-rules", {**rule, "channel_id": self.link["channel_id"]})

    def desk(self) -> None:
        """The reader reloads the page until it shows; a click that was kept is not made again.

        One that the hub wrote down before it died stands in its journal, which it stores a moment after it started.
        """
        if self.at_desk:
            with contextlib.suppress(Unreached):
                wait_until("a click of before", lambda: self.clicks("desktop"), JOURNAL_S)
        if not self.clicks("desktop"):
            self.at_desk = True
            self._browse(self.link["url"], DESKTOP_AGENT, keep=False)
            self.until("click", lambda: self.clicks("desktop"))

    def friend(self) -> None:
        """Opens the link in WeChat; reloads wherever the browser stands."""
        if not self.here:
            self._browse(self.link["url"], WECHAT_AGENT, keep=True)
        elif not self.checkout:
            self._browse(self.here, WECHAT_AGENT, keep=True)
        found = _CHECKOUT.search(self.here)
        assert found is not None, self.here
        self.checkout = f"{self.world.url}/c/{found.group(1)}"
        self.until("click", lambda: self.clicks("wechat"))

    def _browse(self, url: str, agent: str, *, keep: bool) -> None:
        headers = {"user-agent": agent, "x-sandbox-buyer": BUYER}
        cookies = self.cookies if keep else None
        with httpx.Client(headers=headers, cookies=cookies, timeout=20, trust_env=False, verify=TLS) as browser:
            for _ in range(HOPS_MAX):
                answer = browser.get(url)
                if keep:
                    self.cookies.update(browser.cookies)
                if answer.status_code >= 500:
                    raise Lost(url)
                if keep:
                    self.here = self._reload_address(str(answer.url))
                if not answer.has_redirect_location:
                    assert answer.is_success, f"{url} {answer.status_code}"
                    return
                url = urljoin(str(answer.url), answer.headers["location"])
                if keep:
                    self.here = self._reload_address(url)
        raise Lost("too many redirects")

    def _reload_address(self, url: str) -> str:
        """Where a reload leads: a code of the wallet serves once, so the cash desk is opened without it."""
        found = _CHECKOUT.search(url)
        return f"{self.world.url}/c/{found.group(1)}" if found else url

    def pay(self) -> None:
        if self.order("own") and self.order("own")["state"] != "unpaid":
            return
        headers = {"user-agent": WECHAT_AGENT}
        pressed = {"method": "jsapi", "platform": "wechatpay"}
        answer = httpx.post(
            f"{self.checkout}/pay", json=pressed, headers=headers, timeout=20, trust_env=False, verify=TLS
        )
        if answer.status_code == 200:
            invoke = answer.json()["invoke"]
            self.world.sandbox.post("/pay", json={"platform": "wechatpay", "invoke": invoke})
        elif answer.status_code == 400:  # the payer is not known yet: the cash desk asks WeChat again
            self._browse(self.checkout, WECHAT_AGENT, keep=True)
            raise Lost(answer.text)
        elif answer.status_code >= 500:
            raise Lost(answer.text)
        self.until("paid", lambda: self.order("own")["state"] == "paid")

    def taobao(self) -> None:
        """One buyer, one order there; we ask for it until we have it."""
        if not [row for row in self.world.sandbox.get("/books").json() if row["platform"] == "taobao"]:
            self.until("stock on taobao", lambda: self.taobao_stock() == self.plan.stock - 1)
            self.world.post_sandbox("/buy", platform="taobao", sku=SELLER_CODE, quantity=TAOBAO_PIECES)
        shop = next(item for item in self.get("/connections")["items"] if item["platform"] == "taobao")
        self._api("POST", f"/connections/{shop['connection_id']}/pull", json={})
        self.until("taobao order", lambda: (self.order("taobao") or {}).get("state") == "paid")

    def refund(self) -> None:
        self.post_once("refund", f"/orders/{self.order('own')['order_id']}/refunds", {"reason": "买家不想要了"})
        self.until("refunded", lambda: self.order("own")["state"] == "refunded")
        left = self.plan.stock - TAOBAO_PIECES
        self.until("stock back", lambda: (self.stock(), self.taobao_stock()) == (left, left))
        self.until("books", lambda: self.balances() == self.platform_books())
        # At rest nothing is left that could still move a figure: effects that would come twice have come by now.
        self.until("rest", self.world.at_rest)

    def draw(self) -> None:
        if self.get("/statements")["items"]:  # drawn before the hub died, and only the answer was lost
            return
        now = datetime.now(UTC)
        period = {"start_at": (now - timedelta(days=1)).isoformat(), "end_at": (now + timedelta(days=1)).isoformat()}
        self._api("POST", "/statements", json={"party_id": self.party_id, **period})

    # Looking

    def clicks(self, container: str) -> int:
        channels = self.get("/channels")["items"]
        return channels[0]["clicks_by_container"].get(container, 0) if channels else 0

    def order(self, source: str) -> dict[str, Any]:
        return next(iter(self.get("/orders", source=source)["items"]), {})

    def stock(self) -> int:
        return int(self.get("/stock")["items"][0]["available"])

    def taobao_stock(self) -> int:
        shops = [shop for shop in self.world.sandbox.get("/shops").json() if shop["platform"] == "taobao"]
        return next(int(item["quantity"]) for shop in shops for item in shop["skus"] if item["sku"] == SELLER_CODE)

    def platform_books(self) -> dict[str, int]:
        balances: dict[str, int] = {}
        for row in self.world.sandbox.get("/books").json():
            kept = row.get("fee_fen", 0) - row.get("refunded_fee_fen", 0)
            left = row["amount_fen"] - row["refunded_fen"] - kept
            balances[row["platform"]] = balances.get(row["platform"], 0) + left
        return balances

    def balances(self) -> dict[str, int]:
        balances: dict[str, int] = {}
        for account in self.get("/accounts")["items"]:
            kind, _, rest = account["account"].partition(":")
            if kind in ("wallet", "receivable"):
                platform = rest.partition(":")[0]
                balances[platform] = balances.get(platform, 0) + account["balance_minor"]
        return balances

    def figures(self) -> dict[str, Any]:
        """What the story comes to."""
        channel = self.get("/channels")["items"][0]
        payments = self.get("/payments")
        accounts = self.get("/accounts")["items"]
        statements = self.get("/statements")["items"]
        return {
            "clicks_by_container": dict(sorted(channel["clicks_by_container"].items())),
            "clicks_converted": channel["clicks_converted"],
            "orders": self.get("/orders")["total"],
            "payments": payments["total"],
            "attempts": sum(len(payment["attempts"]) for payment in payments["items"]),
            "refunds": sum(len(payment["refunds"]) for payment in payments["items"]),
            "stock": self.stock(),
            "stock_on_taobao": self.taobao_stock(),
            "books_sum_fen": sum(account["balance_minor"] for account in accounts),
            "books_agree": self.balances() == self.platform_books(),
            "accounts": sorted(
                re.sub(r":[0-9a-f-]{36}", "", a["account"]) + f" {a['balance_minor']}" for a in accounts
            ),
            "postings": len(self.get("/postings", limit=200)["items"]),
            "statements": len(statements),
            "tickets": self.get("/tickets")["total"],
            "customers": self.world.count("customer"),
            "sales_counted": self.world.count("sale_fact"),
            "connections": len(self.get("/connections")["items"]),
            "wallet_orders": len(self._created()),
        }

    def _created(self) -> list[dict[str, Any]]:
        events = self.world.sandbox.get("/events", params={"platform": "wechatpay"}).json()
        return [event for event in events if event["kind"] == "order_created"]
