"""Proof: of tens of thousands of wrong callbacks none is accepted and none breaks the hub; every genuine one passes.

They go to ``/callbacks/{platform}/{connection}`` of the hub's own web application, in this process, on a PostgreSQL of
its own. Of a hundred callbacks one is genuine and one repeats a genuine one, byte for byte: it may be acknowledged, and
must leave no second row. Prints one JSON object for each kind of mistake and one for each scheme; exit code 1 if any
callback was answered as it must not be.

    python bench/proof_callbacks.py [--count N] [--scheme WORD] [--seed S]
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final, cast
from uuid import uuid4

from callbacks import NOWHERE, OWN, STRANGER, Callback, Scheme
from sqlalchemy import func, select

from hutong.app import open_runtime
from hutong.config import Settings
from hutong.core.asgi import Application
from hutong.db.house import open_house
from hutong.db.tables import inbound
from hutong.merchants.connections import Mode, add_connection
from hutong.merchants.service import create_merchant
from hutong.web.app import build_web
from hutong.web.callbacks import CallbackDoor
from hutong.workflows.runtime import Runtime

#: For each scheme.
COUNT: Final = 20_000
EVERY: Final = 100
AT_ONCE: Final = 16
SEED: Final = 20261125
GENUINE, REPLAY = "genuine", "replay"
#: Nobody listens there: what a connector would fetch, it cannot.
NO_PLATFORM: Final = "http://127.0.0.1:9"


def say(**line: Any) -> None:  # noqa: ANN401 (JSON)
    """One result."""
    print(json.dumps({"proof": "callbacks", **line}, ensure_ascii=False), flush=True)


class Door:
    """The hub's web application, called as a server calls it."""

    def __init__(self, runtime: Runtime) -> None:
        self._web: Any = CallbackDoor(cast(Application, build_web(runtime)), runtime)

    async def post(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """The status of the answer."""
        given = [(name.encode(), value.encode("utf-8")) for name, value in headers.items()]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [*given, (b"host", b"hub"), (b"content-length", str(len(body)).encode())],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        statuses: list[int] = []
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            return messages.pop() if messages else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await self._web(scope, receive, send)
        return statuses[0]


class Trial:
    """One scheme before the door."""

    def __init__(self, runtime: Runtime, door: Door, scheme: Scheme, seed: int) -> None:
        self._runtime = runtime
        self._door = door
        self._scheme = scheme
        self._dice = random.Random(f"{seed} {scheme.name}")
        self._connections = {NOWHERE: uuid4()}
        self._merchant = uuid4()
        self._genuine: list[Callback] = []
        self.statuses: dict[str, Counter[int]] = {}

    async def prepare(self) -> None:
        """Two merchants with a connection each."""
        connector = self._runtime.registry.get(self._scheme.platform)
        given = {OWN: (self._merchant, self._scheme.own), STRANGER: (uuid4(), self._scheme.stranger)}
        for who, (merchant_id, credentials) in given.items():
            async with self._runtime.unit(merchant_id, "proof") as unit:
                await create_merchant(unit, who)
                self._connections[who] = await add_connection(
                    unit,
                    self._runtime.vault,
                    connector,
                    mode=Mode.SANDBOX,
                    title=who,
                    base_url=NO_PLATFORM,
                    credentials=credentials,
                    settings={},
                )

    async def run(self, count: int) -> None:
        """Send so many."""
        places = asyncio.Semaphore(AT_ONCE)

        async def one(kind: str, callback: Callback) -> None:
            async with places:
                path = f"/callbacks/{self._scheme.platform}/{self._connections[callback.to]}"
                status = await self._door.post(path, callback.headers, callback.body)
            self.statuses.setdefault(kind, Counter())[status] += 1

        for start in range(0, count, EVERY):
            batch = [self._made(number) for number in range(start, min(start + EVERY, count))]
            self._dice.shuffle(batch)
            await asyncio.gather(*(one(kind, callback) for kind, callback in batch))

    def _made(self, number: int) -> tuple[str, Callback]:
        if number % EVERY == 0:
            self._genuine.append(self._scheme.genuine(number))
            return GENUINE, self._genuine[-1]
        if number % EVERY == 1 and len(self._genuine) > 1:
            return REPLAY, self._dice.choice(self._genuine[-2:-1])
        mistakes = self._scheme.mistakes()
        kind = sorted(mistakes)[number % len(mistakes)]
        return kind, mistakes[kind](self._dice, number)

    async def stored(self) -> int:
        """Callbacks that the hub took for the merchant."""
        async with self._runtime.unit(self._merchant, "proof") as unit:
            counted = select(func.count()).select_from(inbound).where(inbound.c.merchant_id == self._merchant)
            return int(await unit.scalar(counted) or 0)

    def verdict(self, stored: int) -> dict[str, Any]:
        """What came of it; ``ok`` when nothing was answered as it must not be."""
        wrong = {kind: found for kind, found in self.statuses.items() if kind not in (GENUINE, REPLAY)}
        accepted = sum(n for found in wrong.values() for status, n in found.items() if status < 400)
        broken = sum(n for found in self.statuses.values() for status, n in found.items() if status >= 500)
        genuine = self.statuses.get(GENUINE, Counter())
        passed = sum(n for status, n in genuine.items() if 200 <= status < 300)
        sent = sum(sum(found.values()) for found in self.statuses.values())
        good = accepted == broken == 0 and passed == genuine.total() == stored
        return {
            "sent": sent,
            "genuine": genuine.total(),
            "genuine_accepted": passed,
            "replayed": self.statuses.get(REPLAY, Counter()).total(),
            "wrong": sent - genuine.total() - self.statuses.get(REPLAY, Counter()).total(),
            "wrong_accepted": accepted,
            "answered_5xx": broken,
            "stored": stored,
            "ok": good,
        }


def all_schemes(word: str) -> list[Scheme]:
    """Every scheme whose name holds the word."""
    found: list[Scheme] = []
    for file in sorted(Path(__file__).parent.glob("callbacks_*.py")):
        if word.split(",", maxsplit=1)[0] in file.stem or not word:
            found += importlib.import_module(file.stem).schemes()
    return [scheme for scheme in found if word in scheme.name]


async def prove(home: Path, count: int, word: str, seed: int) -> bool:
    """Every scheme in turn, on a hub of its own."""
    good = True
    with open_house(home, None, attach=False) as house:
        async with open_runtime(Settings(home=home), house, "http://hub.invalid") as runtime:
            door = Door(runtime)
            for scheme in all_schemes(word):
                trial, started = Trial(runtime, door, scheme, seed), time.monotonic()
                await trial.prepare()
                await trial.run(count)
                for kind, found in sorted(trial.statuses.items()):
                    say(scheme=scheme.name, kind=kind, sent=found.total(), status=dict(sorted(found.items())))
                verdict = trial.verdict(await trial.stored())
                say(scheme=scheme.name, seed=seed, **verdict, seconds=round(time.monotonic() - started, 1))
                good = good and bool(verdict["ok"])
    return good


def main() -> int:
    """0 when all went as it must."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--scheme", default="")
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="hutong-proof-"))
    try:
        return 0 if asyncio.run(prove(home / "home", given.count, given.scheme, given.seed)) else 1
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
