"""Runs in the judge's own environment: the unmodified SDK ``wechatpy`` drives the simulated official account."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from typing import Any

import shims
import verdicts
from verdicts import Disagreement, expect
from wechatpy.exceptions import WeChatClientException

PAGE = "http://shop.example/u/shop?from=singlemessage&isappinstalled=0"
APIS = ["updateAppMessageShareData", "updateTimelineShareData"]


class Judge:
    """A client of the SDK, and the simulated phone."""

    def __init__(self, setting: dict[str, Any]) -> None:
        self.base_url = setting["platform"]["base_url"]
        self.credentials = setting["platform"]["credentials"]
        self.client = self.client_with(self.credentials["app_secret"])

    def client_with(self, secret: str) -> Any:
        return shims.wechatpy_account_client(self.base_url, self.credentials["appid"], secret)

    def configured(self, ticket: str, *, signed: str = PAGE, seen: str = PAGE, **changes: Any) -> str:
        """What the phone says to a page at ``seen`` that was signed by the SDK for ``signed``."""
        nonce, at = "Wm3WZYTPz0wzccnW", int(time.time())
        config = {
            "appId": self.credentials["appid"],
            "timestamp": at,
            "nonceStr": nonce,
            "signature": self.client.jsapi.get_jsapi_signature(nonce, ticket, at, signed),
            "jsApiList": APIS,
            **changes,
        }
        body = json.dumps({"config": config, "url": seen}).encode()
        request = urllib.request.Request(self.base_url + "/phone/config", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)["errMsg"]

    # The checks, in order.

    def account_token(self) -> None:
        told = self.client.fetch_access_token()
        expect((bool(told["access_token"]), told["expires_in"]), (True, 7200))
        expect(self.client.access_token, told["access_token"])

    def account_ticket(self) -> None:
        told = self.client.jsapi.get_ticket()
        expect((told["errcode"], told["expires_in"] > 7000), (0, True))
        expect(self.client.jsapi.get_jsapi_ticket(), told["ticket"])

    def account_signature(self) -> None:
        ticket = self.client.jsapi.get_jsapi_ticket()
        expect(self.configured(ticket), "config:ok")
        expect(self.configured(ticket, seen=PAGE + "#top"), "config:ok")

    def account_wrong_pages(self) -> None:
        ticket = self.client.jsapi.get_jsapi_ticket()
        wrong = "config:fail, invalid signature"
        expect(self.configured(ticket, seen=PAGE + "&x=1"), wrong)
        expect(self.configured(ticket, nonceStr="Wm3WZYTPz0wzccnX"), wrong)
        expect(self.configured(ticket, timestamp=int(time.time()) - 1), wrong)
        expect(self.configured("another" + ticket), wrong)
        expect(self.configured(ticket, appId="wx0000000000000000"), "config:fail, invalid appid")

    def account_wrong_secret(self) -> None:
        try:
            told = self.client_with("0" * 32).jsapi.get_ticket()
        except WeChatClientException as error:
            expect(error.errcode, 40125)
        else:
            raise Disagreement(f"not refused: {told}")


def main() -> int:
    setting = json.load(sys.stdin)
    judge = Judge(setting)
    names = ("account_token", "account_ticket", "account_signature", "account_wrong_pages", "account_wrong_secret")
    return verdicts.run([(name, getattr(judge, name)) for name in names], stop_at_first=setting["stop_at_first"])


if __name__ == "__main__":
    sys.exit(main())
