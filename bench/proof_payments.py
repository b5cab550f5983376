"""Proof: payments by the hundred thousand, a third of them faulted, a hub killed again and again: the books agree.

Buyers pay through the hub's pages and at the till by payment codes. Faults strike by the seed: lost, doubled, late,
reordered, tampered, stale and foreign callbacks, wrong amounts, lost answers, server errors, refunds that hang or fail,
closes that come too late, buyers who pay twice or after the close, passwords typed late or while the charge is undone.
In the middle of each wave both wallets change their certificates; for a moment nothing can be acknowledged; in between
the hub is killed with ``kill -9``. At the end every order must equal the wallet's own books to the fen (amount,
refunded, fee), nothing lost, nothing doubled, and the doctor finds nothing; no spoilt notice was believed, each notice
that fits nothing left a ticket, each new key was met, each abnormal refund was applied for again and ended. A system of
the merchant's own hears of it all by webhooks and is down for more than a day of the virtual clock; each event must
have reached it in the end.

    python bench/proof_payments.py [--payments N] [--kills K] [--minutes M] [--seed S]

One JSON object a line; exit code 1 when anything disagrees, when too few payments were met by faults, or when one of
the kinds did not strike in a run that is large enough.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
from payment_audit import SHOWN_MAX, compare
from payment_bills import compare_bills
from payment_buyers import GIVEN_BACK_FEN, Buyer, Crowd
from payment_faults import ALL_KINDS_FROM, KINDS, SHARE_MIN, Tally, rules
from payment_log import WalletLog
from payment_receiver import Receiver
from payment_till import TILL_EVERY, Till, TillBuyer
from restartable import World

PAYMENTS_DEFAULT = 100_000
KILLS_DEFAULT = 20
MINUTES_DEFAULT = 240.0
SEED = 20261125
WAVES_MIN = 3
WAVE_MAX = 5_000
BUYERS_AT_ONCE = 160
SKUS = 16
PRICE_FEN = 1990
#: What the wallet grants the account that takes most payments.
CALLS_PER_S = 500
#: What an account of WeChat Pay leaves out that knows the platform by certificates.
PUBLIC_KEY_MODE = ("public_key_id", "public_key")
STOCK = 9_000_000
#: So long a wave's dust settles: queries, retries and closes fall into it, step by step.
STEPS_S = (25, 30, 60, 120)
PAST_EXPIRY_S = 32 * 60
#: At the end: delayed notices, retries of a day, refunds that wait for money; and the bills of the last day and of the
#: day after it, in which what is missing in the former would stand.
LAST_STEPS_S = (3600, 3 * 3600, 12 * 3600, 24 * 3600, 24 * 3600, 24 * 3600, 60, 3600)
DAY_S = 24 * 3600
#: Longer than a wallet waits for its acknowledgement.
SLOW_ACK_S = 7.0
#: In the second wave, and in each so manieth after it.
SLOW_EVERY = 10
REFUNDS_A_PAGE = 200


def say(**line: Any) -> None:  # noqa: ANN401 (JSON)
    """One result."""
    print(json.dumps({"bench": "proof_payments", **line}, ensure_ascii=False), flush=True)


def progress(text: str) -> None:
    """For the person who waits."""
    print(text, file=sys.stderr, flush=True)


class KnownBuyer(Buyer):
    """A buyer whose payment and order can be looked up."""

    pool: asyncpg.Pool | None = None
    merchant = ""

    async def ids(self) -> tuple[str, str] | None:
        """Payment and order of the checkout; None while there are none or the database is away."""
        checkout = self.checkout.rsplit("/", 1)[1]
        rows = await look(
            "SELECT payment_id::text, order_id::text FROM checkout WHERE checkout_id = $1::text::uuid", checkout
        )
        return (rows[0][0], rows[0][1]) if rows and rows[0][0] else None


_database: dict[str, str] = {}


async def look(statement: str, *values: Any) -> list[Any]:  # noqa: ANN401
    """Rows of the hub's database; none while it is away."""
    try:
        connection = await asyncpg.connect(_database["url"], server_settings={"role": "hutong_system"})
    except (OSError, asyncpg.PostgresError):
        return []
    try:
        return list(await connection.fetch(statement, *values))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return []
    finally:
        await connection.close(timeout=5)


