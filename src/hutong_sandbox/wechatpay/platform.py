"""WeChat Pay as the control port sees it: credentials, buyers who pay, callbacks on demand, books."""

from __future__ import annotations

import ssl
from typing import Final
from urllib.parse import parse_qs, urlsplit

from msgspec import structs

from hutong.core.errors import InvalidInput, InvalidSignature, NotFound
from hutong_sandbox.books import BookRow, fee_back, fee_of
from hutong_sandbox.http import HttpRequest, HttpResponse, Json
from hutong_sandbox.refusals import TradeNotOpen
from hutong_sandbox.wechatpay import cashier, signing
from hutong_sandbox.wechatpay.accounts import Keyring
from hutong_sandbox.wechatpay.bill_calls import BillCalls
from hutong_sandbox.wechatpay.code_calls import CodeCalls
from hutong_sandbox.wechatpay.codes import CodeDesk
from hutong_sandbox.wechatpay.combine_calls import CombineCalls
from hutong_sandbox.wechatpay.combined import CombinedOrders
from hutong_sandbox.wechatpay.faults import KINDS
from hutong_sandbox.wechatpay.gateway import Gateway
from hutong_sandbox.wechatpay.notices import Notices
from hutong_sandbox.wechatpay.oauth import OAuth
from hutong_sandbox.wechatpay.older import OlderApi
from hutong_sandbox.wechatpay.order_calls import H5_PATH, Address, OrderCalls, invoked_app
from hutong_sandbox.wechatpay.refund_calls import RefundCalls
from hutong_sandbox.wechatpay.refunds import Refunds
from hutong_sandbox.wechatpay.shares import Shares
from hutong_sandbox.wechatpay.sharing_calls import SharingCalls
from hutong_sandbox.wechatpay.trades import H5_LIFE, PREPAY_LIFE, Trade, Trades, TradeState
from hutong_sandbox.world import DEFAULT_MERCHANT, Platform, World, count_of, text_of

PACKAGE_PREFIX: Final = "prepay_id="
APP_PACKAGE: Final = "Sign=WXPay"
#: Stands for the own address where only the query matters.
H5_ANYWHERE: Final = "http://127.0.0.1"

#: Capability -> state of proof. ``judged`` names are covered by tests/conformance/judges.
PROOFS: Final = {
    "request signature, raw path and body": "judged",
    "signed answers, certificate mode": "judged",
    "signed answers, public-key mode": "judged",
    "platform certificates and rotation": "judged",
    "native, jsapi, h5 orders; query, close; refund and its query: calls and states": "judged",
    "app, mini-program, v3 payment codes, combined orders, service providers: calls, states": "judged",
    "abnormal refunds, profit sharing: calls and states, encrypted fields": "judged",
    "payment and refund notices: signature, sealing": "judged",
    "JSAPI paySign": "judged",
    "app sign": "judged",
    "field names of orders, refunds, shares and notices (published field lists)": "simulated",
    "payment codes of V2: XML and its signature with both digests, micropay, orderquery, reverse": "judged",
    "V2 reversal: a client certificate on the line": "judged",
    "rules of profit sharing (official guide)": "simulated",
    "trade bills: asked for, digest, file": "judged",
    "trade bills of type ALL: columns, sums, faults of F14 (documents and public samples)": "simulated",
    "snsapi_base OAuth, a mini-program's login": "simulated",
    "error codes and statuses": "simulated",
    "notice retry schedule": "simulated",
    "bills are made at nine; a refund stands in the bill of the day on which it was asked for": "unverified",
    "close of a closed order is ORDER_CLOSED": "unverified",
    "other pay method under the same number is OUT_TRADE_NO_USED": "unverified",
    "refund settles after seconds, fee comes back pro rata": "unverified",
    "a waiting payment code is 200 USERPAYING in v3; codes of refused charges": "unverified",
    "V2 reversal: what is answered without a certificate, or with another merchant's": "unverified",
    "a refund beyond what is left frozen is NOT_ENOUGH; a share is worked on after seconds": "unverified",
}


