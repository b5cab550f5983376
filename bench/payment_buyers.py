"""Buyers by the thousand against a hub that may die: each knows what it wants and begins every step again until done.

A buyer opens the link in a phone's browser, presses "pay", and pays in the wallet's page; some change their mind, pay
twice, pay too late, or want their money back; of some that never pay a stranger tells the hub that they did. What a
buyer does follows from the seed alone.
"""

from __future__ import annotations

import asyncio
import json
import random
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

from crowd_line import Line, LostAnswer

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)
#: How often one step is begun again: each time the hub was dead, or a wallet did not answer.
TRIES_MAX = 150
PAUSE_S = 0.2
TIMEOUT_S = 40.0
#: What buyers want, in hundredths.
WISHES = {
    "pay": 70,
    "refund": 7,
    "refund_parts": 6,
    "abandon": 5,
    "double": 4,
    "late": 3,
    "switch": 3,
    "given_back": 2,
}
#: What the shop gives back in the wallet's own console, so that the hub hears of the refund before the payment.
GIVEN_BACK_FEN = 500
#: Wallet -> what is wrong with a notice that must be refused.
SPOILT = {
    "wechatpay": ("body", "signature", "timestamp", "serial", "nonce", "stale", "probe"),
    "alipay": ("body", "sign", "sign_type", "charset", "duplicate", "swapped", "stale"),
}
SPOILT_EACH = 3
WALLETS = ("wechatpay", "alipay")


class GaveUp(Exception):
    """A step never ended."""