class Proof:
    """One long trade."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.payments: int = arguments.payments
        self.kills: int = arguments.kills
        self.until = time.monotonic() + arguments.minutes * 60
        self.seed: int = arguments.seed
        self.world = World(seed=self.seed)
        self.receiver = Receiver()
        self.log = WalletLog()
        self.buyers: list[KnownBuyer | TillBuyer] = []
        self.done = self.killed = 0
        #: What to do when so many buyers are through.
        self.moments: defaultdict[int, list[Callable[[], Awaitable[None]]]] = defaultdict(list)
        self.silent_s = 0  # of the virtual clock
        self.applied_again: set[str] = set()
        self.struck: dict[str, dict[str, list[str]]] = {}
        self.hit_by_kills: set[int] = set()
        self.flying: set[int] = set()

    def start(self) -> None:
        """Hub, two accounts at a wallet, goods, links, a till, faults.

        The demo's own account of WeChat Pay knows the platform by its public key; the one that comes before it here
        knows it by its certificates alone, as Alipay's does.
        """
        self.world.start_hub()
        _database["url"] = self.world.database_url()
        with self.world.api() as api:
            told = self.world.sandbox.get("/platforms", params={"merchant": "second"}).json()["wechatpay"]
            texts = {
                name: value if isinstance(value, str) else json.dumps(value)
                for name, value in told["credentials"].items()
                if name not in PUBLIC_KEY_MODE
            }
            body = {"platform": "wechatpay", "mode": "sandbox", "base_url": told["base_url"], "credentials": texts}
            made = api.post("/connections", json=body).raise_for_status().json()
            api.patch(
                f"/connections/{made['connection_id']}", json={"priority": 1, "calls_per_s": CALLS_PER_S}
            ).raise_for_status()
            self.links = [self._goods(api, number) for number in range(SKUS)]
        self.till = Till(self.world.url, self.world.login["login"], self.world.login["password"])
        known = self.world.sandbox.get("/faults").json()["kinds"]
        self.world.sandbox.put("/faults", json=rules(known)).raise_for_status()

    def _goods(self, api: httpx.Client, number: int) -> str:
        product = api.post("/products", json={"title": f"小面包 {number}"}).raise_for_status().json()["product_id"]
        sku = {"product_id": product, "seller_code": f"P{number}", "price_fen": PRICE_FEN + number, "stock": STOCK}
        sku_id = api.post("/skus", json=sku).raise_for_status().json()["sku_id"]
        channel = {"kind": "post", "platform": "weibo", "name": f"渠道 {number}"}
        link = api.post("/links", json={"title": f"链接 {number}", "channel": channel, "sku_id": sku_id})
        return str(link.raise_for_status().json()["url"])

    async def run(self) -> bool:
        """All waves; True when every one of them was traded in time."""
        self.crowd = Crowd(self.world.url, self.world.control_url, self.world.login["api_key"], self.seed)
        await self.receiver.up()
        await asyncio.to_thread(self.receiver.register, self.world)
        size = min(WAVE_MAX, max(1, self.payments // WAVES_MIN))
        for number in range(self.kills):
            self.moments[round(self.payments * (number + 0.5) / self.kills)].append(self._kill)
        try:
            for count, first in enumerate(range(0, self.payments, size)):
                if time.monotonic() > self.until:
                    return False
                self.moments[first + size // 2].append(self._rotate)
                if count % SLOW_EVERY == 1:
                    self.moments[first + max(1, size // 10)].append(self._be_slow)
                await self._wave(range(first, min(first + size, self.payments)))
                await self.receiver.down()  # after the first wave; it is a day and more until the end
            await self._rest()
            for seconds in LAST_STEPS_S:
                if seconds == LAST_STEPS_S[-2]:
                    self.struck = (await self.crowd.sandbox.get("/faults/struck")).json()
                    await self.crowd.sandbox.put("/faults", json=[])
                await self._apply_again()
                await self._advance(seconds)
                if self.silent_s > DAY_S and not self.receiver.is_up:
                    await self.receiver.up()
            return await self.receiver.all_arrived(self.world, self._advance)
        finally:
            await self.receiver.down()
            await self.crowd.close()

    async def _wave(self, numbers: range) -> None:
        started = time.monotonic()
        places = asyncio.Semaphore(BUYERS_AT_ONCE)
        wave = [self._buyer(number) for number in numbers]
        self.buyers += wave
        await asyncio.gather(*(self._one(buyer, places) for buyer in wave))
        traded_s = time.monotonic() - started
        for seconds in STEPS_S[:2]:
            await self._advance(seconds)
        await asyncio.gather(*(self._look_after(buyer, places) for buyer in wave))
        for seconds in (*STEPS_S[2:], PAST_EXPIRY_S):
            await self._advance(seconds)
        await self._apply_again()
        rate, whole_s = len(wave) / traded_s, time.monotonic() - started
        progress(f"{numbers.stop}/{self.payments} payments, {self.killed} kills, {rate:.0f}/s, wave {whole_s:.0f} s")

    def _buyer(self, number: int) -> KnownBuyer | TillBuyer:
        if number % TILL_EVERY == TILL_EVERY - 1:
            return TillBuyer(self.crowd, number, self.till)
        return KnownBuyer(self.crowd, number, self.links[number % SKUS])

    async def _one(self, buyer: KnownBuyer | TillBuyer, places: asyncio.Semaphore) -> None:
        async with places:
            self.flying.add(buyer.number)
            await buyer.shop()
            self.flying.discard(buyer.number)
            self.done += 1
            for moment in self.moments.pop(self.done, ()):
                await moment()

    async def _rotate(self) -> None:
        """Both wallets sign with another certificate from now on."""
        await self.log.rotate(self.crowd.sandbox)

    async def _kill(self) -> None:
        """kill -9, in the middle of what everybody else is doing; then somebody starts the hub again."""
        self.hit_by_kills |= self.flying
        self.crowd.up.clear()
        await asyncio.to_thread(self.world.kill_hub)
        self.killed += 1
        await asyncio.to_thread(lambda: self.world.start_hub(fresh_login=False))
        _database["url"] = self.world.database_url()
        self.crowd.up.set()

    async def _be_slow(self) -> None:
        """For a moment nothing can be stored: the wallets give up waiting for their acknowledgement and come again."""

        def hold() -> None:
            with self.world.holding("inbound"):
                time.sleep(SLOW_ACK_S)

        await asyncio.to_thread(hold)

    async def _look_after(self, buyer: KnownBuyer | TillBuyer, places: asyncio.Semaphore) -> None:
        """A while after the trade: some want their money back, and the till looks at what was not paid."""
        async with places:
            if isinstance(buyer, TillBuyer):
                await buyer.go_on()
            elif buyer.wish.startswith("refund") and buyer.paid_to:
                ids = await self.crowd.insist("order", buyer.ids)
                await buyer.ask_back(ids[1], PRICE_FEN + buyer.number % SKUS)

    async def _apply_again(self) -> None:
        """A person goes through the refunds that could not reach their buyers; what fails now is met next time."""
        path = f"/api/v1/refunds?state=abnormal&limit={REFUNDS_A_PAGE}"
        while True:
            listed = (await self.crowd.hub.get(path, headers=self.crowd.api_headers)).raise_for_status().json()
            ids = [row["refund_id"] for row in listed["items"]]
            for refund_id in ids:
                answer = await self.crowd.hub.post(
                    f"/api/v1/refunds/{refund_id}/rescue", json={}, headers=self.crowd.api_headers
                )
                self.crowd.counts[f"applied again: {answer.status_code}"] += 1
                if answer.is_success:
                    self.applied_again.add(refund_id)
            if len(ids) < REFUNDS_A_PAGE or not self.applied_again.intersection(ids):
                return

    async def _advance(self, seconds: int) -> None:
        (await self.crowd.sandbox.post("/clock/advance", json={"seconds": seconds}, timeout=600)).raise_for_status()
        self.silent_s += 0 if self.receiver.is_up else seconds
        await self._rest()
        await self.log.read(self.crowd.sandbox)

    async def _rest(self) -> None:
        """Until the hub has done what is due by the sandbox's clock."""
        await asyncio.sleep(0.7)  # the hub follows the clock every 0.2 s and ticks every 0.4 s
        await asyncio.to_thread(self.world.settle, 600)


