"""Runs in the judge's own environment: the unmodified SDK ``doudian`` drives the simulated gateway of Douyin's shops.

The SDK knows no call by name: it sorts what it is given, signs, sends, refreshes tokens and reads the envelope.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import shims
import verdicts
from verdicts import Disagreement, expect

CHINA = timezone(timedelta(hours=8))
SHARE = "/buyin/kolProductShare"
ORDERS = "/buyin/doukeOrderAds"
SIGNATURE_INVALID = (40003, "isv.signature-invalid")
LIFE_S = 600_000


class Tampering(ThreadingHTTPServer):
    """A proxy that changes one thing of a request, and passes it on."""

    def __init__(self, change: Callable[[str, bytes], tuple[str, bytes]]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                url, body = change(self.path, body)
                request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
                with urllib.request.urlopen(request, timeout=20) as answer:
                    told = answer.read()
                self.send_response(200)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)


class Judge:
    """The SDK against the simulator."""

    def __init__(self, setting: dict[str, Any], folder: str) -> None:
        self.control = setting["control"]
        self.base_url = setting["platform"]["base_url"]
        self.credentials = setting["platform"]["credentials"]
        self.tokens = Path(folder) / "tokens"
        self.said: list[str] = []

    def client(self, *, secret: str = "", token: str = "", proxy: Any = None, life_s: int = LIFE_S) -> Any:
        kept = {
            "access_token": token or self.credentials["access_token"],
            "refresh_token": self.credentials["refresh_token"],
            "expires_in": int(time.time()) + life_s,
        }
        self.tokens.write_text(json.dumps(kept))
        return shims.doudian_client(
            self.base_url,
            app_key=self.credentials["app_key"],
            app_secret=secret or self.credentials["app_secret"],
            token_file=str(self.tokens),
            logger=logging.getLogger("judge"),
            proxy=proxy,
        )

    def call(self, path: str, params: dict[str, Any], *, client: Any = None) -> dict[str, Any]:
        """What the SDK read; it swallows whatever goes wrong and gives nothing."""
        answer = (client or self.client()).request(path, params)
        if answer is None:
            raise Disagreement("the SDK read no answer")
        expect({"code", "msg", "sub_code", "sub_msg", "log_id", "err_no", "message"} - set(answer), set())
        return answer

    def told(self, path: str, params: dict[str, Any], **how: Any) -> Any:
        answer = self.call(path, params, **how)
        expect((answer["code"], answer["err_no"], answer["msg"], answer["sub_code"]), (10000, 0, "success", ""))
        return answer["data"]

    def refused(self, wanted: tuple[int, str], path: str, params: dict[str, Any], **how: Any) -> None:
        answer = self.call(path, params, **how)
        expect((answer["code"], answer["sub_code"]), wanted)

    def post(self, path: str, **body: Any) -> Any:
        data = json.dumps({"platform": "douyin_alliance", **body}).encode()
        request = urllib.request.Request(self.control + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def window(self) -> dict[str, str]:
        with urllib.request.urlopen(self.control + "/clock", timeout=20) as answer:
            now = datetime.fromisoformat(json.load(answer)["now"]).astimezone(CHINA)
        ends = {"start_time": now - timedelta(hours=1), "end_time": now + timedelta(seconds=1)}
        return {name: moment.strftime("%Y-%m-%d %H:%M:%S") for name, moment in ends.items()}

    def sharing(self, **more: Any) -> dict[str, Any]:
        mark = {"external_info": "Ab12Z", "need_share_link": True, "need_zlink": False, "platform": 0}
        return {"product_url": self.item["url"], "pid": self.credentials["pid"], **mark, **more}

    @contextmanager
    def tampering(self, change: Callable[[str, bytes], tuple[str, bytes]]) -> Iterator[Any]:
        with Tampering(change) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.02,))
            thread.start()
            try:
                yield self.client(proxy={"http": f"http://127.0.0.1:{server.server_port}"})
            finally:
                server.shutdown()
                thread.join()

    # The checks, in order.

    def token(self) -> None:
        """An old token: the SDK asks for another one by itself, keeps it, and calls with it."""
        client = self.client(life_s=0)
        self.refused((40004, "isv.parameter-invalid:4248"), ORDERS, {}, client=client)
        kept = json.loads(self.tokens.read_text())
        expect(kept["access_token"], self.credentials["access_token"])
        expect(kept["expires_in"] > time.time() + 3600, True)

    def share(self) -> None:
        sku = "判-TEA " + uuid.uuid4().hex
        self.item = self.post("/shops/stock", sku=sku, quantity=50, title="高山茶 & 水", price_fen=1999)
        self.made = self.told(SHARE, self.sharing())
        expect(self.made["share_link"].startswith("https://haohuo.jinritemai.com/"), True)
        # Text that the SDK writes as escapes: what is signed is what is sent.
        self.refused((40004, "isv.parameter-invalid:4134"), SHARE, self.sharing(product_url="【抖音】茶 & <水>"))

    def orders(self) -> None:
        """Seven orders on pages of three."""
        bought = {self.post("/buy", address=self.made["share_link"], quantity=2)["order_no"] for _ in range(7)}
        seen: list[str] = []
        cursor, pages = "0", 0
        while pages < 9:
            asked = {"size": 3, "cursor": cursor, "time_type": "update", "pid": self.credentials["pid"]}
            page = self.told(ORDERS, {**asked, **self.window()})
            expect({row["pid_info"]["external_info"] for row in page["orders"]}, {"Ab12Z"})
            expect({(row["total_pay_amount"], row["flow_point"]) for row in page["orders"]}, {(3998, "PAY_SUCC")})
            seen += [row["order_id"] for row in page["orders"]]
            cursor, pages = page["cursor"], pages + 1
            if not cursor:
                break
        expect((len(seen), set(seen), pages), (7, bought, 3))

    def flipped(self) -> None:
        """What the SDK signed, with one thing changed on its way."""
        changes: list[Callable[[str, bytes], tuple[str, bytes]]] = [
            lambda url, body: (url, body.replace(b"Ab12Z", b"Ab12Y")),
            lambda url, body: (url, body.replace(b'":', b'": ', 1)),
            lambda url, body: (url.replace("&v=2", "&v=3"), body),
            lambda url, body: (url[:-1] + ("0" if url[-1] != "0" else "1"), body),
            lambda url, body: (url.replace("timestamp=20", "timestamp=+20"), body),
        ]
        with self.tampering(lambda url, body: (url, body)) as client:
            self.told(SHARE, self.sharing(), client=client)
        for change in changes[:4]:
            with self.tampering(change) as client:
                self.refused(SIGNATURE_INVALID, SHARE, self.sharing(), client=client)
        with self.tampering(changes[4]) as client:
            self.refused((40003, "isv.timestamp-format-error"), SHARE, self.sharing(), client=client)

    def wrong_secret(self) -> None:
        self.refused(SIGNATURE_INVALID, SHARE, self.sharing(), client=self.client(secret="0" * 32))

    def wrong_token(self) -> None:
        token = self.client(token="nobody's")
        self.refused((40003, "isv.access-token-no-existed"), SHARE, self.sharing(), client=token)

    def wrong_arguments(self) -> None:
        self.refused((40004, "isv.parameter-invalid:4101"), SHARE, self.sharing(external_info="a-b"))
        self.refused((40004, "isv.parameter-invalid:4246"), ORDERS, {"size": 201, **self.window()})


def main() -> int:
    # The SDK writes the machine's own time and means Beijing's.
    os.environ["TZ"] = "Asia/Shanghai"
    time.tzset()
    logging.disable(logging.CRITICAL)
    setting = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        judge = Judge(setting, folder)
        names = ["token", "share", "orders", "flipped", "wrong_secret", "wrong_token", "wrong_arguments"]
        checks = [(name, getattr(judge, name)) for name in names]
        return verdicts.run(checks, stop_at_first=setting["stop_at_first"])


if __name__ == "__main__":
    sys.exit(main())
