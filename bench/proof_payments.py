"""Proof: payments by the hundred thousand, a third of them faulted, a hub killed again and again: the books agree.

Buyers pay through the hub's pages and the sandbox's wallets. Faults strike by the seed: lost, doubled, late, reordered,
tampered, stale and foreign callbacks, wrong amounts, lost answers, server errors, refunds that hang or fail, closes
that come too late, buyers who pay twice or after the close, rotated certificates, slow acknowledgements. In between the
hub is killed with ``kill -9``. At the end every order must equal the wallet's own books to the fen (amount, refunded,
fee), nothing lost, nothing doubled, and the doctor finds nothing. A merchant's own system hears of it all by webhooks
and is down for more than a day of the virtual clock; each event must have reached it in the end.

    python bench/proof_payments.py [--payments N] [--kills K] [--minutes M] [--seed S]

One JSON object a line; exit code 1 when anything disagrees.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from typing import Any

import asyncpg
import httpx
from payment_audit import SHOWN_MAX, compare
from payment_bills import compare_bills
from payment_buyers import WALLETS, Buyer, Crowd
from payment_receiver import Receiver
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
STOCK = 9_000_000
#: So long a wave's dust settles: queries, retries and closes fall into it, step by step.
STEPS_S = (25, 30, 60, 120)
PAST_EXPIRY_S = 32 * 60
#: At the end: delayed notices, retries of a day, refunds that wait for money; and the bills of the last day and of the
#: day after it, in which what is missing in the former would stand.
LAST_STEPS_S = (3600, 3 * 3600, 12 * 3600, 24 * 3600, 24 * 3600, 24 * 3600, 60, 3600)
DAY_S = 24 * 3600
#: Longer than a wallet waits for its acknowledgement.
SLOW_ACK_S = 6.0
RATES: dict[str, dict[str, Any]] = {
    "callback_lost": {"rate": 0.05},
    "callback_duplicate": {"rate": 0.05, "count": 4},
    "callback_reordered": {"rate": 0.03},
    "callback_delayed": {"rate": 0.03, "seconds": 3000},
    "amount_mismatch": {"rate": 0.02},
    "foreign_appid": {"rate": 0.01},
    "foreign_mchid": {"rate": 0.01},
    "foreign_order": {"rate": 0.01},
    "foreign_currency": {"rate": 0.01},
    "foreign_app_id": {"rate": 0.01},
    "foreign_seller_id": {"rate": 0.01},
    "sign_type_changed": {"rate": 0.03},
    "system_error": {"rate": 0.02},
    "callback_tampered": {"rate": 0.04},
    "callback_stale": {"rate": 0.03},
    "sign_probe": {"rate": 0.04},
    "create_timeout": {"rate": 0.05},
    "server_error": {"rate": 0.01},
    "rate_limited": {"rate": 0.01},
    "refund_timeout": {"rate": 0.2},
    "refund_stuck": {"rate": 0.1, "seconds": 90},
    "not_enough": {"rate": 0.1},
    "close_race": {"rate": 1.0},
    "bill_row_missing": {"rate": 0.01},
    "bill_row_extra": {"rate": 0.01},
    "bill_amount": {"rate": 0.01},
    "bill_fee": {"rate": 0.01},
    "bill_row_late": {"rate": 0.02},
}
#: Number in the list of failure modes -> the faults of it; what a buyer or this proof does itself stands as ``wish:``.
KINDS: dict[str, tuple[str, ...]] = {
    "F1 lost callback": ("callback_lost",),
    "F2 duplicates at once": ("callback_duplicate",),
    "F3 reordered": ("callback_reordered",),
    "F4 delayed, paid after close": ("callback_delayed", "wish:late"),
    "F5 amount": ("amount_mismatch",),
    "F6 foreign": (
        "foreign_appid",
        "foreign_mchid",
        "foreign_order",
        "foreign_currency",
        "foreign_app_id",
        "foreign_seller_id",
    ),
    "F7 tampered, stale, probe": ("callback_tampered", "callback_stale", "sign_probe", "sign_type_changed"),
    "F8 no answer, 500, 429": ("create_timeout", "server_error", "system_error", "rate_limited"),
    "F9 paid twice": ("wish:double",),
    "F10 refund unclear, abnormal": ("refund_timeout", "refund_stuck", "not_enough"),
    "F12 killed": ("did:killed",),
    "F13 certificates rotated": ("did:rotated",),
    "F14 bill differs": ("bill_row_missing", "bill_row_extra", "bill_amount", "bill_fee", "bill_row_late"),
    "F15 merchant's webhook down for a day": ("did:silent",),
    "F16 slow acknowledgement": ("did:slow",),
}
NOT_HERE = {
    "F11 password typed late, reverse race": "payment codes: tests/integration/wallets/test_charge.py",
}


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
        self.buyers: list[KnownBuyer] = []
        self.done = 0
        self.killed = self.rotated = self.slowed = 0
        self.silent_s = 0  # of the virtual clock
        self.in_flight = 0
        self.hit_by_kills: set[int] = set()
        self.flying: set[int] = set()

    def start(self) -> None:
        """Hub, two accounts at the wallet, goods, links, faults."""
        self.world.start_hub()
        _database["url"] = self.world.database_url()
        with self.world.api() as api:
            told = self.world.sandbox.get("/platforms", params={"merchant": "second"}).json()["wechatpay"]
            texts = {
                name: value if isinstance(value, str) else json.dumps(value)
                for name, value in told["credentials"].items()
            }
            body = {"platform": "wechatpay", "mode": "sandbox", "base_url": told["base_url"], "credentials": texts}
            made = api.post("/connections", json=body).raise_for_status().json()
            api.patch(f"/connections/{made['connection_id']}", json={"priority": 200}).raise_for_status()
            self.links = [self._goods(api, number) for number in range(SKUS)]
        known = self.world.sandbox.get("/faults").json()["kinds"]
        rules = [
            {"platform": wallet, "kind": kind, **rate}
            for wallet in WALLETS
            for kind, rate in RATES.items()
            if kind in known[wallet]
        ]
        self.world.sandbox.put("/faults", json=rules).raise_for_status()

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
        kill_at = (
            {round(self.payments * (number + 0.5) / self.kills) for number in range(self.kills)}
            if self.kills
            else set()
        )
        try:
            for first in range(0, self.payments, size):
                if time.monotonic() > self.until:
                    return False
                await self._wave(range(first, min(first + size, self.payments)), kill_at)
                await self.receiver.down()  # after the first wave; it is a day and more until the end
            await self._rest()
            for seconds in LAST_STEPS_S:
                if seconds == LAST_STEPS_S[-2]:
                    self.struck = (await self.crowd.sandbox.get("/faults/struck")).json()
                    await self.crowd.sandbox.put("/faults", json=[])
                await self._advance(seconds)
                if self.silent_s > DAY_S and not self.receiver.is_up:
                    await self.receiver.up()
            return await self.receiver.all_arrived(self.world)
        finally:
            await self.receiver.down()
            await self.crowd.close()

    async def _wave(self, numbers: range, kill_at: set[int]) -> None:
        started = time.monotonic()
        await self.crowd.sandbox.post("/certificates/rotate", json={})
        self.rotated += 1
        places = asyncio.Semaphore(BUYERS_AT_ONCE)
        wave = [KnownBuyer(self.crowd, n, self.links[n % SKUS]) for n in numbers]
        self.buyers += wave
        slow = asyncio.create_task(self._slow_once())
        await asyncio.gather(*(self._one(buyer, places, kill_at) for buyer in wave))
        await slow
        traded_s = time.monotonic() - started
        for seconds in STEPS_S[:2]:
            await self._advance(seconds)
        wanting = [buyer for buyer in wave if buyer.wish.startswith("refund") and buyer.paid_to]
        await asyncio.gather(*(self._refund(buyer, places) for buyer in wanting))
        for seconds in (*STEPS_S[2:], PAST_EXPIRY_S):
            await self._advance(seconds)
        rate, whole_s = len(wave) / traded_s, time.monotonic() - started
        progress(f"{numbers.stop}/{self.payments} payments, {self.killed} kills, {rate:.0f}/s, wave {whole_s:.0f} s")

    async def _one(self, buyer: KnownBuyer, places: asyncio.Semaphore, kill_at: set[int]) -> None:
        async with places:
            self.flying.add(buyer.number)
            await buyer.shop()
            self.flying.discard(buyer.number)
            self.done += 1
            if self.done in kill_at:
                self.hit_by_kills |= self.flying
                await self._kill()

    async def _kill(self) -> None:
        """kill -9, in the middle of what everybody else is doing; then somebody starts the hub again."""
        self.crowd.up.clear()
        await asyncio.to_thread(self.world.kill_hub)
        self.killed += 1
        await asyncio.to_thread(lambda: self.world.start_hub(fresh_login=False))
        _database["url"] = self.world.database_url()
        self.crowd.up.set()

    async def _slow_once(self) -> None:
        """For a moment nothing can be stored: the wallets give up waiting for their acknowledgement and come again."""

        def hold() -> None:
            with self.world.holding("inbound"):
                time.sleep(SLOW_ACK_S)

        if self.slowed * 10 < self.rotated:
            self.slowed += 1
            await asyncio.to_thread(hold)

    async def _refund(self, buyer: KnownBuyer, places: asyncio.Semaphore) -> None:
        async with places:
            ids = await self.crowd.insist("order", buyer.ids)
            await buyer.ask_back(ids[1], PRICE_FEN + buyer.number % SKUS)

    async def _advance(self, seconds: int) -> None:
        (await self.crowd.sandbox.post("/clock/advance", json={"seconds": seconds}, timeout=600)).raise_for_status()
        self.silent_s += 0 if self.receiver.is_up else seconds
        await self._rest()

    async def _rest(self) -> None:
        """Until the hub has done what is due by the sandbox's clock."""
        await asyncio.sleep(0.7)  # the hub follows the clock every 0.2 s and ticks every 0.4 s
        await asyncio.to_thread(self.world.settle, 600)