def tally(proof: Proof, struck: dict[str, dict[str, list[str]]]) -> Tally:
    """What struck, and whom."""
    checkouts = {str(row[0]): str(row[1]) for row in proof.world.sql("SELECT checkout_id, payment_id FROM checkout")}
    paid = {b.number: checkouts.get(b.checkout.rsplit("/", 1)[-1], "") for b in proof.buyers}
    wished = {
        wish: {paid[b.number] for b in proof.buyers if b.wish == wish and (b.paid_to or wish == "abandon")} - {""}
        for wish in ("late", "double", "abandon")
    }
    did = {
        "refund_first": len(proof.log.reordered() & set(proof.log.by_hand.values())),
        "applied_again": len(proof.applied_again),
        "killed": proof.killed,
        "key_met": sum(bool(proof.log.serials[key]) for key in proof.log.rotated),
        "silent_days": proof.silent_s // DAY_S,
        "slow_and_again": len(proof.log.slow()),
    }
    told = Tally(proof.world, struck, wished, did)
    told.hit |= {paid[number] for number in proof.hit_by_kills} - {""}
    return told


def judge(proof: Proof, whole: bool, started: float) -> int:
    """Compare, and say it."""
    paid_to = {number for buyer in proof.buyers for number in buyer.paid_to}
    given_back = dict.fromkeys(proof.log.by_hand.values(), GIVEN_BACK_FEN)
    figures, wrong = compare(proof.world, paid_to, given_back)
    differences, not_as_planted = compare_bills(proof.world, proof.struck, set(proof.log.by_hand))
    notices, misheard = proof.log.judge(proof.world)
    told, untrue = proof.receiver.compare(proof.world)
    wrong += [*not_as_planted, *misheard, *untrue]
    wrong += [f"unexpected answer: {text}" for text in proof.crowd.unsaid]
    breaches = proof.world.breaches()
    faults = tally(proof, proof.struck)
    share = round(len(faults.hit) / max(1, len(proof.buyers)), 3)
    wrong += [f"met by faults: {share} of the payments, {SHARE_MIN} were to be"] if share < SHARE_MIN else []
    wrong += [f"kills: {proof.killed} of {proof.kills}"] if proof.killed < proof.kills else []
    wanting = faults.wanting()
    if proof.payments >= ALL_KINDS_FROM:
        wrong += [f"never struck: {part}" for part in wanting]
    say(faults=faults.counts, payments_faulted=len(faults.hit), share_faulted=share)
    say(parts=faults.parts, never_struck=wanting)
    say(bills=differences)
    say(notices=notices)
    say(figures=figures, buyers=dict(proof.crowd.counts))
    say(webhooks=told, silent_s=proof.silent_s)
    for text in wrong[:SHOWN_MAX]:
        say(wrong=text)
    for text in breaches[:SHOWN_MAX]:
        say(breach=text)
    say(
        payments=len(proof.buyers),
        kinds=faults.kinds,
        of_kinds=len(KINDS),
        share=share,
        kills=proof.killed,
        wrong=len(wrong),
        breaches=len(breaches),
        whole=whole,
        seconds=round(time.monotonic() - started, 1),
    )
    return 1 if wrong or breaches or not whole else 0


def main() -> int:
    """The proof; 0 when everything agrees."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=PAYMENTS_DEFAULT)
    parser.add_argument("--kills", type=int, default=KILLS_DEFAULT)
    parser.add_argument("--minutes", type=float, default=MINUTES_DEFAULT, help="stop after so long and say so")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    started = time.monotonic()
    say(conditions={"cores": os.cpu_count(), "fsync": "on", "seed": arguments.seed, "buyers_at_once": BUYERS_AT_ONCE})
    proof = Proof(arguments)
    try:
        proof.start()
        whole = asyncio.run(proof.run())
        return judge(proof, whole, started)
    finally:
        proof.world.close()


if __name__ == "__main__":
    raise SystemExit(main())
