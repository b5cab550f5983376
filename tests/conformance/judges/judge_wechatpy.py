"""Runs in the judge's own environment: the unmodified SDK ``wechatpy`` drives the simulated WeChat Pay V2.

Its calls sign with MD5; the same client signs and checks HMAC-SHA256 where a message says so.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import shims
import verdicts
from verdicts import Disagreement, expect
from wechatpy.exceptions import WeChatPayException
from wechatpy.pay.utils import calculate_signature_hmac

TOTAL_FEN = 1230
PASSWORD_FEN = 100_001
HMAC = "HMAC-SHA256"


class Judge:
    """Clients of the SDK, and the simulator's control port."""

    def __init__(self, setting: dict[str, Any], folder: Path) -> None:
        self.folder = folder
        self.control = setting["control"]
        self.base_url = setting["platform"]["base_url"]
        self.credentials = setting["platform"]["credentials"]
        self.more = setting["platform"]["more_credentials"]
        self.client = self.client_with()
        self.partner = self.client_with(sub_mch_id=self.more["sub_mchid"])

    def client_with(self, base_url: str = "", **changes: Any) -> Any:
        arguments = {"appid": self.credentials["appid"], "mch_id": self.credentials["mchid"]}
        return shims.wechatpy_client(
            base_url or self.base_url, **{**arguments, "api_key": self.more["api_key"], **changes}
        )

    def showing(self, merchant: str, **changes: Any) -> Any:
        """A client on the encrypted line that shows this merchant's certificate."""
        with urllib.request.urlopen(f"{self.control}/platforms?merchant={merchant}", timeout=20) as answer:
            told = json.load(answer)["wechatpay"]
        shown = {
            "mch_cert": told["more_credentials"]["client_certificate"],
            "mch_key": told["credentials"]["private_key"],
        }
        files = {}
        for name, pem in shown.items():
            file = self.folder / f"{merchant}-{name}.pem"
            file.write_text(pem)
            files[name] = str(file)
        return self.client_with(self.more["line_url"], **files, **changes)

    def post(self, path: str, **body: Any) -> Any:
        request = urllib.request.Request(
            self.control + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def scan(self, client: Any, number: str, fen: int = TOTAL_FEN, **more: Any) -> Any:
        code = more.pop("code", "") or self.post("/codes", platform="wechatpay")["auth_code"]
        told = client.micropay.create("小面包 <&>", fen, code, client_ip="127.0.0.1", out_trade_no=number, **more)
        return self.signed(client, told)

    def signed(self, client: Any, told: Any) -> Any:
        """The answer, once the SDK has checked its signature."""
        expect(client.check_signature(told), True)
        return told

    def refused(self, call: Any, code: str | None) -> None:
        try:
            told = call()
        except WeChatPayException as error:
            expect(error.errcode, code)
            return
        raise Disagreement(f"not refused: {told}")

    # The checks, in order.

    def micropay(self) -> None:
        number = fresh("code")
        told = self.scan(self.client, number, attach="till-1")
        expect((told["total_fee"], told["trade_type"], told["attach"]), (str(TOTAL_FEN), "MICROPAY", "till-1"))
        asked = self.signed(self.client, self.client.micropay.query(out_trade_no=number))
        expect((asked["trade_state"], asked["transaction_id"]), ("SUCCESS", told["transaction_id"]))
        self.refused(lambda: self.scan(self.client, number), "ORDERPAID")
        self.refused(lambda: self.client.micropay.query(out_trade_no=fresh("never")), "ORDERNOTEXIST")

    def codes(self) -> None:
        code = self.post("/codes", platform="wechatpay")["auth_code"]
        self.scan(self.client, fresh("code"), code=code)
        self.refused(lambda: self.scan(self.client, fresh("code"), code=code), "AUTH_CODE_INVALID")
        self.refused(lambda: self.scan(self.client, fresh("code"), code="284567890123456789"), "AUTH_CODE_INVALID")

    def password(self) -> None:
        number = fresh("password")
        self.refused(lambda: self.scan(self.client, number, PASSWORD_FEN), "USERPAYING")
        expect(self.client.micropay.query(out_trade_no=number)["trade_state"], "USERPAYING")
        self.post("/clock/advance", seconds=61)
        expect(self.client.micropay.query(out_trade_no=number)["trade_state"], "SUCCESS")

    def reverse(self) -> None:
        number = fresh("code")
        self.scan(self.client, number)
        client = self.showing("default")
        told = self.signed(client, client.order.reverse(out_trade_no=number))
        expect(told["recall"], "N")
        expect(self.client.micropay.query(out_trade_no=number)["trade_state"], "REVOKED")

    def reverse_unshown(self) -> None:
        """Without the certificate of this very merchant nothing is reversed, on whichever port."""
        number = self.paid()
        for client in (self.client, self.client_with(self.more["line_url"])):
            self.refused(lambda client=client: client.order.reverse(out_trade_no=number), None)
        stranger = self.showing("stranger")
        self.refused(lambda: stranger.order.reverse(out_trade_no=number), None)
        expect(self.client.micropay.query(out_trade_no=number)["trade_state"], "SUCCESS")

    def service_provider(self) -> None:
        number = fresh("partner")
        told = self.scan(self.partner, number)
        expect(told["sub_mch_id"], self.more["sub_mchid"])
        expect(self.partner.micropay.query(out_trade_no=number)["trade_state"], "SUCCESS")
        self.refused(lambda: self.client.micropay.query(out_trade_no=number), "ORDERNOTEXIST")
        stranger = self.client_with(sub_mch_id="1900000001")
        self.refused(lambda: stranger.micropay.query(out_trade_no=number), "NO_AUTH")

    def hmac(self) -> None:
        number = fresh("hmac")
        self.scan(self.client, number)
        data = {"appid": self.credentials["appid"], "out_trade_no": number, "sign_type": HMAC}
        told = dict(self.client.post("pay/orderquery", data=data))
        given = told.pop("sign")
        expect(given, calculate_signature_hmac(told, self.more["api_key"]))

    def wrong_key(self) -> None:
        other = self.client_with(api_key="0" * 32)
        try:
            told = other.micropay.query(out_trade_no=fresh("never"))
        except WeChatPayException as error:
            expect((error.return_code, "签名" in error.return_msg), ("FAIL", True))
        else:
            raise Disagreement(f"not refused: {told}")
        told = self.client.micropay.query(out_trade_no=self.paid())
        expect(other.check_signature(told), False)
        expect(self.client.check_signature({**told, "total_fee": "1"}), False)

    def paid(self) -> str:
        number = fresh("code")
        self.scan(self.client, number)
        return number


def fresh(kind: str) -> str:
    return f"{kind}{uuid.uuid4().hex}"[:32]


def main() -> int:
    setting = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        authority = Path(folder, "authority.pem")
        authority.write_text(setting["platform"]["more_credentials"]["line_authority"])
        os.environ["REQUESTS_CA_BUNDLE"] = str(authority)  # the SDK's HTTP library asks there whom to believe
        judge = Judge(setting, Path(folder))
        names = ("micropay", "codes", "password", "reverse", "reverse_unshown", "service_provider", "hmac", "wrong_key")
        return verdicts.run([(name, getattr(judge, name)) for name in names], stop_at_first=setting["stop_at_first"])


if __name__ == "__main__":
    sys.exit(main())
