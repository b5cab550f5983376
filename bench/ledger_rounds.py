"""The hub's side of bench/ledger.py, and the rounds."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import secrets
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from ledger_peer import CALLERS, CONNECTIONS, Peer

from hutong.core.ids import new_id
from hutong.core.money import Money
from hutong.db.clock import SystemClock
from hutong.db.engine import Database
from hutong.db.roles import LOGIN, DatabaseAddress, Login, ensure_roles
from hutong.db.supervisor import EmbeddedServer
from hutong.ledger.books import Books
from hutong.ledger.checks import check
from hutong.ledger.queries import book_sums
from hutong.ledger.service import Batch, Leg
from hutong.ledger.snapshots import make_mark
from hutong.migrations.runner import migrate

ACCOUNTS = 1_000
HOT = "revenue:sales"
AMOUNT_FEN = 5
TARGET_TIMES = 30


def say(**line: Any) -> None:  # noqa: ANN401 (JSON)
    """One result."""
    print(json.dumps(line, ensure_ascii=False), flush=True)


def figure(metric: str, value: float | None, unit: str, runs: list[float], **more: object) -> None:
    """One metric in the form that all benchmarks share."""
    line = {"against": None, "ratio": None, **more}
    say(bench="ledger", metric=metric, value=value, unit=unit, runs=[round(run, 2) for run in runs], **line)


def percentile(values: list[float], share: float) -> float:
    """A percentile of measured values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def mark_all(database: Database, merchant_id: UUID) -> None:
    """What the job does beside a running hub."""
    while True:
        async with database.unit(merchant_id, "bench") as unit:
            if not await make_mark(unit):
                return


