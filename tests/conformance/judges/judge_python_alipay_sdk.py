"""Runs in the judge's own environment: ``python-alipay-sdk`` drives the simulated Alipay, in both of its modes."""

from __future__ import annotations

import json
import sys
import threading
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import shims
import verdicts
from alipay import AliPay, DCAliPay
from alipay.exceptions import AliPayException, AliPayValidationError
from Cryptodome.PublicKey import RSA
from verdicts import Disagreement, expect

SPOILT = ("body", "sign", "sign_type", "charset", "swapped")
ANNA = "2088123412341235"


#: Of the sandbox's clock: refunds have ended by then.
SETTLED_S = 60


class Judge:
    """One client of the SDK, the simulator's control port, and a place that receives notices."""

    def __init__(self, setting: dict[str, Any]) -> None:
        self.control = setting["control"]
        self.gateway = setting["platform"]["base_url"] + "/gateway.do"
        self.credentials = setting["platform"]["credentials"]
        self.by_certificate = setting["mode"] == "certificate"
        self.notices: list[tuple[bool, dict[str, str]]] = []
        self._receive()
        self.client = self._client(self.credentials["private_key_pkcs8"])

    def _client(self, private_key: str, **changes: str) -> Any:
        given = {**self.credentials, **changes}
        common = {
            "appid": given["app_id"],
            "app_private_key_string": private_key,
            "app_notify_url": self.notify_url,
        }
        if not self.by_certificate:
            key = {"alipay_public_key_string": given["alipay_public_key"]}
            return shims.alipay_client(AliPay, self.gateway, **common, **key)
        certificates = {
            "app_public_key_cert_string": given["app_cert"],
            "alipay_public_key_cert_string": given["alipay_cert"],
            "alipay_root_cert_string": given["alipay_root_cert"],
        }
        return shims.alipay_client(DCAliPay, self.gateway, **common, **certificates)

    def _receive(self) -> None:
        judge = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                content = dict(form)
                try:
                    good = judge.client.verify(form, form.pop("sign")) and content["charset"] == "utf-8"
                except AliPayException:
                    good = False
                judge.notices.append((good, content))
                body = b"success" if good else b"failure"
                self.send_response(200 if good else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.notify_url = f"http://127.0.0.1:{server.server_port}/notify"

    def calm(self) -> None:
        """What earlier checks left under way ends now; its notices must not come into the next check."""
        self.post("/clock/advance", seconds=SETTLED_S)

    def post(self, path: str, **body: Any) -> Any:
        data = json.dumps({"platform": "alipay", **body}).encode()
        request = urllib.request.Request(self.control + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def new_paid(self) -> tuple[str, str]:
        number = fresh("paid")
        code = self.client.api_alipay_trade_precreate("小面包", number, "12.30")["qr_code"]
        return number, self.post("/pay", code_url=code)["trade_no"]

    # The checks, in order.

    def precreate_and_query(self) -> None:
        number, trade_no = self.new_paid()
        answer = self.client.api_alipay_trade_query(out_trade_no=number)
        expect((answer["trade_status"], answer["total_amount"]), ("TRADE_SUCCESS", "12.30"))
        expect(self.client.api_alipay_trade_query(trade_no=trade_no), answer)
        expect(self.client.api_alipay_trade_query(out_trade_no=fresh("never"))["sub_code"], "ACQ.TRADE_NOT_EXIST")

    def create_and_close(self) -> None:
        number = fresh("create")
        made = self.client.api_alipay_trade_create("小面包", number, 12.3, buyer_id="2088101117955611")
        expect((made["out_trade_no"], made["code"]), (number, "10000"))
        expect(self.client.api_alipay_trade_close(out_trade_no=number)["trade_no"], made["trade_no"])
        expect(self.client.api_alipay_trade_query(out_trade_no=number)["trade_status"], "TRADE_CLOSED")

    def pay_and_cancel(self) -> None:
        number, code = fresh("bar"), "27" + str(uuid.uuid4().int)[:16]
        paid = self.client.api_alipay_trade_pay(number, "bar_code", code, "小面包", total_amount="0.07")
        expect((paid["code"], paid["total_amount"]), ("10000", "0.07"))
        expect(self.client.api_alipay_trade_cancel(out_trade_no=number)["action"], "refund")

    def refund(self) -> None:
        number, _ = self.new_paid()
        first = self.client.api_alipay_trade_refund(2.3, out_trade_no=number, out_request_no="r" + number)
        expect((first["fund_change"], first["refund_fee"]), ("Y", "2.30"))
        found = self.client.api_alipay_trade_fastpay_refund_query("r" + number, out_trade_no=number)
        expect((found["refund_status"], found["refund_amount"]), ("REFUND_SUCCESS", "2.30"))

    def settle(self) -> None:
        _, trade_no = self.new_paid()
        receivers = [{"type": "userId", "account": ANNA, "memo": "m"}]
        bound = self.client.server_api(
            "alipay.trade.royalty.relation.bind", {"out_request_no": fresh("b"), "receiver_list": receivers}
        )
        expect(bound["result_code"], "SUCCESS")
        lines = [{"trans_in": ANNA, "trans_in_type": "userId", "amount_percentage": 30}]
        number = fresh("s")
        expect(self.client.api_alipay_trade_order_settle(number, trade_no, lines)["code"], "10000")
        asked = {"out_request_no": number, "trade_no": trade_no}
        found = self.client.server_api("alipay.trade.order.settle.query", asked)
        expect([line["amount"] for line in found["royalty_detail_list"]], ["3.69"])

    def links(self) -> None:
        for build in (self.client.api_alipay_trade_wap_pay, self.client.api_alipay_trade_page_pay):
            query = build("小面包", fresh("page"), "12.30", return_url="https://shop.example/")
            with urllib.request.urlopen(f"{self.gateway}?{query}", timeout=20) as page:
                expect("12.30" in page.read().decode(), True)
        text = self.client.api_alipay_trade_app_pay("小面包", fresh("app"), "12.30")
        expect(self.post("/pay", order_string=text)["trade_status"], "TRADE_SUCCESS")

    def notice(self) -> None:
        self.notices.clear()
        number, _ = self.new_paid()
        [(verified, content)] = self.notices
        expect((verified, content["out_trade_no"], content["trade_status"]), (True, number, "TRADE_SUCCESS"))

    def spoilt_notices(self) -> None:
        number = fresh("spoilt")
        self.client.api_alipay_trade_precreate("小面包", number, "12.30")
        for change in SPOILT:
            expect(
                (change, self.post("/callbacks/tamper", out_trade_no=number, change=change)["status"]), (change, 401)
            )

    def stale_notice(self) -> None:
        """The SDK looks at no clock: to it an old notice is a good one, so that only the time can speak against it."""
        self.notices.clear()
        number, _ = self.new_paid()
        answer = self.post("/callbacks/tamper", out_trade_no=number, change="stale")
        (_, good), (verified, old) = self.notices
        expect((answer["status"], verified), (200, True))
        expect(good["notify_time"][:10] > old["notify_time"][:10], True)

    def no_time(self) -> None:
        """A rightly signed request whose time is none. How old a time may be is nowhere documented."""
        for text in ("2026/11/23 12:00:00", "2026-13-01 00:00:00", "1795406400"):
            answer = self.client.server_api("alipay.trade.query", {"out_trade_no": fresh("time")}, timestamp=text)
            expect((text, answer["sub_code"]), (text, "isv.invalid-timestamp"))

    def wrong_keys(self) -> None:
        stranger = self._client(RSA.generate(2048).export_key().decode())
        expect(stranger.api_alipay_trade_query(out_trade_no="x")["sub_code"], "isv.invalid-signature")
        own = self.credentials
        deceived = (
            {"alipay_cert": own["app_cert"]} if self.by_certificate else {"alipay_public_key": own["private_key_pkcs8"]}
        )
        try:
            self._client(own["private_key_pkcs8"], **deceived).api_alipay_trade_query(out_trade_no="x")
        except AliPayValidationError:
            return
        raise Disagreement("an answer that is not signed with the account's key was believed")

    def certificates(self) -> None:
        """The serials that the SDK computes are the ones the simulator checks; others are refused."""
        if not self.by_certificate:
            return
        wrong = self._client(self.credentials["private_key_pkcs8"], app_cert=self.credentials["alipay_cert"])
        expect(wrong.api_alipay_trade_query(out_trade_no="x")["sub_code"], "isv.invalid-app-cert-sn")


def fresh(kind: str) -> str:
    return f"{kind}{uuid.uuid4().hex}"[:32]


NAMES = [
    "precreate_and_query",
    "create_and_close",
    "pay_and_cancel",
    "refund",
    "settle",
    "links",
    "notice",
    "spoilt_notices",
    "stale_notice",
    "no_time",
    "wrong_keys",
    "certificates",
]


def main() -> int:
    setting = json.load(sys.stdin)
    judge = Judge(setting)
    checks = [(name, getattr(judge, name)) for name in NAMES]
    return verdicts.run(checks, stop_at_first=setting["stop_at_first"], before=judge.calm)


if __name__ == "__main__":
    sys.exit(main())
