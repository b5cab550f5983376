"""A hub with its sandbox and an hour of simulated trade, in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

HUTONG = Path(sys.executable).parent / "hutong"
READY_S = 240
#: Our languages and what a browser calls them.
BROWSER_LOCALES = {"zh-Hans": "zh-CN", "zh-Hant": "zh-TW", "en": "en-GB"}
STOP_S = 30
QUIET_POLLS = 3
#: Of a test that failed.
LINES_TOLD = 60
PAYMENTS_TOLD = 2


class RunningHub:
    """Where it listens, who may sign in, and its API."""

    def __init__(self, told: dict[str, Any], home: Path, log: list[str]) -> None:
        self.url: str = told["url"]
        self.login: str = told["login"]["login"]
        self.password: str = told["login"]["password"]
        self.merchant: str = told["login"]["merchant"]
        self.sandbox_url: str = told["sandbox"]
        self.home = home
        self.log = log  # what it has said so far
        key = {"authorization": f"Bearer {told['login']['api_key']}"}
        self._client = httpx.Client(base_url=told["api"], headers=key, trust_env=False, timeout=20)

    def run(self, *words: str, fails: bool = False) -> Any:
        """A command of the hub's home, beside it; what it prints as JSON."""
        done = subprocess.run(
            [HUTONG, *words],
            env={**os.environ, "HUTONG_HOME": str(self.home)},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert bool(done.returncode) is fails, done.stderr
        return json.loads(done.stdout)

    def api(self, path: str, **query: Any) -> Any:
        """What the API says; every page of it."""
        answer = self._client.get(path, params={"limit": 200, **query})
        answer.raise_for_status()
        return answer.json()["items"]

    def answer(self, path: str, **query: Any) -> Any:
        """What the API says of something that is no list."""
        answer = self._client.get(path, params=query)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Do something by the API."""
        answer = self._client.post(path, json=body)
        answer.raise_for_status()
        return answer.json()

    def sandbox(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Make something happen on a simulated platform, or look at it."""
        with httpx.Client(base_url=self.sandbox_url, trust_env=False, timeout=20) as client:
            answer = client.get(path) if body is None else client.post(path, json=body)
        answer.raise_for_status()
        return answer.json()

    def settle(self) -> None:
        """Wait until the figures stay the same for a while. A sale that another test has left open changes nothing."""
        before, quiet = None, 0
        for _ in range(READY_S * 2):
            now = json.dumps([self.api(path) for path in ("/accounts", "/stock", "/orders", "/payments")])
            quiet = quiet + 1 if now == before else 0
            if quiet >= QUIET_POLLS:
                return
            before = now
            time.sleep(0.25)
        pytest.fail("the hub never came to rest")

    def wait(self, found: Callable[[], Any], what: str) -> Any:
        """The first true answer."""
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            answer = found()
            if answer:
                return answer
            time.sleep(0.1)
        return pytest.fail(f"{what} never came")

    def put_faults(self, *rules: dict[str, Any]) -> None:
        """Faults of the simulated platforms from now on; none ends them."""
        answer = httpx.put(f"{self.sandbox_url}/faults", json=list(rules), trust_env=False)
        answer.raise_for_status()

    def last_words(self) -> str:
        """Its log's end and its newest payments."""
        try:
            newest = json.dumps(self.api("/payments")[:PAYMENTS_TOLD], ensure_ascii=False, indent=1)
        except httpx.HTTPError as error:
            newest = repr(error)
        return "".join(self.log[-LINES_TOLD:]) + newest

    def close(self) -> None:
        self._client.close()


@contextmanager
def running_hub(home: Path) -> Iterator[RunningHub]:
    """Start the demo, let it trade, add a shortage and an import, and stop it at the end."""
    process = subprocess.Popen(
        [HUTONG, "demo", "--port", "0", "--still"],
        env={**os.environ, "HUTONG_HOME": str(home), "LANG": "zh_CN.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    traded = threading.Event()
    log: list[str] = []

    def listen() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            log.append(line)
            if "第一批交易已完成" in line:
                traded.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("ready ") or not traded.wait(READY_S):
            pytest.fail("the demo did not start:\n" + "".join(log[-30:]))
        running = RunningHub(json.loads(line.removeprefix("ready ")), home, log)
        _sell_too_much(running)
        _import_a_file(running)
        running.wait(lambda: all(order["state"] != "unpaid" for order in running.api("/orders")), "the last payment")
        running.settle()
        yield running
        running.close()
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        listener.join(timeout=STOP_S)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _sell_too_much(hub: RunningHub) -> None:
    """Taobao sells more than there is: its own figure was raised behind our back."""
    shop_id = hub.sandbox("/platforms")["taobao"]["credentials"]["shop_id"]
    sku = min(hub.api("/stock"), key=lambda row: row["available"])
    shop = {"platform": "taobao", "shop_id": shop_id, "sku": sku["seller_code"]}
    quantity = sku["available"] + 3
    hub.sandbox("/shops/stock", {**shop, "quantity": quantity})
    hub.sandbox("/buy", {**shop, "quantity": quantity})
    connection = next(row for row in hub.api("/connections") if row["platform"] == "taobao")
    hub.post(f"/connections/{connection['connection_id']}/pull", {})
    hub.wait(lambda: hub.api("/tickets"), "a ticket for the shortage")


def _import_a_file(hub: RunningHub) -> None:
    """A small history of another shop, so that the import page has something to show."""
    rows = ["InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"]
    for number in range(40):
        product, customer = f"P{number % 4},TEA LIGHT {number % 4}", 17000 + number % 7
        day = f"2026-0{number % 9 + 1}-11 10:00:00"
        rows.append(f"5{number:05d},{product},{number % 5 + 1},{day},2.55,{customer},UK")
    file = hub.home / "history.csv"
    file.write_text("\n".join(rows) + "\n", "utf-8")
    subprocess.run(
        [
            HUTONG,
            "import",
            "orders",
            str(file),
            "--platform",
            "generic",
            "--currency",
            "GBP",
            "--merchant",
            hub.merchant,
        ],
        env={**os.environ, "HUTONG_HOME": str(hub.home)},
        check=True,
        capture_output=True,
        timeout=120,
    )