class World:
    """A hub's database with one merchant's books, posted to by many callers."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.books = Books(database)
        self.merchant_id = new_id(datetime.now(UTC))
        self.others = [f"receivable:bench:{number}" for number in range(ACCOUNTS)]
        self.posted = 0
        self._numbers = itertools.count()

    @classmethod
    async def open(cls, server: EmbeddedServer) -> World:
        """Migrate a database of its own."""
        login = Login(LOGIN, secrets.token_hex(16))
        address: DatabaseAddress = await ensure_roles(server.url("postgres"), "bench", login=login)
        await migrate(address)
        return cls(Database(address, SystemClock()))

    async def close(self) -> None:
        """Close flusher and pools."""
        await self.books.close()
        await self.database.close()

    async def conditions(self, peer: Peer) -> None:
        """The first line: what the figures were taken under."""
        async with self.database.plain("system") as connection:
            shown = {}
            for name in ("fsync", "synchronous_commit", "full_page_writes", "server_version"):
                result = await connection.exec_driver_sql(f"SHOW {name}")
                shown[name] = result.scalar()
        say(
            bench="ledger",
            conditions={
                "cores": os.cpu_count(),
                "load_1min": round(os.getloadavg()[0], 2),
                **shown,
                "peer": peer.version or peer.why,
                "callers": CALLERS,
                "accounts": ACCOUNTS,
                "row_level_security": True,
                "told": "one event a flush",
                "answered": "after a synchronous commit that follows the flush's own",
            },
        )

    def batch(self, hot: bool) -> Batch:
        """The next batch: a new key, one leg on the hot account (or on any) and one on another."""
        number = next(self._numbers)
        debit = self.others[number % ACCOUNTS]
        credit = HOT if hot else self.others[(number * 7 + 1) % ACCOUNTS]
        return Batch(
            idempotency_key=f"bench:{number}",
            kind="sale",
            subject_kind="order",
            subject_id=UUID(int=number),
            event_at=datetime.now(UTC),
            legs=(Leg(debit, Money(AMOUNT_FEN)), Leg(credit, Money(-AMOUNT_FEN))),
        )

    async def round(self, callers: int, seconds: float, *, hot: bool) -> tuple[float, list[float]]:
        """Batches a second, and how long each caller waited, in seconds."""
        latencies: list[float] = []
        start = time.perf_counter()
        end = start + seconds

        async def caller() -> None:
            while (begun := time.perf_counter()) < end:
                await self.books.post(self.merchant_id, self.batch(hot))
                latencies.append(time.perf_counter() - begun)

        await asyncio.gather(*(caller() for _ in range(callers)))
        self.posted += len(latencies)
        return len(latencies) / (time.perf_counter() - start), latencies


class Rounds:
    """Rounds of both sides, and what they say."""

    def __init__(self, world: World, peer: Peer, progress: Callable[[str], None]) -> None:
        self._world = world
        self._peer = peer
        self._progress = progress

    async def hot(self, rounds: int, seconds: float) -> None:
        """The three metrics of the main question; the sides take turns."""
        if self._peer.why is None:
            await self._peer.settle(self._progress)
        await self._world.round(CALLERS, 1.0, hot=True)  # plans, accounts and caches
        ours: list[float] = []
        theirs: dict[str, list[float]] = {"pgledger": [], "pgledger_over_16": [], "pgledger_at_its_best": []}
        connections = dict(zip(theirs, (CALLERS, CONNECTIONS, self._peer.best_connections), strict=True))
        p99s: list[float] = []
        for number in range(rounds):
            rate, latencies = await self._world.round(CALLERS, seconds, hot=True)
            ours.append(rate)
            p99s.append(percentile(latencies, 0.99) * 1000)
            for name, runs in theirs.items() if self._peer.why is None else ():
                runs.append((await self._peer.round(seconds, connections[name]))[0])
            beside = "".join(f", {name} {runs[-1]:.0f}/s" for name, runs in theirs.items() if runs)
            self._progress(f"round {number + 1}: {rate:.0f}/s, p99 {p99s[-1]:.1f} ms{beside}")
        figure("ledger_hot_per_s", round(statistics.median(ours)), "batches/s", ours)
        figure("ledger_hot_p99_ms", round(statistics.median(p99s), 2), "ms", p99s)
        if self._peer.why is not None:
            say(bench="ledger", metric="ledger_hot_vs_pgledger", value=None, unit="x", why=self._peer.why)
            return
        for name, runs in theirs.items():
            self._compare(name, connections[name], ours, runs)

    def _compare(self, name: str, connections: int, ours: list[float], theirs: list[float]) -> None:
        """The peer's own figure, and how many times as much the hub's books take."""
        against = f"{self._peer.version}, {connections} connections"
        figure(f"{name}_hot_per_s", round(statistics.median(theirs)), "transfers/s", theirs, against=against)
        ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
        ratio = round(statistics.median(ratios), 1)
        figure(f"ledger_hot_vs_{name}", ratio, "x", ratios, against=against, ratio=ratio, target=TARGET_TIMES)

    async def side(self, metric: str, callers: int, hot: bool, rounds: int, seconds: float) -> None:
        """A figure beside the main one."""
        rates: list[float] = []
        p99s: list[float] = []
        for _ in range(rounds):
            rate, latencies = await self._world.round(callers, seconds, hot=hot)
            rates.append(rate)
            p99s.append(percentile(latencies, 0.99) * 1000)
        self._progress(f"{metric}: {statistics.median(rates):.0f}/s")
        p99 = round(statistics.median(p99s), 2)
        figure(metric, round(statistics.median(rates)), "batches/s", rates, callers=callers, p99_ms=p99)

    async def verify(self) -> bool:
        """Examine the books of the run whole: chain, balances, sums, snapshots."""
        await mark_all(self._world.database, self._world.merchant_id)
        self._progress(f"examining {self._world.posted} batches")
        start = time.perf_counter()
        async with self._world.database.unit(self._world.merchant_id, "bench") as unit:
            found = await check(unit)
            sums = await book_sums(unit)
        sound = not found and all(total.amount_minor == 0 for total in sums)
        seconds = round(time.perf_counter() - start, 1)
        say(
            bench="ledger",
            metric="ledger_books_hold",
            value=sound,
            unit="bool",
            batches=self._world.posted,
            seconds=seconds,
            breaches=[breach.rule for breach in found],
        )
        return sound
