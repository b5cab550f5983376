"""The peer of bench/ledger.py: pgledger (MIT, SQL only), loaded from a checkout that is no part of this repository."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg

from hutong.db.supervisor import EmbeddedServer

DATABASE = "peer"
ACCOUNTS = 1_000
#: As many callers as the hub's side has.
CALLERS = 64
#: As in the measurements that the goal of thirty times was set by.
CONNECTIONS = 16
#: Tried before the first round; the best of them is measured beside it.
OTHER_CONNECTIONS = (4, 8, 16, 32, 64)
TRIAL_S = 1.5
ULID = "vendor/scoville-pgsql-ulid/uuid-to-ulid.sql"
SCHEMA = "pgledger.sql"


class Peer:
    """A database with the peer's functions, or the reason why there is none."""

    def __init__(self, why: str | None) -> None:
        self.why = why
        self.version = ""
        self.best_connections = CONNECTIONS
        self._url = ""
        self._hot = ""
        self._others: list[str] = []
        self._lines: list[Any] = []

    @classmethod
    async def open(cls, server: EmbeddedServer, place: str | None) -> Peer:
        """Load the peer from ``place``; without it the side is missing and says so."""
        if not place:
            return cls("PGLEDGER is not set: it names a checkout of pgr0ss/pgledger")
        try:
            sources = [_text(place, name) for name in (ULID, SCHEMA)]
        except (OSError, subprocess.CalledProcessError) as error:
            return cls(f"PGLEDGER={place} holds no {SCHEMA}: {error}")
        peer = cls(None)
        peer.version = _version(place)
        admin = await asyncpg.connect(server.url("postgres"))
        await admin.execute(f"CREATE DATABASE {DATABASE}")
        await admin.close()
        peer._url = server.url(DATABASE)
        line = await asyncpg.connect(peer._url)
        for source in sources:
            await line.execute(source)
        make = "SELECT id FROM pgledger_create_account($1, 'CNY')"
        peer._hot = await line.fetchval(make, "platform")
        peer._others = [await line.fetchval(make, f"party {number}") for number in range(ACCOUNTS)]
        await line.close()
        return peer

    async def settle(self, progress: Callable[[str], None]) -> None:
        """Find the number of connections that serves the peer best on its hot account."""
        best = 0.0
        for connections in OTHER_CONNECTIONS:
            rate, _ = await self.round(TRIAL_S, connections)
            progress(f"peer with {connections} connections: {rate:.0f}/s")
            if rate > best:
                best, self.best_connections = rate, connections

    async def round(self, seconds: float, connections: int) -> tuple[float, list[float]]:
        """Transfers a second onto the hot account, and their latencies in seconds."""
        if len(self._lines) != connections:
            await self._connect(connections)
        return await self._post(seconds)

    async def close(self) -> None:
        """Close its connections."""
        for line in self._lines:
            await line.close()
        self._lines = []

    async def _connect(self, count: int) -> None:
        await self.close()
        self._lines = [await asyncpg.connect(self._url) for _ in range(count)]

    async def _post(self, seconds: float) -> tuple[float, list[float]]:
        latencies: list[float] = []
        turn = itertools.count()
        start = time.perf_counter()
        end = start + seconds

        async def caller(line: Any) -> None:  # noqa: ANN401 (asyncpg ships no types)
            transfer = await line.prepare("SELECT id FROM pgledger_create_transfer($1, $2, $3)")
            while (begun := time.perf_counter()) < end:
                other = self._others[next(turn) % ACCOUNTS]
                await transfer.fetchval(other, self._hot, 5)
                latencies.append(time.perf_counter() - begun)

        await asyncio.gather(*(caller(line) for line in self._lines))
        return len(latencies) / (time.perf_counter() - start), latencies


def _text(place: str, name: str) -> str:
    """A file of the peer's checkout, or of a bare clone."""
    file = Path(place) / name
    if file.is_file():
        return file.read_text(encoding="utf-8")
    return _git(place, "show", f"HEAD:{name}")


def _version(place: str) -> str:
    try:
        return f"pgledger {_git(place, 'log', '-1', '--format=%h %cs').strip()}"
    except subprocess.CalledProcessError:
        return "pgledger (no git)"


def _git(place: str, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", place, *arguments], check=True, capture_output=True, text=True, encoding="utf-8"
    ).stdout
