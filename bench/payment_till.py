"""Buyers at the till: each shows a payment code (付款码), staff scan it; some type the password late, or never.

The till is the console's own, signed in as staff: what its script does is done here, over a hub that may die.
"""

from __future__ import annotations

import random
import re
from typing import Any

import httpx
from crowd_line import LostAnswer
from payment_buyers import WALLETS, Crowd

#: Each so manieth buyer of the proof comes to the till.
TILL_EVERY = 8
#: Of ten, whose cashier gives up while the password is asked for: the reversal races the buyer.
HASTY_OF_TEN = 4
#: Codes that are shown for one sale before the buyer leaves.
CODES_MAX = 4
#: Sums of a sale; each so manieth is above the 1000 yuan for which WeChat Pay always wants the password.
SMALL_FEN = (100, 9_900)
LARGE_FEN = (100_100, 150_000)
LARGE_EVERY = 10
READY, WAITING = "ready", "waiting"


class Till:
    """The console's counter as one member of staff has it open; the session outlives the hub's deaths."""

    def __init__(self, hub_url: str, login: str, password: str) -> None:
        with httpx.Client(base_url=hub_url, trust_env=False, timeout=60) as browser:
            form = {"_csrf_token": _token(browser.get("/login").text), "login": login, "password": password}
            answer = browser.post("/login", data=form)
            assert answer.is_redirect, f"sign in: {answer.status_code}"
            self._token = _token(browser.get("/counter/").text)
            cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        self.headers = {"cookie": cookies, "accept": "application/json"}

    def form(self, **fields: str) -> dict[str, Any]:
        """A form of the counter's page."""
        return {"data": {"_csrf_token": self._token, **fields}, "headers": self.headers}


class TillBuyer:
    """One sale at the counter and what became of it."""

    def __init__(self, crowd: Crowd, number: int, till: Till) -> None:
        self.crowd = crowd
        self.number = number
        self.till = till
        self.random = random.Random(f"{crowd.seed}:till:{number}")
        self.platform = self.random.choice(WALLETS)
        self.wish = "till_hasty" if self.random.randrange(10) < HASTY_OF_TEN else "till"
        self.amount_fen = self.random.randint(*(SMALL_FEN if self.random.randrange(LARGE_EVERY) else LARGE_FEN))
        self.checkout = ""
        self.paid_to: list[str] = []  # whether money moved, the wallet's books tell: no buyer sees our numbers
        self.codes_count = 0

    async def shop(self) -> None:
        """The amount is typed, the code scanned."""
        amount = f"{self.amount_fen // 100}.{self.amount_fen % 100:02d}"

        async def open_sale() -> str | None:
            answer = await self.crowd.hub.post("/counter/sales", **self.till.form(amount=amount))
            return answer.json()["checkout_id"] if answer.is_success else None

        self.checkout = await self.crowd.insist("sale", open_sale)
        state = await self._scan()
        self.crowd.counts[f"till: {state} after the scan"] += 1
        if state == WAITING and self.wish == "till_hasty":
            await self._press("cancel")

    async def go_on(self) -> None:
        """A while later: what nobody paid is scanned once more; the hasty one leaves."""
        state = await self.crowd.insist("sale state", self._state)
        if state == READY and self.wish == "till_hasty":
            state = await self._press("leave")
        elif state == READY:
            state = await self._scan()
        self.crowd.counts[f"till: {state} a while later"] += 1

    async def _scan(self) -> str:
        """Where the sale stands after a code was taken, or all of them were refused."""
        while self.codes_count < CODES_MAX:
            self.codes_count += 1
            shown = await self.crowd.sandbox.post("/codes", json={"platform": self.platform})
            code = shown.raise_for_status().json()["auth_code"]
            await self.crowd.up.wait()
            try:
                path = f"/counter/sales/{self.checkout}/charge"
                answer = await self.crowd.hub.post(path, **self.till.form(auth_code=code))
                if not answer.is_success:
                    self.crowd.counts[f"till: charge {_code(answer)}"] += 1
            except LostAnswer:
                self.crowd.counts["lost answers"] += 1
            state: str = await self.crowd.insist("sale state", self._state)
            if state != READY:
                return state
        return READY

    async def _state(self) -> str | None:
        answer = await self.crowd.hub.get(f"/counter/sales/{self.checkout}", headers=self.till.headers)
        return str(answer.json()["state"]) if answer.is_success else None

    async def _press(self, button: str) -> str:
        """Cancel the charge, or leave the sale; where the hub cannot, its jobs do it, and the sale is looked at."""
        await self.crowd.up.wait()
        try:
            answer = await self.crowd.hub.post(f"/counter/sales/{self.checkout}/{button}", **self.till.form())
            if not answer.is_success:
                self.crowd.counts[f"till: {button} {_code(answer)}"] += 1
        except LostAnswer:
            self.crowd.counts["lost answers"] += 1
        state: str = await self.crowd.insist("sale state", self._state)
        return state


def _token(page: str) -> str:
    found = re.search(r'name="_csrf_token" value="([^"]+)"', page)
    assert found is not None, "a page with a form"
    return found[1]


def _code(answer: Any) -> str:  # noqa: ANN401 (an answer of the line)
    """The error's code, or the status of an answer that names none."""
    if "json" not in answer.headers.get("content-type", ""):
        return str(answer.status_code)
    return str(answer.json().get("code", answer.status_code))
