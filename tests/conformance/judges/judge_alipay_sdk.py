"""Runs in the judge's own environment: the official SDK ``alipay-sdk-python`` drives the simulated Alipay."""

from __future__ import annotations

import base64
import io
import json
import sys
import threading
import urllib.error
import urllib.request
import uuid
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl

import rsa
import shims
import verdicts
from alipay.aop.api.AlipayClientConfig import AlipayClientConfig
from alipay.aop.api.DefaultAlipayClient import DefaultAlipayClient
from alipay.aop.api.exception.Exception import ResponseException
from alipay.aop.api.util.SignatureUtils import get_sign_content, verify_with_rsa
from verdicts import Disagreement, expect

SPOILT = ("body", "sign", "sign_type", "charset", "swapped", "duplicate")
YUAN = "12.30"
ANNA = "2088123412341234"
#: From any moment of a day in China to ten o'clock of the next one, or later.
UNTIL_A_BILL_S = 34 * 3600


def bare(pem: str) -> str:
    """A key as the SDK wants it: without the lines around it."""
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))


#: Of the sandbox's clock: refunds have ended by then.
SETTLED_S = 60


class Judge:
    """The SDK's client, the simulator's control port, and a place that receives notices."""

    def __init__(self, setting: dict[str, Any]) -> None:
        shims.connect_alipay()
        self.control = setting["control"]
        self.gateway = setting["platform"]["base_url"] + "/gateway.do"
        self.credentials = setting["platform"]["credentials"]
        self.notices: list[tuple[bool, dict[str, str]]] = []
        self._receive()
        self.client = self._client(self.credentials["app_id"], self.credentials["private_key_pkcs1"])

    def _client(self, app_id: str, private_key: str, public_key: str = "") -> Any:
        config = AlipayClientConfig()
        values = {
            "server_url": self.gateway,
            "app_id": app_id,
            "app_private_key": bare(private_key),
            "alipay_public_key": bare(public_key or self.credentials["alipay_public_key"]),
        }
        for name, value in values.items():
            setattr(config, name, value)
        return DefaultAlipayClient(config)

    def _receive(self) -> None:
        judge = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
                good = len(dict(form)) == len(form) and judge.verified(dict(form))
                judge.notices.append((good, dict(form)))
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

    def verified(self, parameters: dict[str, str]) -> bool:
        """As the SDK's documents tell merchants to do it, with its own functions."""
        sign, sign_type = parameters.get("sign", ""), parameters.get("sign_type")
        signed = {name: value for name, value in parameters.items() if name not in ("sign", "sign_type")}
        if sign_type != "RSA2" or parameters.get("charset") != "utf-8":
            return False
        try:
            return verify_with_rsa(bare(self.credentials["alipay_public_key"]), get_sign_content(signed).encode(), sign)
        except (ValueError, rsa.VerificationError):
            return False

    def request(self, name: str, content: dict[str, Any], **more: str) -> Any:
        """A request of the SDK with its model filled from the documents' names."""
        model = getattr(import_module(f"alipay.aop.api.domain.{name}Model"), f"{name}Model")
        kind = getattr(import_module(f"alipay.aop.api.request.{name}Request"), f"{name}Request")
        made = kind(biz_model=model.from_alipay_dict(content))
        for field, value in more.items():
            setattr(made, field, value)
        return made

    def call(self, name: str, content: dict[str, Any], client: Any = None, **more: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads((client or self.client).execute(self.request(name, content, **more)))
        return answer

    def done(self, name: str, content: dict[str, Any], **more: str) -> dict[str, Any]:
        answer = self.call(name, content, **more)
        expect((answer["code"], answer.get("sub_code")), ("10000", None))
        return answer

    def refused(self, sub_code: str, name: str, content: dict[str, Any], **more: Any) -> None:
        answer = self.call(name, content, **more)
        expect((answer["code"], answer.get("sub_code")), ("40004", sub_code))

    def calm(self) -> None:
        """What earlier checks left under way ends now; its notices must not come into the next check."""
        self.post("/clock/advance", seconds=SETTLED_S)

    def post(self, path: str, **body: Any) -> tuple[int, Any]:
        data = json.dumps({"platform": "alipay", **body}).encode()
        request = urllib.request.Request(self.control + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def order(self, kind: str, **more: Any) -> dict[str, Any]:
        return {"out_trade_no": fresh(kind), "total_amount": YUAN, "subject": "小面包", **more}

    def new_paid(self, **more: Any) -> dict[str, str]:
        order = self.order("paid", **more)
        code = self.done("AlipayTradePrecreate", order, notify_url=self.notify_url)["qr_code"]
        status, trade = self.post("/pay", code_url=code)
        expect(status, 200)
        return {"out_trade_no": order["out_trade_no"], "trade_no": trade["trade_no"]}

    # The checks, in order.

    def precreate(self) -> None:
        order = self.order("qr", passback_params="a%3Db", time_expire="2099-01-01 00:00:00")
        answer = self.done("AlipayTradePrecreate", order, notify_url=self.notify_url)
        expect((answer["out_trade_no"], answer["qr_code"][:22]), (order["out_trade_no"], "https://qr.alipay.com/"))
        self.refused("ACQ.TRADE_NOT_EXIST", "AlipayTradeQuery", {"out_trade_no": order["out_trade_no"]})

    def query(self) -> None:
        paid = self.new_paid()
        for number in ({"out_trade_no": paid["out_trade_no"]}, {"trade_no": paid["trade_no"]}):
            answer = self.done("AlipayTradeQuery", number)
            expect(
                (answer["trade_status"], answer["total_amount"], answer["trade_no"]),
                ("TRADE_SUCCESS", YUAN, paid["trade_no"]),
            )

    def create(self) -> None:
        order = self.order("create", buyer_id="2088101117955611")
        answer = self.done("AlipayTradeCreate", order)
        expect(self.done("AlipayTradeCreate", order)["trade_no"], answer["trade_no"])
        self.refused("ACQ.CONTEXT_INCONSISTENT", "AlipayTradeCreate", {**order, "total_amount": "12.31"})
        expect(self.done("AlipayTradeQuery", {"out_trade_no": order["out_trade_no"]})["trade_status"], "WAIT_BUYER_PAY")

    def pay(self) -> None:
        order = self.order("bar", scene="bar_code", auth_code="28" + uuid.uuid4().int.__str__()[:16])
        answer = self.done("AlipayTradePay", order)
        expect((answer["out_trade_no"], answer["total_amount"]), (order["out_trade_no"], YUAN))
        self.refused("ACQ.PAYMENT_AUTH_CODE_INVALID", "AlipayTradePay", {**order, "out_trade_no": fresh("bar")})

    def close_and_cancel(self) -> None:
        order = self.order("close", buyer_id="2088101117955611")
        number = {"out_trade_no": order["out_trade_no"]}
        self.done("AlipayTradeCreate", order)
        self.done("AlipayTradeClose", number)
        expect(self.done("AlipayTradeQuery", number)["trade_status"], "TRADE_CLOSED")
        paid = {"out_trade_no": self.new_paid()["out_trade_no"]}
        self.refused("ACQ.TRADE_STATUS_ERROR", "AlipayTradeClose", paid)
        answer = self.done("AlipayTradeCancel", paid)
        expect((answer["action"], answer["retry_flag"]), ("refund", "N"))
        expect(self.done("AlipayTradeQuery", paid)["trade_status"], "TRADE_CLOSED")

    def refund(self) -> None:
        number = self.new_paid()["out_trade_no"]
        part = {"out_trade_no": number, "refund_amount": "2.30", "out_request_no": fresh("refund")}
        expect(self.done("AlipayTradeRefund", part)["fund_change"], "Y")
        expect(self.done("AlipayTradeRefund", part)["fund_change"], "N")
        asked = {"out_trade_no": number, "out_request_no": part["out_request_no"]}
        answer = self.done("AlipayTradeFastpayRefundQuery", asked)
        expect((answer["refund_status"], answer["refund_amount"]), ("REFUND_SUCCESS", "2.30"))
        self.refused(
            "ACQ.REASON_TRADE_REFUND_FEE_ERR",
            "AlipayTradeRefund",
            {**part, "refund_amount": "12.30", "out_request_no": fresh("r")},
        )
        nothing = self.done("AlipayTradeFastpayRefundQuery", {**asked, "out_request_no": fresh("never")})
        expect("refund_status" in nothing, False)

    def settle(self) -> None:
        """Bind, share synchronously, ask, and share no more than may be shared."""
        paid = self.new_paid(extend_params={"royalty_freeze": "true"})
        line = {
            "royalty_type": "transfer",
            "trans_in_type": "userId",
            "trans_in": ANNA,
            "amount": "1.00",
            "desc": "佣金",
        }
        share = {"out_request_no": fresh("share"), "trade_no": paid["trade_no"], "royalty_parameters": [line]}
        person = {"out_request_no": fresh("bind"), "receiver_list": [{"type": "userId", "account": ANNA, "memo": "m"}]}
        self.refused("ACQ.NON_ROYALTY_RELATION", "AlipayTradeOrderSettle", share)
        expect(self.done("AlipayTradeRoyaltyRelationBind", person)["result_code"], "SUCCESS")
        settle_no = self.done("AlipayTradeOrderSettle", share)["settle_no"]
        expect(self.done("AlipayTradeOrderSettle", share)["settle_no"], settle_no)
        [detail] = self.done("AlipayTradeOrderSettleQuery", {"settle_no": settle_no})["royalty_detail_list"]
        expect((detail["state"], detail["amount"], detail["trans_in"]), ("SUCCESS", "1.00", ANNA))
        more = {**share, "out_request_no": fresh("share"), "royalty_parameters": [{**line, "amount": "2.70"}]}
        self.refused("ACQ.ALLOC_AMOUNT_VALIDATE_ERROR", "AlipayTradeOrderSettle", more)
        self.done("AlipayTradeRoyaltyRelationUnbind", person)

    def bills(self) -> None:
        """The bill of a day: asked for by the SDK, fetched from the address it was told, before that is stale."""
        paid = self.new_paid()
        day = self.done("AlipayTradeQuery", {"out_trade_no": paid["out_trade_no"]})["send_pay_date"][:10]
        name, asked = "AlipayDataDataserviceBillDownloadurlQuery", {"bill_type": "trade", "bill_date": day}
        self.refused("isv.invalid_arguments", name, asked)
        expect(self.post("/clock/advance", seconds=UNTIL_A_BILL_S)[0], 200)
        url = self.done(name, asked)["bill_download_url"]
        with urllib.request.urlopen(url, timeout=20) as answer:
            packed = answer.read()
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            texts = [archive.read(member).decode("gbk") for member in archive.namelist()]
        expect([text[:7] for text in texts], ["#支付宝业务明", "#支付宝业务汇"])
        expect(f"{paid['trade_no']}\t,{paid['out_trade_no']}\t,交易\t," in texts[0], True)
        expect(self.post("/clock/advance", seconds=31)[0], 200)
        try:
            urllib.request.urlopen(url, timeout=20).close()
        except urllib.error.HTTPError as error:
            expect(error.code, 403)
            return
        raise Disagreement("a stale address still gave the file")

    def notice(self) -> None:
        self.notices.clear()
        paid = self.new_paid()
        [(verified, content)] = self.notices
        expect((verified, content["trade_status"], content["total_amount"]), (True, "TRADE_SUCCESS", YUAN))
        expect((content["trade_no"], content["app_id"]), (paid["trade_no"], self.credentials["app_id"]))
        self.post("/callbacks/replay", out_trade_no=paid["out_trade_no"])
        expect(self.notices[1], self.notices[0])

    def refund_notice(self) -> None:
        number = self.new_paid()["out_trade_no"]
        self.post("/clock/advance", seconds=5)
        self.notices.clear()
        self.done("AlipayTradeRefund", {"out_trade_no": number, "refund_amount": YUAN, "out_request_no": "r" + number})
        self.post("/clock/advance", seconds=5)
        [(verified, content)] = self.notices
        expect((verified, content["trade_status"], content["refund_fee"]), (True, "TRADE_CLOSED", YUAN))
        expect(content["out_biz_no"], "r" + number)

    def spoilt_notices(self) -> None:
        order = self.order("spoilt")
        self.done("AlipayTradePrecreate", order, notify_url=self.notify_url)
        for change in SPOILT:
            status, answer = self.post("/callbacks/tamper", out_trade_no=order["out_trade_no"], change=change)
            if (status, answer.get("status")) != (200, 401):
                raise Disagreement(f"{change}: {status} {answer}")

    def stale_notice(self) -> None:
        """The SDK looks at no clock: to it an old notice is a good one, so that only the time can speak against it."""
        self.notices.clear()
        number = self.new_paid()["out_trade_no"]
        status, answer = self.post("/callbacks/tamper", out_trade_no=number, change="stale")
        (_, good), (verified, old) = self.notices
        expect((status, answer["status"], verified), (200, 200, True))
        expect(good["notify_time"][:10] > old["notify_time"][:10], True)

    def pages(self) -> None:
        for name in ("AlipayTradeWapPay", "AlipayTradePagePay"):
            order = self.order("page", product_code="QUICK_WAP_WAY")
            url = self.client.page_execute(self.request(name, order, return_url="https://shop.example/"), "GET")
            with urllib.request.urlopen(url, timeout=20) as page:
                expect(YUAN in page.read().decode(), True)
            try:
                urllib.request.urlopen(url.replace(YUAN, "0.01"), timeout=20)
            except urllib.error.HTTPError as error:
                expect(error.code, 400)
            else:
                raise Disagreement("a changed link was opened")

    def app(self) -> None:
        order = self.order("app", product_code="QUICK_MSECURITY_PAY")
        text = self.client.sdk_execute(self.request("AlipayTradeAppPay", order))
        expect(self.post("/pay", order_string=text.replace(YUAN, "0.01"))[0], 401)
        status, trade = self.post("/pay", order_string=text)
        expect((status, trade["out_trade_no"], trade["trade_status"]), (200, order["out_trade_no"], "TRADE_SUCCESS"))

    def wrong_keys(self) -> None:
        _, strange = rsa.newkeys(2048)
        pem = strange.save_pkcs1().decode()
        stranger = self._client(self.credentials["app_id"], pem)
        answer = self.call("AlipayTradeQuery", {"out_trade_no": fresh("wrong")}, client=stranger)
        expect((answer["code"], answer["sub_code"]), ("40002", "isv.invalid-signature"))
        public = rsa.PublicKey(strange.n, strange.e)
        deceived = self._client(self.credentials["app_id"], self.credentials["private_key_pkcs1"], spki(public))
        for client in (deceived, self._client("2021000000000000", pem)):
            try:
                self.call("AlipayTradeQuery", {"out_trade_no": fresh("wrong")}, client=client)
            except ResponseException:
                continue
            raise Disagreement("an answer that is not signed with the account's key was believed")


def spki(key: Any) -> str:
    """SubjectPublicKeyInfo around a PKCS #1 public key, as the SDK reads it."""
    inner = key.save_pkcs1("DER")
    bits = b"\x03\x82" + (len(inner) + 1).to_bytes(2, "big") + b"\x00" + inner
    whole = bytes.fromhex("300d06092a864886f70d0101010500") + bits
    der = b"\x30\x82" + len(whole).to_bytes(2, "big") + whole
    return base64.b64encode(der).decode()


def fresh(kind: str) -> str:
    return f"{kind}{uuid.uuid4().hex}"[:32]


NAMES = [
    "precreate",
    "query",
    "create",
    "pay",
    "close_and_cancel",
    "refund",
    "settle",
    "notice",
    "refund_notice",
    "spoilt_notices",
    "stale_notice",
    "pages",
    "app",
    "bills",
    "wrong_keys",
]


def main() -> int:
    setting = json.load(sys.stdin)
    judge = Judge(setting)
    checks = [(name, getattr(judge, name)) for name in NAMES]
    return verdicts.run(checks, stop_at_first=setting["stop_at_first"], before=judge.calm)


if __name__ == "__main__":
    sys.exit(main())