class WechatPay(Platform):
    """The simulated platform."""

    name = "wechatpay"
    fault_kinds = KINDS

    def __init__(self, world: World) -> None:
        self._world = world
        self.keyring = Keyring(world)
        self.trades = Trades(world)
        self.refunds = Refunds(world, self.trades)
        self.notices = Notices(world, self.keyring, self.trades)
        self.oauth = OAuth(world, self.keyring)
        self.codes = CodeDesk(world, self.trades)
        self.combined = CombinedOrders(world, self.trades)
        self.shares = Shares(world, self.trades)
        self._address = Address()
        self.bills = BillCalls(world, self.keyring, self.trades, self.refunds, self._address)
        self.gateway = Gateway(
            world,
            self.keyring,
            self.oauth,
            OlderApi(world, self.keyring, self.trades, self.codes),
            (
                OrderCalls(world, self.keyring, self.trades, self._address),
                RefundCalls(world, self.keyring, self.refunds, self.notices),
                CodeCalls(world, self.keyring, self.trades, self.codes),
                CombineCalls(world, self.keyring, self.trades, self.combined, self._address),
                SharingCalls(world, self.keyring, self.shares),
                self.bills,
            ),
        )

    def credentials(self, merchant: str) -> Json:
        """The merchant's credentials; buyers' openids of this app become known."""
        account = self.keyring.account(merchant)
        return self.keyring.credentials(account)

    def more_credentials(self, merchant: str) -> Json:
        """What puts the merchant's account into another mode."""
        return self.keyring.more_credentials(self.keyring.account(merchant))

    def place(self, base_url: str) -> None:
        """Tell the platform its own address."""
        self._address.url = base_url

    def line(self) -> ssl.SSLContext:
        """The port on which merchants show their certificates."""
        return self.keyring.line.context()

    def place_line(self, url: str) -> None:
        """Tell the platform the address of that port."""
        self.keyring.line_url = url

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer on the platform's own port."""
        if request.path == H5_PATH:
            return await self._h5(request)
        return await self.gateway.handle(request)

    def bridge(self, control_url: str) -> HttpResponse:
        """The script that WeChat puts into pages."""
        return cashier.bridge_script(control_url)

    async def pay_invoked(self, invoke: object) -> Json:
        """Pay what a page handed to the bridge."""
        return await self.pay({"invoke": invoke})

    async def pay(self, order: Json) -> Json:
        """Pay as a buyer, through whatever the merchant's page handed out, and let the notice go out."""
        trade = self._find(order)
        buyer = count_of(order, "buyer", 1)
        combined = self.combined.of(trade)
        openid, app = trade.order.openid, trade.order.openid_app
        if combined is not None:
            openid, app = combined.openid, combined.appid
        if "invoke" in order:
            self._check_invoke(trade, order["invoke"])
        if openid and "buyer" in order and openid != self._world.buyers.openid(app, buyer):
            raise InvalidInput(field="buyer", problem="the order is for another openid")
        if trade.state not in (TradeState.NOTPAY, TradeState.USERPAYING):
            raise TradeNotOpen(order=trade.order.out_trade_no, state=trade.state.value)
        if combined is not None:
            self.combined.pay(combined, buyer)
            await self.notices.announce_combined(combined)
            return combined.wire(self._world.buyers)
        if paid_fen := count_of(order, "paid_fen", 0):
            trade.order = structs.replace(trade.order, total_fen=paid_fen)
        self.trades.pay(trade, buyer)
        if given_back_fen := count_of(order, "given_back_fen", 0):
            self.notices.hold_payment(trade)
            await self.notices.announce_refund(self.refunds.give_back(trade, given_back_fen))
        else:
            await self.notices.announce_payment(trade)
        return trade.wire(self._world.buyers)

    def show_code(self, which: Json) -> Json:
        """A fresh payment code of a buyer."""
        auth_code, expires_at = self.codes.show(count_of(which, "buyer", 1))
        return {"auth_code": auth_code, "expires_at": expires_at.isoformat()}

    def log_in(self, which: Json) -> Json:
        """What ``wx.login()`` gives a merchant's mini-program on a buyer's phone."""
        account = self.keyring.account(str(which.get("merchant", DEFAULT_MERCHANT)))
        return {"login_code": self.oauth.log_in(account, count_of(which, "buyer", 1))}

    async def replay(self, which: Json) -> Json:
        """Send the last delivered callback of an order again."""
        trade = self._find(which)
        combined = self.combined.of(trade)
        return await self.notices.replay(trade if combined is None else combined.parts[0])

    async def tamper(self, which: Json) -> Json:
        """Send a callback that must not be believed."""
        return await self.notices.tamper(self._find(which), text_of(which, "change"))

    def rotate(self) -> Json:
        """Sign with the next certificate."""
        return {"serial_no": self.keyring.rotate().serial_no}

    def books(self) -> list[BookRow]:
        """Every paid order, oldest first."""
        return [
            BookRow(
                platform=self.name,
                merchant=trade.account.merchant,
                order_no=trade.order.out_trade_no,
                amount_fen=trade.order.total_fen,
                refunded_fen=trade.refunded_fen,
                status=trade.state.value,
                fee_fen=fee_of(trade.order.total_fen),
                refunded_fee_fen=fee_back(trade.order.total_fen, trade.refunded_fen),
                refunding_fen=trade.refunding_fen,
                shared_fen=trade.shared_fen,
                returned_fen=trade.returned_fen,
                seller=trade.parties.seller.merchant if trade.parties.is_provider else "",
            )
            for trade in self.trades.all()
            if trade.paid_at is not None
        ]

    def proofs(self) -> dict[str, str]:
        """How far each capability is proved."""
        return dict(PROOFS)

    def reset(self) -> None:
        """Forget orders, refunds, notices and codes."""
        self.trades.clear()
        self.refunds.clear()
        self.notices.clear()
        self.oauth.clear()
        self.codes.clear()
        self.combined.clear()
        self.shares.clear()
        self.bills.clear()

    async def _h5(self, request: HttpRequest) -> HttpResponse:
        try:
            trade = self._by_handle("h5_url", f"{H5_ANYWHERE}{request.target}")
        except (NotFound, InvalidInput):
            return HttpResponse(status=404, body="商家参数格式有误，或支付页面已过期".encode())
        if request.method != "POST":
            combined = self.combined.of(trade)
            parts = [trade] if combined is None else combined.parts
            return cashier.h5_page(trade, sum(part.order.total_fen for part in parts))
        if trade.state is TradeState.NOTPAY:
            await self.pay({"out_trade_no": trade.order.out_trade_no, "mchid": trade.account.mchid})
        return cashier.h5_return(request)

    def _find(self, which: Json) -> Trade:
        """The order that a control request means, by any of its handles."""
        if "invoke" in which and "out_trade_no" not in which:
            return self._by_handle("prepay_id", _prepay_id(which["invoke"]))
        for field in ("code_url", "prepay_id", "h5_url"):
            if field in which:
                return self._by_handle(field, text_of(which, field))
        out_trade_no = text_of(which, "out_trade_no")
        combined = self.combined.numbered(out_trade_no)
        if combined is not None:
            return combined.parts[0]
        merchant, mchid = which.get("merchant"), which.get("mchid")
        found = [
            trade
            for trade in self.trades.numbered(out_trade_no)
            if merchant in (None, trade.account.merchant) and mchid in (None, trade.account.mchid)
        ]
        if not found:
            raise NotFound(what="order", key=out_trade_no)
        if len(found) > 1:
            raise InvalidInput(field="merchant", problem=f"{len(found)} merchants have this order number")
        return found[0]

    def _by_handle(self, field: str, value: str) -> Trade:
        handle, life = value, PREPAY_LIFE
        if field == "h5_url":
            handle, life = parse_qs(urlsplit(value).query).get("prepay_id", [""])[0], H5_LIFE
        trade = self.trades.by_handle(handle)
        if trade is None:
            raise NotFound(what=field, key=value)
        opened_at = trade.prepay_ids.get(handle) or max(trade.prepay_ids.values())
        if self._world.clock.now() - opened_at > life:
            raise InvalidInput(field=field, problem="expired")
        return trade

    def _check_invoke(self, trade: Trade, invoke: object) -> None:
        """Do what the WeChat client does before it shows the cashier: check the page's signature."""
        if self._by_handle("prepay_id", _prepay_id(invoke)) is not trade:
            raise InvalidInput(field="invoke", problem="prepay_id of another order")
        assert isinstance(invoke, dict)
        app_id, given = text_of(invoke, "appId"), text_of(invoke, "sign" if "prepayId" in invoke else "paySign")
        combined = self.combined.of(trade)
        account = trade.account if combined is None else combined.account
        if app_id not in invoked_app(trade.parties):
            raise InvalidInput(field="invoke", problem="appId")
        stamp, nonce = text_of(invoke, "timeStamp"), text_of(invoke, "nonceStr")
        if "prepayId" in invoke:
            if text_of(invoke, "packageValue") != APP_PACKAGE:
                raise InvalidInput(field="invoke", problem="packageValue")
            if text_of(invoke, "partnerId") not in (account.mchid, trade.parties.seller.mchid):
                raise InvalidInput(field="invoke", problem="partnerId")
            text = signing.app_invoke_text(app_id, stamp, nonce, text_of(invoke, "prepayId"))
        else:
            if text_of(invoke, "signType") != "RSA":
                raise InvalidInput(field="invoke", problem="signType")
            text = signing.invoke_text(app_id, stamp, nonce, text_of(invoke, "package"))
        if not signing.verifies(account.key.public_key(), given, text):
            raise InvalidSignature


def _prepay_id(invoke: object) -> str:
    """The prepay_id in the parameters of the JavaScript bridge, or of the SDK in a native app."""
    if not isinstance(invoke, dict):
        raise InvalidInput(field="invoke", problem="object expected")
    if "prepayId" in invoke:
        return text_of(invoke, "prepayId")
    package = text_of(invoke, "package")
    if not package.startswith(PACKAGE_PREFIX):
        raise InvalidInput(field="invoke", problem="package")
    return package.removeprefix(PACKAGE_PREFIX)
