"""Alipay as the control port sees it: credentials, buyers who pay, callbacks on demand, books."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from msgspec import structs

from hutong.core.errors import InvalidInput, InvalidSignature, NotFound
from hutong_sandbox.alipay import cashier
from hutong_sandbox.alipay.accounts import Keyring
from hutong_sandbox.alipay.bills import DOWNLOAD_PATH, BillDesk
from hutong_sandbox.alipay.buyers import Users
from hutong_sandbox.alipay.errors import WireError
from hutong_sandbox.alipay.faults import KINDS
from hutong_sandbox.alipay.gateway import APP, PATH, Gateway
from hutong_sandbox.alipay.methods import Methods
from hutong_sandbox.alipay.notices import Notices
from hutong_sandbox.alipay.oauth import PAGE_PATH, OAuth, buyer_at
from hutong_sandbox.alipay.refunds import Refunds
from hutong_sandbox.alipay.sharing import Sharing
from hutong_sandbox.alipay.trades import Trade, Trades, TradeState
from hutong_sandbox.books import BookRow, fee_back, fee_of
from hutong_sandbox.http import HttpRequest, HttpResponse, Json, json_response
from hutong_sandbox.refusals import TradeNotOpen
from hutong_sandbox.world import DEFAULT_MERCHANT, Platform, World, count_of, text_of

#: Capability -> state of proof. ``judged`` names are covered by tests/conformance/judges.
PROOFS: Final = {
    "request signature RSA2, key and certificate mode": "judged",
    "answers signed over the raw object": "judged",
    "app_cert_sn, alipay_root_cert_sn": "judged",
    "precreate, create, pay, query, cancel, close, refund and its query: calls and states": "judged",
    "payment and refund notices: signature": "judged",
    "settle, royalty relations: calls": "judged",
    "field names of orders, refunds, shares and notices (published field lists)": "simulated",
    "trade bills: asked for, address": "judged",
    "trade bills: archive, columns, sums, faults of F14 (documents and public samples)": "simulated",
    "auth_base sign-in, of pages and mini-programs": "simulated",
    "notice retry schedule": "simulated",
    "a timestamp that is no time is isv.invalid-timestamp": "judged",
    "an old timestamp is taken: no limit is documented": "unverified",
    "error codes": "unverified",
    "cancel of a precreated order that nobody scanned leaves its code good": "unverified",
    "bills are made at nine; a reversal stands in a bill as a refund without a number": "unverified",
    "no notice of a reversal": "unverified",
    "a pure return of shares is a refund of 0.00": "unverified",
    "notify_time and signature are fresh with each repetition": "unverified",
    "fee comes back pro rata": "unverified",
}


class Alipay(Platform):
    """The simulated platform."""

    name = "alipay"
    fault_kinds = KINDS

    def __init__(self, world: World) -> None:
        self._world = world
        self.keyring = Keyring(world)
        self.users = Users(world)
        self.trades = Trades(world)
        self.sharing = Sharing(world, self.trades)
        self.refunds = Refunds(world, self.trades, self.sharing)
        self.notices = Notices(world, self.keyring)
        self.oauth = OAuth(world, self.keyring, self.users)
        self.bills = BillDesk(world, self.trades, self.refunds)
        self.methods = Methods(world, self.users, self.trades, self.refunds, self.sharing, self.notices, self.bills)
        self.gateway = Gateway(world, self.keyring, self.trades, self.methods, self.oauth)
        self.trades.on_end = self.notices.announce

    def credentials(self, merchant: str) -> Json:
        """The app's credentials, in both modes."""
        return self.keyring.credentials(self.keyring.account(merchant))

    def place(self, base_url: str) -> None:
        """The gateway never names itself; an answer names where the file of a bill is."""
        self.bills.url = base_url

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer on the platform's own port."""
        if request.path == PATH:
            return await self.gateway.handle(request)
        if request.path == PAGE_PATH and request.method == "GET":
            return self.oauth.authorise(request)
        if request.path == DOWNLOAD_PATH and request.method == "GET":
            return self.bills.download(request)
        if request.path == cashier.PAY_PATH and request.method == "POST":
            return await self._pressed(request)
        return json_response(404, {"code": "NOT_FOUND"})

    def bridge(self, control_url: str) -> HttpResponse:
        """The script that Alipay puts into pages."""
        return cashier.bridge_script(control_url)

    async def pay_invoked(self, invoke: object) -> Json:
        """Pay what a page handed to ``tradePay``."""
        if not isinstance(invoke, dict):
            raise InvalidInput(field="invoke", problem="object expected")
        if "orderStr" in invoke:
            return await self.pay({"order_string": invoke["orderStr"]})
        return await self.pay({"trade_no": text_of(invoke, "tradeNO")})

    async def pay(self, order: Json) -> Json:
        """Pay as a buyer: scan a code, follow a link, type the password of a charge; then let the notice go out."""
        trade = self._find(order)
        buyer_id = trade.buyer_id or self.users.user_id(count_of(order, "buyer", 1))
        self.trades.arrive(trade, buyer_id)
        if trade.state is not TradeState.WAIT_BUYER_PAY:
            raise TradeNotOpen(order=trade.order.out_trade_no, state=trade.state.value)
        if paid_fen := count_of(order, "paid_fen", 0):
            trade.order = structs.replace(trade.order, total_fen=paid_fen)
        if given_back_fen := count_of(order, "given_back_fen", 0):
            self.trades.pay(trade, buyer_id)
            self.notices.hold_payment(trade)
            await self.notices.announce_refund(self.refunds.give_back(trade, given_back_fen))
        else:
            await self.methods.capture(trade, buyer_id)
        return trade.wire()

    def show_code(self, which: Json) -> Json:
        """A fresh payment code of a ``buyer``."""
        code, until = self.users.show_code(count_of(which, "buyer", 1))
        return {"auth_code": code, "expires_at": until.isoformat()}

    def log_in(self, which: Json) -> Json:
        """What ``my.getAuthCode`` gives a merchant's mini-program on a buyer's phone."""
        account = self.keyring.account(str(which.get("merchant", DEFAULT_MERCHANT)))
        return {"login_code": self.oauth.log_in(account, count_of(which, "buyer", 1))}

    async def replay(self, which: Json) -> Json:
        """Send the last delivered callback of an order again."""
        return await self.notices.replay(self._find(which))

    async def tamper(self, which: Json) -> Json:
        """Send a callback that must not be believed."""
        return await self.notices.tamper(self._find(which), text_of(which, "change"))

    def rotate(self) -> Json:
        """Sign with a new certificate, for apps in certificate mode."""
        return {"alipay_cert_sn": self.keyring.rotate().sn}

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
            )
            for trade in self.trades.all()
            if trade.paid
        ]

    def proofs(self) -> dict[str, str]:
        """How far each capability is proved."""
        return dict(PROOFS)

    def reset(self) -> None:
        """Forget orders, refunds, shares, notices and codes."""
        for part in (self.users, self.trades, self.sharing, self.refunds, self.notices, self.oauth, self.bills):
            part.clear()

    async def _pressed(self, request: HttpRequest) -> HttpResponse:
        """The buyer presses the cash desk's button."""
        trade = self.trades.by_handle(request.query.get("trade_no", ""))
        if trade is None:
            return cashier.refused("订单不存在")
        if trade.state is TradeState.WAIT_BUYER_PAY:
            await self.methods.capture(trade, trade.buyer_id or self.users.user_id(buyer_at(request)))
        return cashier.back_to_shop(self._world, self.keyring, trade)

    def _find(self, which: Json) -> Trade:
        """The order that a control request means, by any of its handles."""
        for field in ("code_url", "trade_no"):
            if field in which:
                trade = self.trades.by_handle(text_of(which, field))
                if trade is None:
                    raise NotFound(what=field, key=text_of(which, field))
                if field == "code_url" and not trade.exists and trade.expires_at() <= self._world.clock.now():
                    raise InvalidInput(field=field, problem="expired")
                return trade
        if "order_string" in which:
            return self._begun(text_of(which, "order_string"))
        code = which.get("auth_code")
        out_trade_no = self.users.charged_for(text_of(which, "auth_code")) if code else text_of(which, "out_trade_no")
        merchant, app_id = which.get("merchant"), which.get("app_id")
        found = [
            trade
            for trade in self.trades.numbered(out_trade_no)
            if merchant in (None, trade.account.merchant) and app_id in (None, trade.account.app_id)
        ]
        if not found:
            raise NotFound(what="order", key=out_trade_no)
        if len(found) > 1:
            raise InvalidInput(field="merchant", problem=f"{len(found)} merchants have this order number")
        return found[0]

    def _begun(self, order_string: str) -> Trade:
        """What Alipay's SDK in an app does with an order text: check the signature, open the order."""
        parameters = dict(parse_qsl(order_string, keep_blank_values=True))
        if parameters.get("method") != APP:
            raise InvalidInput(field="order_string", problem="method")
        try:
            return self.gateway.begin(parameters, "app")
        except WireError as error:
            if error.sub_code == "isv.invalid-signature":
                raise InvalidSignature from error
            raise InvalidInput(field="order_string", problem=error.sub_code) from error
