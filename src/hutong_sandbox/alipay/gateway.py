"""Alipay's port: one address for every method, verified and answered signed."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from hutong_sandbox.alipay import cashier
from hutong_sandbox.alipay.accounts import Account, Keyring
from hutong_sandbox.alipay.errors import WireError
from hutong_sandbox.alipay.fields import content_of, read_order
from hutong_sandbox.alipay.methods import Call, Methods, done
from hutong_sandbox.alipay.oauth import OAuth
from hutong_sandbox.alipay.trades import Trade, Trades
from hutong_sandbox.http import HttpRequest, HttpResponse, Json
from hutong_sandbox.world import World

PATH: Final = "/gateway.do"
SLOW_S: Final = 1
DOWNLOAD_METHOD: Final = "alipay.open.app.alipaycert.download"
TOKEN_METHOD: Final = "alipay.system.oauth.token"  # noqa: S105 (a method, no secret)
#: Methods that a browser opens: they answer with the cash desk.
PAGES: Final = {"alipay.trade.wap.pay": "wap", "alipay.trade.page.pay": "page"}
APP: Final = "alipay.trade.app.pay"
_NAME: Final = "alipay"

Handler = Callable[[Call], Awaitable[Json]]


class Gateway:
    """Everything behind ``/gateway.do``."""

    def __init__(self, world: World, keyring: Keyring, trades: Trades, methods: Methods, oauth: OAuth) -> None:
        self._world = world
        self._keyring = keyring
        self._trades = trades
        self._oauth = oauth
        self._handlers: dict[str, Handler] = {
            **methods.table(),
            TOKEN_METHOD: self._token,
            DOWNLOAD_METHOD: self._certificate,
        }

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer any request to the gateway."""
        parameters = parameters_of(request)
        method = parameters.get("method", "")
        if method in PAGES:
            try:
                return cashier.desk(self.begin(parameters, PAGES[method]))
            except WireError as error:
                return cashier.refused(f"{error.sub_msg} ({error.sub_code})")
        account: Account | None = None
        try:
            account = self._keyring.authenticate(parameters)
            await self._break_down(method)
            handler = self._handlers.get(method)
            if handler is None:
                raise WireError("isv.invalid-method", "不存在的方法名", "40002")
            content = await handler(Call(account=account, method=method, parameters=parameters))
        except WireError as error:
            self._world.events.add(_NAME, "refused", method=method, code=error.sub_code)
            account = account or self._keyring.by_app_id(parameters.get("app_id", ""))
            content = error.content()
        by_certificate = bool(parameters.get("app_cert_sn"))
        encoded = msgspec.json.encode(content)
        body = self._keyring.answer(account, method or "error", encoded, by_certificate=by_certificate)
        return HttpResponse(status=200, body=body, headers={"Content-Type": "text/html;charset=utf-8"})

    def begin(self, parameters: dict[str, str], kind: str) -> Trade:
        """The order of a signed link or order text, which begins when the buyer brings it.

        Raises:
            WireError: it is not rightly signed, or there can be no such order.
        """
        account = self._keyring.authenticate(parameters)
        order = read_order(kind, content_of(parameters), parameters, self._world.clock.now())
        trade, _ = self._trades.open(account, order, by_certificate=bool(parameters.get("app_cert_sn")))
        return trade

    async def _break_down(self, method: str) -> None:
        faults = self._world.faults
        if rule := faults.strike(_NAME, "slow", method):
            await asyncio.sleep(SLOW_S if rule.seconds is None else rule.seconds)
        if faults.strike(_NAME, "server_error", method):
            raise WireError("isp.unknow-error", "系统繁忙", "20000")
        if faults.strike(_NAME, "rate_limited", method):
            raise WireError("isv.app-call-limited", "应用调用次数超限", "40005")

    async def _certificate(self, call: Call) -> Json:
        """One of Alipay's certificates by its serial, as the Base64 of its file."""
        serial = call.content.text("alipay_cert_sn")
        for certificate in self._keyring.certificates:
            if certificate.sn == serial:
                return done({"alipay_cert_content": base64.b64encode(certificate.pem.encode()).decode()})
        raise WireError("isv.cert-not-exist", "证书不存在", "40002")

    async def _token(self, call: Call) -> Json:
        return self._oauth.exchange(call.account, call.parameters)


def parameters_of(request: HttpRequest) -> dict[str, str]:
    """Query and form together; SDKs put them as they like."""
    form = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    return {**request.query, **dict(form)}
