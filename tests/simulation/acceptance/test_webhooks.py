"""A running hub tells a merchant's own system what happened; the guide is followed as it is written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/howto/hear-events.md").read_text("utf-8")
EXAMPLE = "https://erp.example.com/hutong"
PRICE_FEN = 1_990


class Receiver:
    """What was heard: each message with its headers, as they came."""

    def __init__(self) -> None:
        heard: list[tuple[dict[str, str], bytes]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Silence."""

        self.heard = heard
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hutong"

    def told_of(self, key: str, value: str) -> dict[str, dict]:
        """Messages whose data name this order or payment, by type."""
        messages = [json.loads(body) for _, body in list(self.heard)]
        return {one["type"]: one for one in messages if one["data"].get(key) == value}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()
    made.thread.join()


def verify(market):
    """The lines that the guide tells to write, by the sandbox's clock, which other tests move ahead."""
    names: dict = {}
    [code] = re.findall(r"<!-- verified -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(code, "hear-events.md", "exec"), names)
    names["time"] = SimpleNamespace(time=lambda: market.world.now().timestamp())
    return names["verify"]


def test_a_sale_and_its_refund_are_told_with_the_sums_of_the_order(market, until, receiver):
    made = market.post("/webhooks", {"url": receiver.url, "title": "ERP", "event_types": ["payment.*", "order.*"]})
    sale = market.buyer_of(market.goods(price_fen=PRICE_FEN, stock=3), 1).paid()
    market.post(f"/orders/{sale.order_id}/refunds", {"reason": "x"})
    wanted = {"order.placed", "order.paid", "payment.paid", "payment.refunded", "order.refunded"}
    until("told", lambda: wanted <= {*receiver.told_of("order_id", sale.order_id)})
    told = receiver.told_of("order_id", sale.order_id)
    assert {*told} == wanted
    assert told["payment.paid"]["data"]["amount_minor"] == told["order.paid"]["data"]["gross_minor"] == PRICE_FEN
    assert told["payment.refunded"]["data"]["amount_minor"] == PRICE_FEN
    assert {one["merchant_id"] for one in told.values()} == {market.world.login["merchant"]}
    check = verify(market)
    assert all(check(made["secret"], headers, body) for headers, body in receiver.heard)
    assert {headers["webhook-id"] for headers, _ in receiver.heard} == {
        json.loads(body)["id"] for _, body in receiver.heard
    }
    market.post(f"/webhooks/{made['endpoint_id']}/disable", {})


def test_the_guide_can_be_followed_as_written(market, until, receiver):
    tutorial = (ROOT / "docs/tutorial/first-sale.md").read_text("utf-8")
    tools = re.search(r"^api\(\) \{.*?^print.*?$", tutorial, re.DOTALL | re.MULTILINE)
    assert tools
    checked = re.findall(r"<!-- checked -->\n```sh\n(.*?)```", PAGE, re.DOTALL)
    assert len(checked) == len(re.findall(r"^```sh", PAGE, re.MULTILINE)) == 3
    steps = [tools.group(0), *checked, 'echo; echo "made $ENDPOINT $SECRET"']
    env = {**os.environ, "HUB": market.world.url, "KEY": market.world.login["api_key"]}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(steps).replace(EXAMPLE, receiver.url)],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    endpoint_id, secret = re.findall(r"^made (\S+) (\S+)$", done.stdout, re.MULTILINE)[0]
    until("tried out", lambda: receiver.told_of("endpoint_id", endpoint_id))
    headers, body = next(one for one in receiver.heard if b"webhook.test" in one[1])
    assert verify(market)(secret, headers, body), "sent before the secret was replaced, or signed with both"
    market.post(f"/webhooks/{endpoint_id}/disable", {})