def faulted(proof: Proof, struck: dict[str, dict[str, list[str]]]) -> tuple[dict[str, int], int]:
    """How often each kind struck, and how many payments were met by at least one."""
    by_number = {row[0]: str(row[1]) for row in proof.world.sql("SELECT out_trade_no, payment_id FROM attempt")}
    by_number |= {row[0]: str(row[1]) for row in proof.world.sql("SELECT out_refund_no, payment_id FROM refund")}
    checkouts = {str(row[0]): str(row[1]) for row in proof.world.sql("SELECT checkout_id, payment_id FROM checkout")}
    by_buyer = {buyer.number: checkouts.get(buyer.checkout.rsplit("/", 1)[-1], "") for buyer in proof.buyers}
    wished = {f"wish:{w}": {b.number for b in proof.buyers if b.wish == w and b.paid_to} for w in ("late", "double")}
    hit: set[str] = set()
    counts: dict[str, int] = {}
    for name, faults in KINDS.items():
        counts[name] = 0
        for fault in faults:
            subjects = {s for kinds in struck.values() for s in kinds.get(fault, ())}
            hit |= {by_number[subject] for subject in subjects if subject in by_number and fault != "close_race"}
            hit |= {by_buyer[number] for number in wished.get(fault, ())}
            counts[name] += len(subjects) + len(wished.get(fault, ()))
    counts["F12 killed"], counts["F13 certificates rotated"] = proof.killed, proof.rotated
    counts["F16 slow acknowledgement"] = proof.slowed
    counts["F15 merchant's webhook down for a day"] = proof.silent_s // DAY_S
    hit |= {by_buyer[number] for number in proof.hit_by_kills}
    return counts, len(hit - {""})


