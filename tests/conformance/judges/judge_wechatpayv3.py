"""Runs in the judge's own environment: the unmodified SDK ``wechatpayv3`` drives the simulated WeChat Pay.

In both of its flavours: the synchronous one, and ``wechatpayv3.async_`` on a loop of its own.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import shims
import verdicts
import wechatpayv3
import wechatpayv3.async_
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from judge_wechatpayv3_products import CHECKS, Products, fresh
from verdicts import Disagreement, expect
from wechatpayv3 import utils

SPOILT = ("body", "signature", "timestamp", "nonce", "serial", "probe")
TOTAL_FEN = 1230
#: What both sides may be apart.
CLOCK_SKEW_MAX_S = 300


class Waiting:
    """The asynchronous client, so that a check need not know which one it has: what is awaited is waited for."""

    def __init__(self, make: Any) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.inner = make()
        self.wait(self.inner.__aenter__())

    def wait(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)
        if inspect.iscoroutinefunction(method):
            return lambda *given, **named: self.wait(method(*given, **named))
        return method


#: Of the sandbox's clock: refunds have ended by then.
SETTLED_S = 60


class Judge(Products):
    """One client of the SDK, the simulator's control port, and a place that receives notices."""

    def __init__(self, setting: dict[str, Any]) -> None:
        self.control = setting["control"]
        self.base_url = setting["platform"]["base_url"]
        self.credentials = setting["platform"]["credentials"]
        self.more = setting["platform"]["more_credentials"]
        self.is_async, _, mode = setting["mode"].rpartition(" ")
        self.public_key_mode = mode == "public_key"
        self.kinds = (wechatpayv3.async_ if self.is_async else wechatpayv3).WeChatPayType
        self.notices: list[tuple[bool, Any]] = []
        self.raw_notices: list[tuple[dict[str, str], bytes]] = []
        self._receive()
        self.client = self.client_with()
        self.partner = self.client_with(partner_mode=True)

    def client_with(self, **changes: Any) -> Any:
        by_key = {name: self.credentials[name] for name in ("public_key", "public_key_id")}
        arguments = {
            "wechatpay_type": self.kinds.NATIVE,
            "mchid": self.credentials["mchid"],
            "private_key": self.credentials["private_key"],
            "cert_serial_no": self.credentials["serial_no"],
            "appid": self.credentials["appid"],
            "apiv3_key": self.credentials["api_v3_key"],
            "notify_url": self.notify_url,
            "timeout": (5, 10),
            **(by_key if self.public_key_mode else {}),
            **changes,
        }
        if self.is_async:
            return Waiting(lambda: shims.wechatpay_async_client(self.base_url, **arguments))
        return shims.wechatpay_client(self.base_url, **arguments)

    def last_notice(self) -> tuple[dict[str, str], bytes]:
        return self.raw_notices[-1]

    def _receive(self) -> None:
        judge = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                try:
                    content = judge.client.callback(dict(self.headers), body)
                except Exception:  # noqa: BLE001 (whatever the SDK raises is its way to say no)
                    content = None
                judge.raw_notices.append((dict(self.headers), body))
                judge.notices.append((bool(content), content))
                self.send_response(204 if content else 401)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.notify_url = f"http://127.0.0.1:{server.server_port}/notify"

    def put(self, path: str, value: Any) -> None:
        expect(self._send("PUT", path, value)[0], 200)

    def calm(self) -> None:
        """What earlier checks left under way ends now; its notices must not come into the next check."""
        self.post("/clock/advance", seconds=SETTLED_S)

    def post(self, path: str, **body: Any) -> tuple[int, Any]:
        return self._send("POST", path, body)

    def _send(self, method: str, path: str, value: Any) -> tuple[int, Any]:
        request = urllib.request.Request(
            self.control + path, json.dumps(value).encode(), {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def create(self, number: str, total_fen: int = TOTAL_FEN, **more: Any) -> Any:
        amount = {"total": total_fen, "currency": "CNY"}
        status, text = self.client.pay(description="小面包", out_trade_no=number, amount=amount, **more)
        return status, json.loads(text)

    def new_paid(self) -> str:
        number = fresh("paid")
        expect(self.create(number)[0], 200)
        expect(self.post("/pay", platform="wechatpay", out_trade_no=number)[0], 200)
        return number

    def refused(self, answer: tuple[int, str], status: int, code: str) -> None:
        expect((answer[0], json.loads(answer[1])["code"]), (status, code))

    # The checks, in order.

    def native(self) -> None:
        status, body = self.create(fresh("native"))
        expect((status, body["code_url"][:9]), (200, "weixin://"))

    def h5(self) -> None:
        scene = {"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}}
        status, body = self.create(fresh("h5"), pay_type=self.kinds.H5, scene_info=scene)
        expect((status, "prepay_id=" in body["h5_url"]), (200, True))

    def jsapi(self) -> None:
        number, openid = fresh("jsapi"), "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
        status, body = self.create(number, pay_type=self.kinds.JSAPI, payer={"openid": openid})
        expect(status, 200)
        stamp, nonce, package = str(int(time.time())), uuid.uuid4().hex, "prepay_id=" + body["prepay_id"]
        signed = self.client.sign([self.credentials["appid"], stamp, nonce, package])
        invoke = {
            "appId": self.credentials["appid"],
            "timeStamp": stamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": signed,
        }
        wrong = {**invoke, "nonceStr": nonce + "x"}
        expect(self.post("/pay", platform="wechatpay", out_trade_no=number, invoke=wrong)[0], 401)
        status, trade = self.post("/pay", platform="wechatpay", out_trade_no=number, invoke=invoke)
        expect((status, trade.get("payer")), (200, {"openid": openid}))

    def query(self) -> None:
        number = fresh("query")
        self.create(number)
        status, text = self.client.query(out_trade_no=number)
        expect((status, json.loads(text)["trade_state"]), (200, "NOTPAY"))
        self.post("/pay", platform="wechatpay", out_trade_no=number)
        status, text = self.client.query(out_trade_no=number)
        trade = json.loads(text)
        expect((status, trade["trade_state"], trade["amount"]["total"]), (200, "SUCCESS", TOTAL_FEN))
        expect(self.client.query(transaction_id=trade["transaction_id"]), (200, text))
        self.refused(self.client.query(out_trade_no=fresh("never")), 404, "ORDER_NOT_EXIST")

    def same_order_other_amount(self) -> None:
        number = fresh("twice")
        expect(self.create(number)[0], 200)
        expect(self.create(number)[0], 200)
        status, body = self.create(number, TOTAL_FEN + 1)
        expect((status, body["code"]), (400, "INVALID_REQUEST"))

    def close(self) -> None:
        number = fresh("close")
        self.create(number)
        status, body = self.client.close(number)
        expect((status, body), (204, b""))
        expect(json.loads(self.client.query(out_trade_no=number)[1])["trade_state"], "CLOSED")

    def close_after_paid(self) -> None:
        self.refused(self.client.close(self.new_paid()), 400, "ORDERPAID")

    def notice(self) -> None:
        self.notices.clear()
        number = self.new_paid()
        [(verified, content)] = self.notices
        expect(verified, True)
        expect(content["event_type"], "TRANSACTION.SUCCESS")
        expect(content["resource"], json.loads(self.client.query(out_trade_no=number)[1]))

    def duplicate_notice(self) -> None:
        number = self.new_paid()
        self.notices.clear()
        expect(self.post("/callbacks/replay", out_trade_no=number)[1]["status"], 204)
        expect([verified for verified, _ in self.notices], [True])

    def spoilt_notices(self) -> None:
        number = fresh("spoilt")
        self.create(number)
        for change in SPOILT:
            status, answer = self.post("/callbacks/tamper", out_trade_no=number, change=change)
            if (status, answer.get("status")) != (200, 401):
                raise Disagreement(f"{change}: {status} {answer}")

    def stale_notice(self) -> None:
        """The SDK looks at no clock: to it an old notice is a good one, so that only the time can speak against it."""
        number = self.new_paid()
        fresh_at_s = int(self.last_notice()[0]["Wechatpay-Timestamp"])
        status, answer = self.post("/callbacks/tamper", out_trade_no=number, change="stale")
        expect((status, answer["status"], self.notices[-1][0]), (200, 204, True))
        age_s = fresh_at_s - int(self.last_notice()[0]["Wechatpay-Timestamp"])
        expect(age_s > CLOCK_SKEW_MAX_S, True)

    def stale_request(self) -> None:
        """Signed with the SDK's own function at another time: an old one is refused, and so is an early one."""
        expect(self.asked(age_s=0), (404, "ORDER_NOT_EXIST"))
        for age_s in (CLOCK_SKEW_MAX_S + 30, -CLOCK_SKEW_MAX_S - 30, 86_400):
            expect((age_s, self.asked(age_s=age_s)), (age_s, (401, "SIGN_ERROR")))

    def asked(self, age_s: int) -> tuple[int, str]:
        """Ask for an order that is not there, at another time than now; status and code of the answer."""
        path = f"/v3/pay/transactions/out-trade-no/{fresh('clock')}?mchid={self.credentials['mchid']}"
        stamp, nonce = str(int(time.time()) - age_s), uuid.uuid4().hex
        key = utils.load_private_key(self.credentials["private_key"])
        fields = {
            "mchid": self.credentials["mchid"],
            "nonce_str": nonce,
            "signature": utils.rsa_sign(key, f"GET\n{path}\n{stamp}\n{nonce}\n\n"),
            "timestamp": stamp,
            "serial_no": self.credentials["serial_no"],
        }
        signed = ",".join(f'{name}="{value}"' for name, value in fields.items())
        headers = {"Authorization": f"WECHATPAY2-SHA256-RSA2048 {signed}", "Accept": "application/json"}
        request = urllib.request.Request(self.base_url + path, headers=headers)
        try:
            urllib.request.urlopen(request, timeout=20)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)["code"]
        raise Disagreement("an order that was never made")

    def refund(self) -> None:
        number, refund_no = self.new_paid(), fresh("refund")
        amount = {"refund": 230, "total": TOTAL_FEN, "currency": "CNY"}
        self.notices.clear()
        status, text = self.client.refund(refund_no, amount, out_trade_no=number)
        expect((status, json.loads(text)["status"]), (200, "PROCESSING"))
        again = json.loads(self.client.refund(refund_no, amount, out_trade_no=number)[1])
        expect(again["refund_id"], json.loads(text)["refund_id"])
        self.post("/clock/advance", seconds=5)
        status, text = self.client.query_refund(refund_no)
        expect((status, json.loads(text)["status"]), (200, "SUCCESS"))
        [(verified, content)] = self.notices
        expect((verified, content["event_type"]), (True, "REFUND.SUCCESS"))
        expect(content["resource"]["amount"]["refund"], 230)
        too_much = {"refund": TOTAL_FEN, "total": TOTAL_FEN, "currency": "CNY"}
        answer = self.client.refund(fresh("refund"), too_much, out_trade_no=number)
        self.refused(answer, 400, "INVALID_REQUEST")
        self.refused(self.client.query_refund(fresh("never")), 404, "RESOURCE_NOT_EXISTS")

    def wrong_key(self) -> None:
        other = rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:
            stranger = self.client_with(private_key=other.decode())
        except Exception as error:  # noqa: BLE001 (in certificate mode the constructor asks, and is refused)
            expect((self.public_key_mode, "No wechatpay platform certificate" in str(error)), (False, True))
            return
        self.refused(stranger.query(out_trade_no=fresh("wrong")), 401, "SIGN_ERROR")

    def certificates(self) -> None:
        """The SDK downloads, decrypts and checks the certificates, before and after a rotation."""
        if self.public_key_mode:
            return
        known = shims.serials_known_to(self.client.inner if self.is_async else self.client)
        expect(len(known) >= 2, True)
        status, rotated = self.post("/certificates/rotate")
        expect((status, rotated["serial_no"] in known), (200, True))
        self.new_paid()
        self.post("/certificates/rotate")
        self.new_paid()
        self.notice()


def main() -> int:
    setting = json.load(sys.stdin)
    made: list[Judge] = []

    def connect() -> None:
        made.append(Judge(setting))

    def one(name: str) -> Any:
        def check() -> None:
            made[0].calm()
            getattr(made[0], name)()

        return check

    names = [
        "native",
        "h5",
        "jsapi",
        "query",
        "same_order_other_amount",
        "close",
        "close_after_paid",
        "notice",
        "duplicate_notice",
        "spoilt_notices",
        "stale_notice",
        "stale_request",
        "refund",
        "wrong_key",
        *CHECKS,
        "certificates",
    ]
    checks = [("connect", connect), *((name, one(name)) for name in names)]
    return verdicts.run(checks, stop_at_first=setting["stop_at_first"])


if __name__ == "__main__":
    sys.exit(main())