class Crowd:
    """What all buyers share: the line to the hub and to the sandbox, and what was counted."""

    def __init__(self, hub_url: str, control_url: str, api_key: str, seed: int) -> None:
        self.hub = Line(hub_url, TIMEOUT_S, {"user-agent": PHONE})
        self.sandbox = Line(control_url, TIMEOUT_S)
        self.api_headers = {"authorization": f"Bearer {api_key}"}
        self.up = asyncio.Event()
        self.up.set()
        self.seed = seed
        self.counts: Counter[str] = Counter()
        self.unsaid: list[str] = []  # answers nobody expects

    async def insist(self, name: str, step: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401
        """Begin a step again until it gives an answer; a dead hub is waited for."""
        for _ in range(TRIES_MAX):
            await self.up.wait()
            try:
                answer = await step()
            except LostAnswer:
                self.counts["lost answers"] += 1
                answer = None
            if answer is not None:
                return answer
            await asyncio.sleep(PAUSE_S)
        raise GaveUp(name)

    async def close(self) -> None:
        await self.hub.aclose()
        await self.sandbox.aclose()


class Buyer(ABC):
    """One visit and what became of it."""

    def __init__(self, crowd: Crowd, number: int, link_url: str) -> None:
        self.crowd = crowd
        self.number = number
        self.link_url = link_url
        self.random = random.Random(f"{crowd.seed}:{number}")
        self.platform, self.other = self.random.choice((WALLETS, WALLETS[::-1]))
        self.wish = self.random.choices(list(WISHES), list(WISHES.values()))[0]
        self.checkout = ""
        self.paid_to: list[str] = []  # numbers at the wallet that were paid
        self.refunds_fen: list[int] = []

    async def shop(self) -> None:
        """From the link to the wallet."""
        self.checkout = await self.crowd.insist("checkout", self._open)
        handle = await self._press(self.platform, "h5")
        if handle is None:
            return
        if self.wish == "abandon":
            await self._be_forged(handle)
            return
        if self.wish == "late":
            await self._close_first()
        if self.wish in ("double", "switch"):
            second = await self._press(self.random.choice((self.platform, self.other)), "native")
            if self.wish == "double":
                await self._pay(handle)
            handle = second
        if handle is not None:
            await self._pay(handle)

    async def _open(self) -> str | None:
        """The address of the cash desk, from the redirects of link and landing."""
        url = self.link_url
        for _ in range(4):
            answer = await self.crowd.hub.get(url)
            if answer.status_code >= 500 or not answer.has_redirect_location:
                return None
            url = urljoin(url, answer.headers["location"])
            if "/c/" in url:
                return url.rstrip("/")
        return None

    async def _press(self, platform: str, method: str) -> dict[str, str] | None:
        """Press "pay"; what the buyer brings to the wallet, or None where there is nothing to pay any more."""

        async def press() -> dict[str, str] | bool | None:
            body = {"method": method, "platform": platform}
            answer = await self.crowd.hub.post(
                f"{self.checkout}/pay", json=body, headers={"accept": "application/json"}
            )
            if answer.status_code == 200:
                return {"platform": platform, **answer.json()}
            code = answer.json().get("code", "") if "json" in answer.headers.get("content-type", "") else ""
            self.crowd.counts[f"pressed: {code or answer.status_code}"] += 1
            if code in ("already_paid", "checkout_over"):
                return False
            return None  # unclear, refused or dead: press again

        told = await self.crowd.insist("press", press)
        return told or None

    async def _pay(self, told: dict[str, str]) -> None:
        """In the wallet: the buyer confirms."""
        order: dict[str, Any] = await self._arrive(told)
        if self.wish == "given_back":
            order["given_back_fen"] = GIVEN_BACK_FEN
        answer = await self.crowd.sandbox.post("/pay", json=order)
        if answer.is_success:
            self.paid_to.append(answer.json()["out_trade_no"])
        elif answer.status_code == 409:
            self.crowd.counts["wallet said closed or paid"] += 1
        else:
            self.crowd.unsaid.append(f"pay {answer.status_code} {answer.text[:200]}")

    async def _be_forged(self, told: dict[str, str]) -> None:
        """The buyer leaves; a stranger, or a broken line, tells the hub that the order was paid."""
        order = await self._arrive(told)
        for change in self.random.sample(SPOILT[told["platform"]], SPOILT_EACH):
            answer = await self.crowd.sandbox.post("/callbacks/tamper", json={**order, "change": change})
            if not answer.is_success:
                self.crowd.unsaid.append(f"tamper {answer.status_code} {answer.text[:200]}")

    async def _arrive(self, told: dict[str, str]) -> dict[str, str]:
        """The QR is scanned, or the page that the browser was sent to is opened: what names the order there."""
        order = {"platform": told["platform"]}
        if "redirect_url" not in told:
            order["code_url"] = told["code_url"]
        elif told["platform"] == "wechatpay":
            order["h5_url"] = told["redirect_url"]
        else:
            await self.crowd.sandbox.get(told["redirect_url"])  # the order begins when the browser brings it there
            query = parse_qs(urlsplit(told["redirect_url"]).query)
            order["out_trade_no"] = json.loads(query["biz_content"][0])["out_trade_no"]
        return order

    async def _close_first(self) -> None:
        """The shop closes the order while the buyer has the wallet's page open."""
        payment_id = await self.crowd.insist("payment", self._payment_id)
        key = {**self.crowd.api_headers, "idempotency-key": f"close-{self.number}"}

        async def close() -> bool | None:
            answer = await self.crowd.hub.post(f"/api/v1/payments/{payment_id}/close", json={}, headers=key)
            return answer.is_success or None

        async def closed() -> bool | None:
            answer = await self.crowd.hub.get(f"{self.checkout}/status", headers={"accept": "application/json"})
            return (answer.status_code == 200 and answer.json()["state"] == "expired") or None

        await self.crowd.insist("close", close)
        try:
            await self.crowd.insist("closed", closed)
        except GaveUp:  # a wallet that did not take the close is asked again later; he pays now, late or not
            self.crowd.counts["close takes long"] += 1

    async def _payment_id(self) -> str | None:
        """The newest payments are on the first page; this buyer's is among them."""
        ids = await self.ids()
        return ids[0] if ids else None

    @abstractmethod
    async def ids(self) -> tuple[str, str] | None:
        """Payment and order of this checkout, by who can look it up."""

    async def ask_back(self, order_id: str, amount_fen: int) -> None:
        """Refunds through the API, each once however often it is asked for."""
        parts = [amount_fen]
        if self.wish == "refund_parts":
            first = self.random.randint(1, amount_fen // 2)
            parts = [first, self.random.randint(1, amount_fen - first)]
        for number, part in enumerate(parts):
            key = {**self.crowd.api_headers, "idempotency-key": f"refund-{self.number}-{number}"}
            body = {"amount_fen": part, "reason": "不想要了"}

            async def ask(body: dict[str, Any] = body, key: dict[str, str] = key) -> bool | None:
                answer = await self.crowd.hub.post(f"/api/v1/orders/{order_id}/refunds", json=body, headers=key)
                if answer.status_code not in (201, 409) and answer.status_code < 500:
                    self.crowd.unsaid.append(f"refund {answer.status_code} {answer.text[:200]}")
                    return False
                if answer.status_code == 409:  # the order does not know its payment yet
                    return None
                return answer.is_success or None

            if await self.crowd.insist("refund", ask):
                self.refunds_fen.append(part)