def judge(proof: Proof, whole: bool, started: float) -> int:
    """Compare, and say it."""
    paid_to = {number for buyer in proof.buyers for number in buyer.paid_to}
    figures, wrong = compare(proof.world, paid_to)
    differences, not_as_planted = compare_bills(proof.world, proof.struck if whole else {})
    wrong += not_as_planted
    told, untrue = proof.receiver.compare(proof.world)
    wrong += untrue
    wrong += [f"unexpected answer: {text}" for text in proof.crowd.unsaid]
    breaches = proof.world.breaches()
    counts, hit = faulted(proof, proof.struck if whole else {})
    share = round(hit / max(1, len(proof.buyers)), 3)
    say(faults=counts, not_here=NOT_HERE, payments_faulted=hit, share_faulted=share)
    say(bills=differences)
    say(figures=figures, buyers=dict(proof.crowd.counts))
    say(webhooks=told, silent_s=proof.silent_s)
    for text in wrong[:SHOWN_MAX]:
        say(wrong=text)
    for text in breaches[:SHOWN_MAX]:
        say(breach=text)
    say(
        payments=len(proof.buyers),
        kills=proof.killed,
        wrong=len(wrong),
        breaches=len(breaches),
        whole=whole,
        seconds=round(time.monotonic() - started, 1),
    )
    return 0 if whole and not wrong and not breaches and proof.killed >= proof.kills else 1


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
