"""More of what the unmodified SDK ``wechatpayv3`` drives: what came after orders by page and QR. Part of its judge."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
import uuid
from typing import Any

from verdicts import Disagreement, expect

TILL = {"device_ip": "127.0.0.1", "store_info": {"out_id": "T1"}}
PASSWORD_FEN = 100_001
CARD = {"bank_type": "CMB_DEBIT", "bank_account": "6225760012345678", "real_name": "张三"}
SHARED_FEN = 10_000
FEE_FEN = 60
#: From any moment of a day in China to ten o'clock of the next one, or later.
UNTIL_A_BILL_S = 34 * 3600


def fresh(kind: str) -> str:
    return f"{kind}{uuid.uuid4().hex}"[:32]


class Products:
    """Checks over ``client``, which looks the same for the SDK's two flavours; ``kinds`` is its own enumeration."""

    client: Any
    partner: Any
    kinds: Any
    credentials: dict[str, str]
    more: dict[str, str]
    notices: list[tuple[bool, Any]]
    post: Any  # to the control port: status and record
    put: Any
    refused: Any
    client_with: Any  # another client, with other arguments
    last_notice: Any  # headers and body of the last notice

    def ok(self, answer: tuple[int, Any]) -> Any:
        """The record of a 200 that the SDK verified."""
        expect(answer[0], 200)
        return json.loads(answer[1])

    def pay_with(self, client: Any, number: str, fen: int = 1230, **more: Any) -> Any:
        return client.pay(description="小面包", out_trade_no=number, amount={"total": fen, "currency": "CNY"}, **more)

    def paid(self, number: str) -> Any:
        status, trade = self.post("/pay", platform="wechatpay", out_trade_no=number)
        expect(status, 200)
        return trade

    def opened(self, number: str, invoke: dict[str, str], signed: str) -> tuple[int, Any]:
        return self.post("/pay", platform="wechatpay", out_trade_no=number, invoke={**invoke, signed: invoke[signed]})

    def app(self) -> None:
        number = fresh("app")
        prepay_id = self.ok(self.pay_with(self.client, number, pay_type=self.kinds.APP))["prepay_id"]
        stamp, nonce = str(int(time.time())), uuid.uuid4().hex
        appid = self.credentials["appid"]
        invoke = {
            "appId": appid,
            "partnerId": self.credentials["mchid"],
            "prepayId": prepay_id,
            "packageValue": "Sign=WXPay",
            "nonceStr": nonce,
            "timeStamp": stamp,
            "sign": self.client.sign([appid, stamp, nonce, prepay_id]),
        }
        as_page = {**invoke, "sign": self.client.sign([appid, stamp, nonce, f"prepay_id={prepay_id}"])}
        expect(self.opened(number, as_page, "sign")[0], 401)
        expect(self.opened(number, invoke, "sign")[0], 200)

    def mini(self) -> None:
        number, appid, openid = fresh("mini"), self.credentials["mini_appid"], "oUpF8uMuAJO_M2pxb1Q9zNjWeS6p"
        answer = self.pay_with(self.client, number, pay_type=self.kinds.MINIPROG, appid=appid, payer={"openid": openid})
        stamp, nonce, package = str(int(time.time())), uuid.uuid4().hex, "prepay_id=" + self.ok(answer)["prepay_id"]
        invoke = {"appId": appid, "timeStamp": stamp, "nonceStr": nonce, "package": package, "signType": "RSA"}
        other = {**invoke, "appId": self.credentials["appid"]}
        other["paySign"] = self.client.sign([other["appId"], stamp, nonce, package])
        expect(self.opened(number, other, "paySign")[0], 400)
        invoke["paySign"] = self.client.sign([appid, stamp, nonce, package])
        status, trade = self.opened(number, invoke, "paySign")
        expect((status, trade["appid"], trade["payer"]), (200, appid, {"openid": openid}))

    def scan(self, client: Any, number: str, fen: int = 1230, **more: Any) -> tuple[int, Any]:
        code = self.post("/codes", platform="wechatpay")[1]["auth_code"]
        payer = {"auth_code": code}
        return self.pay_with(client, number, fen, pay_type=self.kinds.CODEPAY, payer=payer, scene_info=TILL, **more)

    def codepay(self) -> None:
        number = fresh("code")
        expect(self.ok(self.scan(self.client, number))["trade_state"], "SUCCESS")
        expect(self.ok(self.client.query(out_trade_no=number))["trade_type"], "MICROPAY")
        used = {"auth_code": "284567890123456789"}
        answer = self.pay_with(self.client, fresh("code"), pay_type=self.kinds.CODEPAY, payer=used, scene_info=TILL)
        self.refused(answer, 400, "AUTH_CODE_INVALID")
        expect(self.ok(self.client.codepay_reverse(number))["out_trade_no"], number)
        expect(self.ok(self.client.query(out_trade_no=number))["trade_state"], "REVOKED")
        self.refused(self.client.codepay_reverse(fresh("never")), 404, "ORDER_NOT_EXIST")

    def codepay_with_password(self) -> None:
        number = fresh("password")
        expect(self.ok(self.scan(self.client, number, PASSWORD_FEN))["trade_state"], "USERPAYING")
        self.post("/clock/advance", seconds=61)
        expect(self.ok(self.client.query(out_trade_no=number))["trade_state"], "SUCCESS")

    def parts(self, number: str) -> list[dict[str, Any]]:
        return [
            {
                "mchid": self.credentials["mchid"],
                "out_trade_no": f"{number[:29]}-{n}",
                "attach": "分店",
                "description": "小面包",
                "amount": {"total_amount": n * 100, "currency": "CNY"},
            }
            for n in (1, 2)
        ]

    def combine(self) -> None:
        number = fresh("combine")
        parts = self.parts(number)
        made = self.ok(self.client.combine_pay(number, parts, pay_type=self.kinds.NATIVE))
        expect(made["code_url"][:9], "weixin://")
        self.notices.clear()
        self.paid(number)
        told = self.ok(self.client.combine_query(number))
        expect([part["trade_state"] for part in told["sub_orders"]], ["SUCCESS", "SUCCESS"])
        [(verified, content)] = self.notices
        expect((verified, content["event_type"], content["resource"]), (True, "TRANSACTION.SUCCESS", told))
        other = fresh("combine")
        self.ok(self.client.combine_pay(other, self.parts(other), pay_type=self.kinds.NATIVE))
        named = [{"mchid": part["mchid"], "out_trade_no": part["out_trade_no"]} for part in self.parts(other)]
        self.refused(self.client.combine_close(other, named[:1]), 400, "INVALID_REQUEST")
        expect(self.client.combine_close(other, named)[0], 204)

    def service_provider(self) -> None:
        number, sub_mchid = fresh("partner"), self.more["sub_mchid"]
        made = self.ok(self.pay_with(self.partner, number, pay_type=self.kinds.NATIVE, sub_mchid=sub_mchid))
        expect(made["code_url"][:9], "weixin://")
        self.notices.clear()
        self.paid(number)
        told = self.ok(self.partner.query(out_trade_no=number, sub_mchid=sub_mchid))
        expect((told["sp_mchid"], told["sub_mchid"]), (self.credentials["mchid"], sub_mchid))
        [(verified, content)] = self.notices
        expect((verified, content["resource"]), (True, told))
        self.refused(self.client.query(out_trade_no=number), 404, "ORDER_NOT_EXIST")
        for stranger in (self.credentials["mchid"], "1900000001"):
            self.refused(self.partner.query(out_trade_no=number, sub_mchid=stranger), 403, "NO_AUTH")
        amount = {"refund": 230, "total": 1230, "currency": "CNY"}
        refund_no = fresh("refund")
        self.ok(self.partner.refund(refund_no, amount, out_trade_no=number, sub_mchid=sub_mchid))
        expect(self.ok(self.partner.query_refund(refund_no, sub_mchid=sub_mchid))["amount"]["refund"], 230)
        unpaid = fresh("partner")
        self.ok(self.pay_with(self.partner, unpaid, pay_type=self.kinds.NATIVE, sub_mchid=sub_mchid))
        expect(self.partner.close(unpaid, sub_mchid=sub_mchid)[0], 204)
        till = fresh("partner")
        expect(self.ok(self.scan(self.partner, till, sub_mchid=sub_mchid))["trade_state"], "SUCCESS")
        expect(self.ok(self.partner.codepay_reverse(till, sub_mchid=sub_mchid))["sub_mchid"], sub_mchid)

    def sharing(self) -> None:
        self.share_out(self.client, {})

    def sharing_for_another(self) -> None:
        self.share_out(self.partner, {"sub_mchid": self.more["sub_mchid"]})

    def share_out(self, client: Any, sub: dict[str, str]) -> None:
        number, share_no, return_no = fresh("shared"), fresh("share"), fresh("return")
        settle = {"profit_sharing": True}
        self.ok(self.pay_with(client, number, SHARED_FEN, pay_type=self.kinds.NATIVE, settle_info=settle, **sub))
        self.paid(number)
        order_id = self.ok(client.query(out_trade_no=number, **sub))["transaction_id"]
        receivers = [{"type": "MERCHANT_ID", "account": "86693852", "amount": 888, "description": "分给商户A"}]
        early = client.profitsharing_order(order_id, share_no, receivers, False, **sub)
        self.refused(early, 400, "INVALID_REQUEST")
        self.post("/clock/advance", seconds=61)
        unknown = client.profitsharing_order(order_id, share_no, receivers, False, **sub)
        self.refused(unknown, 400, "INVALID_REQUEST")
        added = client.profitsharing_add_receiver("MERCHANT_ID", "86693852", "DISTRIBUTOR", name="商户A", **sub)
        expect(self.ok(added)["account"], "86693852")
        expect(self.unsplit(client, order_id), SHARED_FEN - FEE_FEN)
        told = self.ok(client.profitsharing_order(order_id, share_no, receivers, False, **sub))
        expect(told["state"], "PROCESSING")
        self.post("/clock/advance", seconds=5)
        told = self.ok(client.profitsharing_order_query(order_id, share_no, **sub))
        expect((told["state"], [line["result"] for line in told["receivers"]]), ("FINISHED", ["SUCCESS"]))
        expect(self.unsplit(client, order_id), SHARED_FEN - FEE_FEN - 888)
        beyond = [{**receivers[0], "amount": SHARED_FEN * 3 // 10}]
        self.refused(client.profitsharing_order(order_id, fresh("share"), beyond, False, **sub), 403, "RULE_LIMIT")
        back = client.profitsharing_return(return_no, "86693852", 88, "用户退款", out_order_no=share_no, **sub)
        expect(self.ok(back)["result"], "SUCCESS")
        again = self.ok(client.profitsharing_return_query(share_no, return_no, **sub))
        expect((again["result"], again["amount"]), ("SUCCESS", 88))
        end = client.profitsharing_unfreeze(order_id, fresh("end"), "解冻全部剩余资金", **sub)
        expect(self.ok(end)["state"], "PROCESSING")
        self.post("/clock/advance", seconds=5)
        expect(self.unsplit(client, order_id), 0)
        late = client.profitsharing_order(order_id, fresh("share"), receivers, False, **sub)
        self.refused(late, 400, "INVALID_REQUEST")
        deleted = client.profitsharing_delete_receiver("MERCHANT_ID", "86693852", **sub)
        expect(self.ok(deleted)["account"], "86693852")

    def unsplit(self, client: Any, order_id: str) -> int:
        return int(self.ok(client.profitsharing_amount_query(order_id))["unsplit_amount"])

    def abnormal_refund(self) -> None:
        number, refund_no = fresh("abnormal"), fresh("refund")
        self.ok(self.pay_with(self.client, number, pay_type=self.kinds.NATIVE))
        self.paid(number)
        self.put("/faults", [{"platform": "wechatpay", "kind": "refund_stuck", "seconds": 1}])
        amount = {"refund": 230, "total": 1230, "currency": "CNY"}
        refund = self.ok(self.client.refund(refund_no, amount, out_trade_no=number))
        self.put("/faults", [])
        self.notices.clear()
        self.post("/clock/advance", seconds=2)
        expect(self.ok(self.client.query_refund(refund_no))["status"], "ABNORMAL")
        [(verified, content)] = self.notices
        expect((verified, content["event_type"]), (True, "REFUND.ABNORMAL"))
        sent = self.client.abnormal_refund(refund["refund_id"], refund_no, "USER_BANK_CARD", **CARD)
        expect(self.ok(sent)["status"], "PROCESSING")
        self.post("/clock/advance", seconds=5)
        told = self.ok(self.client.query_refund(refund_no))
        expect((told["status"], told["user_received_account"][-4:]), ("SUCCESS", "5678"))

    def bills(self) -> None:
        """The bill of a day: asked for, fetched, and the digest that was named is the unpacked file's."""
        number = fresh("bill")
        self.ok(self.pay_with(self.client, number, pay_type=self.kinds.NATIVE))
        self.paid(number)
        day = self.ok(self.client.query(out_trade_no=number))["success_time"][:10]
        self.refused(self.client.trade_bill(day), 400, "INVALID_REQUEST")
        expect(self.post("/clock/advance", seconds=UNTIL_A_BILL_S)[0], 200)
        told = self.ok(self.client.trade_bill(day))
        status, packed = self.client.download_bill(told["download_url"])
        plain = gzip.decompress(packed)
        digest = hashlib.sha1(plain).hexdigest()
        expect((status, told["hash_type"], told["hash_value"]), (200, "SHA1", digest))
        expect(f",`{number},`" in plain.decode(), True)
        self.refused(self.client.trade_bill("2019-06-11"), 400, "INVALID_REQUEST")

    def wrong_notice_key(self) -> None:
        """A notice that another APIv3 key sealed does not open, whoever signed it."""
        number = fresh("sealed")
        self.ok(self.pay_with(self.client, number, pay_type=self.kinds.NATIVE))
        self.notices.clear()
        self.paid(number)
        [(verified, _)] = self.notices
        expect(verified, True)
        headers, body = self.last_notice()
        try:
            opened = self.client_with(apiv3_key="0" * 32).callback(headers, body)
        except Exception:  # noqa: BLE001 (whatever the SDK raises is its way to say no)
            return
        if opened:
            raise Disagreement("another key opened the notice")


#: In the order in which they run.
CHECKS = (
    "app",
    "mini",
    "codepay",
    "codepay_with_password",
    "combine",
    "service_provider",
    "sharing",
    "sharing_for_another",
    "abnormal_refund",
    "wrong_notice_key",
    "bills",
)
