"""WeChat Pay's port: routes a request, verifies its signature, answers signed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Final

from hutong_sandbox.http import HttpRequest, HttpResponse, Json, json_response
from hutong_sandbox.wechatpay import signing
from hutong_sandbox.wechatpay.accounts import Account, Keyring
from hutong_sandbox.wechatpay.calls import NAME, Answer, Call, Calls, Route, strike
from hutong_sandbox.wechatpay.errors import WireError
from hutong_sandbox.wechatpay.oauth import AUTHORISE_PATH, SESSION_PATH, TOKEN_PATH, OAuth
from hutong_sandbox.wechatpay.older import OlderApi
from hutong_sandbox.wechatpay.trades import wire_time
from hutong_sandbox.world import World

SLOW_S: Final = 1


class CertificateCalls:
    """The platform's certificates, sealed for who asks."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def routes(self) -> list[Route]:
        """The address."""
        return [("GET", "/v3/certificates", self._certificates)]

    async def _certificates(self, call: Call) -> Answer:
        rows = [
            {
                "serial_no": certificate.serial_no,
                "effective_time": wire_time(certificate.effective_at),
                "expire_time": wire_time(certificate.expires_at),
                "encrypt_certificate": signing.sealed(call.account.api_v3_key, certificate.pem.encode(), "certificate"),
            }
            for certificate in self._keyring.certificates
        ]
        return 200, {"data": rows}


class Gateway:
    """Every address of the platform's port."""

    def __init__(self, world: World, keyring: Keyring, oauth: OAuth, older: OlderApi, groups: Sequence[Calls]) -> None:
        self._world = world
        self._keyring = keyring
        self._oauth = oauth
        self._older = older
        routes = [route for group in (CertificateCalls(keyring), *groups) for route in group.routes()]
        self._routes = [(method, re.compile(path), endpoint) for method, path, endpoint in routes]

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer any request."""
        if request.method == "GET" and request.path == AUTHORISE_PATH:
            return self._oauth.authorise(request)
        if request.method == "GET" and request.path == TOKEN_PATH:
            return self._oauth.exchange(request)
        if request.method == "GET" and request.path == SESSION_PATH:
            return self._oauth.session(request)
        if self._older.takes(request):
            return self._older.handle(request)
        account: Account | None = None
        value: Json | bytes | None
        try:
            account = self._keyring.authenticate(request)
            await self._break_down(request)
            status, value = await self._work(account, request)
        except WireError as error:
            self._world.events.add(NAME, "refused", path=request.path, code=error.code)
            status, value = error.status, error.body()
            if error.code == "SIGN_ERROR":
                account = None
        if isinstance(value, bytes):
            return HttpResponse(status=status, body=value, headers={"Content-Type": "text/plain"})
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
        if rule := strike(self._world, "slow", request.path):
            await asyncio.sleep(SLOW_S if rule.seconds is None else rule.seconds)
        if strike(self._world, "certificate_rotated", request.path):
            self._keyring.rotate()
        if strike(self._world, "server_error", request.path):
            raise WireError("SYSTEM_ERROR", "系统异常，请用相同参数重新调用")
        if strike(self._world, "rate_limited", request.path):
            raise WireError("FREQUENCY_LIMITED", "频率超限")

    async def _work(self, account: Account, request: HttpRequest) -> Answer:
        for method, path, endpoint in self._routes:
            match = path.fullmatch(request.path)
            if match and method == request.method:
                return await endpoint(Call(account=account, request=request, match=match))
        raise WireError("RESOURCE_NOT_EXISTS", "请求的资源不存在")
