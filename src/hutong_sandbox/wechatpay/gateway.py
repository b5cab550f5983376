"""WeChat Pay's port: routes a request, verifies its signature, answers signed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Final

from hutong_sandbox.http import HttpRequest, HttpResponse, Json, Unanswered, json_response
from hutong_sandbox.wechatpay import fields, signing
from hutong_sandbox.wechatpay.accounts import Account, Keyring
from hutong_sandbox.wechatpay.errors import WireError
from hutong_sandbox.wechatpay.notices import Notices
from hutong_sandbox.wechatpay.oauth import AUTHORISE_PATH, TOKEN_PATH, OAuth
from hutong_sandbox.wechatpay.refunds import SETTLE_S, STUCK_S, Refund, RefundEvent, Refunds
from hutong_sandbox.wechatpay.trades import Trades, wire_time
from hutong_sandbox.world import World

SLOW_S: Final = 1
_TRANSACTIONS: Final = "/v3/pay/transactions"
_REFUNDS: Final = "/v3/refund/domestic/refunds"
_NAME: Final = "wechatpay"

Answer = tuple[int, Json | None]
Endpoint = Callable[[Account, HttpRequest, re.Match[str]], Awaitable[Answer]]


class Gateway:
    """Every address of the platform's port."""

    def __init__(
        self, world: World, keyring: Keyring, trades: Trades, refunds: Refunds, notices: Notices, oauth: OAuth
    ) -> None:
        self._world = world
        self._keyring = keyring
        self._trades = trades
        self._refunds = refunds
        self._notices = notices
        self._oauth = oauth
        self.base_url = ""
        routes: list[tuple[str, str, Endpoint]] = [
            ("GET", "/v3/certificates", self._certificates),
            ("POST", f"{_TRANSACTIONS}/(jsapi|native|h5)", self._create),
            ("GET", f"{_TRANSACTIONS}/id/([^/]+)", self._query_by_id),
            ("GET", f"{_TRANSACTIONS}/out-trade-no/([^/]+)", self._query),
            ("POST", f"{_TRANSACTIONS}/out-trade-no/([^/]+)/close", self._close),
            ("POST", _REFUNDS, self._refund),
            ("GET", f"{_REFUNDS}/([^/]+)", self._query_refund),
        ]
        self._routes = [(method, re.compile(path), endpoint) for method, path, endpoint in routes]

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer any request."""
        if request.method == "GET" and request.path == AUTHORISE_PATH:
            return self._oauth.authorise(request)
        if request.method == "GET" and request.path == TOKEN_PATH:
            return self._oauth.exchange(request)
        account: Account | None = None
        try:
            account = self._keyring.authenticate(request)
            await self._break_down(request)
            status, value = await self._work(account, request)
        except WireError as error:
            self._world.events.add(_NAME, "refused", path=request.path, code=error.code)
            status, value = error.status, error.body()
            if error.code == "SIGN_ERROR":
                account = None
        return self._signed(account, request, status, value)

    def _signed(self, account: Account | None, request: HttpRequest, status: int, value: Json | None) -> HttpResponse:
        request_id = {"Request-ID": signing.fresh_nonce()}
        answer = json_response(status, value, **request_id)
        if value is None:
            answer = HttpResponse(status=status, headers=request_id)
        if account is None:
            return answer
        signed = self._keyring.headers(account, request.headers.get("wechatpay-serial", ""), answer.body)
        return HttpResponse(status=status, body=answer.body, headers={**answer.headers, **signed})

    async def _break_down(self, request: HttpRequest) -> None:
        faults = self._world.faults
        if rule := faults.strike(_NAME, "slow", request.path):
            await asyncio.sleep(SLOW_S if rule.seconds is None else rule.seconds)
        if faults.strike(_NAME, "server_error", request.path):
            raise WireError("SYSTEM_ERROR", "系统异常，请用相同参数重新调用")
        if faults.strike(_NAME, "rate_limited", request.path):
            raise WireError("FREQUENCY_LIMITED", "频率超限")

    async def _work(self, account: Account, request: HttpRequest) -> Answer:
        for method, path, endpoint in self._routes:
            match = path.fullmatch(request.path)
            if match and method == request.method:
                return await endpoint(account, request, match)
        raise WireError("RESOURCE_NOT_EXISTS", "请求的资源不存在")

    async def _certificates(self, account: Account, _request: HttpRequest, _match: re.Match[str]) -> Answer:
        rows = [
            {
                "serial_no": certificate.serial_no,
                "effective_time": wire_time(certificate.effective_at),
                "expire_time": wire_time(certificate.expires_at),
                "encrypt_certificate": signing.sealed(account.api_v3_key, certificate.pem.encode(), "certificate"),
            }
            for certificate in self._keyring.certificates
        ]
        return 200, {"data": rows}

    async def _create(self, account: Account, request: HttpRequest, match: re.Match[str]) -> Answer:
        method = match[1]
        order = fields.read_order(method, account, request.body, self._world.clock.now())
        if order.openid and not self._world.buyers.belongs(account.appid, order.openid):
            raise WireError("PARAM_ERROR", "无效的openid")
        trade, prepay_id = self._trades.open(account, order, request.headers.get("wechatpay-serial", ""))
        if self._world.faults.strike(_NAME, "create_timeout", order.out_trade_no):
            raise Unanswered
        if method == "native":
            return 200, {"code_url": trade.code_url}
        if method == "h5":
            return 200, {"h5_url": f"{self.base_url}/cgi-bin/mmpayweb-bin/checkmweb?prepay_id={prepay_id}&package=0"}
        return 200, {"prepay_id": prepay_id}

    async def _query(self, account: Account, request: HttpRequest, match: re.Match[str]) -> Answer:
        fields.check_mchid(request.query.get("mchid", ""), account, "query")
        return 200, self._trades.require(account, match[1]).wire()

    async def _query_by_id(self, account: Account, request: HttpRequest, match: re.Match[str]) -> Answer:
        fields.check_mchid(request.query.get("mchid", ""), account, "query")
        trade = self._trades.by_handle(match[1])
        if trade is None or trade.account is not account or trade.transaction_id != match[1]:
            raise WireError("ORDER_NOT_EXIST", "订单不存在")
        return 200, trade.wire()

    async def _close(self, account: Account, request: HttpRequest, match: re.Match[str]) -> Answer:
        mchid = fields.body_of(request.body).text("mchid", limit=32, required=False)
        fields.check_mchid(mchid, account, "body")
        trade = self._trades.require(account, match[1])
        if not trade.paid and self._world.faults.strike(_NAME, "close_race", match[1]):
            return 204, None
        self._trades.close(trade)
        return 204, None

    async def _refund(self, account: Account, request: HttpRequest, _match: re.Match[str]) -> Answer:
        wanted = fields.read_refund(request.body)
        if self._world.faults.strike(_NAME, "not_enough", wanted.out_refund_no):
            raise WireError("NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")
        refund, is_new = self._refunds.open(account, wanted, request.headers.get("wechatpay-serial", ""))
        if is_new:
            stuck = self._world.faults.strike(_NAME, "refund_stuck", wanted.out_refund_no)
            if stuck:
                self._finish_later(refund, RefundEvent.FAIL, STUCK_S if stuck.seconds is None else stuck.seconds)
            else:
                self._finish_later(refund, RefundEvent.SETTLE, SETTLE_S)
        if self._world.faults.strike(_NAME, "refund_timeout", wanted.out_refund_no):
            raise Unanswered
        return 200, refund.wire()

    async def _query_refund(self, account: Account, _request: HttpRequest, match: re.Match[str]) -> Answer:
        return 200, self._refunds.require(account, match[1]).wire()

    def _finish_later(self, refund: Refund, event: RefundEvent, seconds: int) -> None:
        async def finish() -> None:
            self._refunds.finish(refund, event)
            await self._notices.announce_refund(refund)

        self._world.agenda.after(seconds, finish)
