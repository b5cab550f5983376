"""The buyer's apps as a test browser plays them: their User-Agents, their bridges, and a count of taps."""

from __future__ import annotations

from dataclasses import dataclass, field

from browser_hub import RunningHub
from playwright.sync_api import Page

WECHAT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Mobile/15E148 MicroMessenger/8.0.60(0x18003c2f) NetType/WIFI Language/zh_CN"
)
ALIPAY = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22G100 "
    "ChannelId(17) Ariver/1.1.0 AliApp(AP/10.8.30.6000) Nebula WK RVKType(0) "
    "AlipayDefined(nt:WIFI,ws:390|780|3.0,ac:ss) AlipayClient/10.8.30.6000 Language/zh-Hans Region/CN "
    "NebulaX/1.0.0 XRiver/10.2.58.1"
)
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; 23127PN0CC) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 "
    "Mobile Safari/537.36"
)
DESK = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
AGENTS = {"wechatpay": WECHAT, "alipay": ALIPAY}
#: The bridges as the two apps offer them to pages; what the buyer decides comes from the test.
BRIDGES = {
    "wechatpay": """
window.WeixinJSBridge = {
  invoke: (name, values, done) =>
    window.walletAsks(name, values).then((said) => done({ err_msg: "get_brand_wcpay_request:" + said })),
};
""",
    "alipay": """
window.AlipayJSBridge = {
  call: (name, values, done) =>
    window.walletAsks(name, values)
      .then((said) => done({ resultCode: { ok: "9000", cancel: "6001", fail: "4000" }[said] })),
};
""",
}


@dataclass
class Wallet:
    """A buyer inside a wallet's app. ``says`` is what happens at the password sheet, the last answer for ever."""

    page: Page
    hub: RunningHub
    platform: str
    says: list[str] = field(default_factory=lambda: ["ok"])
    asked: list[str] = field(default_factory=list)
    taps: int = 0

    def __post_init__(self) -> None:
        self.page.expose_function("walletAsks", self._asks)
        self.page.add_init_script(BRIDGES[self.platform])

    def _asks(self, name: str, values: dict) -> str:
        """The password sheet: from here on the buyer is with the wallet."""
        self.asked.append(name)
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if said == "ok":
            pay = {"platform": self.platform, "out_trade_no": self._number(), "invoke": values}
            self.hub.sandbox("/pay", pay)
        return said

    def _number(self) -> str:
        """Our number of what is being paid: the newest payment that this wallet was opened for."""
        attempts = (one for payment in self.hub.api("/payments") for one in reversed(payment["attempts"]))
        return next(one["out_trade_no"] for one in attempts if one["platform"] == self.platform)

    def scan(self, address: str) -> None:
        """Point the app at a QR: no tap."""
        self.page.goto(address)

    def tap(self, selector: str) -> None:
        """One tap that counts."""
        self.taps += 1
        self.page.tap(selector)

    def type_amount(self, digits: str) -> None:
        """Keys of an amount: they are not taps on the way to the wallet."""
        for digit in digits:
            self.page.tap(f"[data-key='{digit}']")
