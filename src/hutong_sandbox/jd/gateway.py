"""JD's gateway, at its newer and its older address: checks, then the alliance, then two envelopes around its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from hutong_sandbox.drbg import LETTERS
from hutong_sandbox.http import HttpRequest, HttpResponse, Json, Unanswered
from hutong_sandbox.jd import signing
from hutong_sandbox.jd.accounts import Promoters
from hutong_sandbox.jd.calls import Call, business_of
from hutong_sandbox.jd.errors import AllianceRefusal, GatewayRefusal
from hutong_sandbox.jd.methods import NAME, Methods
from hutong_sandbox.jd.orders import CHINA, TIME_FORMAT
from hutong_sandbox.world import World

#: api.jd.com's, and router.jd.com's before it: each has names of its own for what is asked and answered.
NEWER_PATH: Final = "/routerjson"
OLDER_PATH: Final = "/api"
BUSINESS: Final = {NEWER_PATH: "360buy_param_json", OLDER_PATH: "param_json"}
VERSION: Final = "1.0"
#: 京东API服务端允许客户端请求时间误差为6分钟 (help.jd.com/jos/question-569.html).
TIMESTAMP_S_MAX: Final = 360
SLOW_S: Final = 1
#: In this order the gateway complains.
_REQUIRED: Final = (("method", 14), ("app_key", 20), ("timestamp", 7), ("v", 4), ("sign", 11))
_PROMOTION: Final = "jd.union.open.promotion."
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class Gateway:
    """The gateway's two addresses."""

    def __init__(self, world: World, promoters: Promoters, methods: Methods) -> None:
        self._world = world
        self._promoters = promoters
        #: Method -> its work, the name of its arguments, the alliance's code for wrong ones.
        self._methods: dict[str, tuple[Callable[[Call], Json], str, int]] = {
            f"{_PROMOTION}bysubunionid.get": (methods.by_sub_union, "promotionCodeReq", 2001212),
            f"{_PROMOTION}common.get": (methods.common, "promotionCodeReq", 2001212),
            "jd.union.open.order.row.query": (methods.rows, "orderReq", 2002400),
        }
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._drbg = self._world.drbg("jd request ids")

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer any request: always 200 on the two addresses."""
        if request.path not in BUSINESS:
            return HttpResponse(status=404)
        request_id = self._drbg.text(12, LETTERS).lower()
        parameters = _parameters(request)
        method = parameters.get("method", "")
        try:
            self._verify(parameters)
            result = await self._answer(parameters, parameters.get(BUSINESS[request.path], ""))
            done = {"code": 200, "message": "success", **result, "requestId": request_id}
            body = _enveloped(request.path, method, done)
        except AllianceRefusal as refusal:
            self._world.events.add(NAME, "refused", method=method, code=refusal.code)
            body = _enveloped(request.path, method, refusal.result(request_id))
        except GatewayRefusal as refusal:
            self._world.events.add(NAME, "refused", method=method, code=refusal.code)
            body = refusal.body(request_id)
        headers = {"Content-Type": "application/json;charset=UTF-8"}
        return HttpResponse(status=200, body=msgspec.json.encode(body), headers=headers)

    def _verify(self, parameters: Mapping[str, str]) -> None:
        for name, code in _REQUIRED:
            if not parameters.get(name):
                raise GatewayRefusal(code)
        promoter = self._promoters.by_app_key(parameters["app_key"])
        if promoter is None:
            raise GatewayRefusal(21)
        self._check_time(parameters["timestamp"])
        if parameters.get("sign_method", "md5") != "md5" or not signing.verifies(promoter.app_secret, parameters):
            raise GatewayRefusal(12)
        if parameters["method"] not in self._methods:
            raise GatewayRefusal(15)
        if parameters["v"] != VERSION:
            raise GatewayRefusal(5)

    async def _answer(self, parameters: Mapping[str, str], business: str) -> Json:
        method = parameters["method"]
        promoter = self._promoters.by_app_key(parameters["app_key"])
        assert promoter is not None, "verified"
        await self._break_down(method)
        work, name, wrong = self._methods[method]
        result = work(Call(method=method, promoter=promoter, asked=business_of(business, name, wrong), wrong=wrong))
        if method.startswith(_PROMOTION) and self._world.faults.strike(NAME, "lost_answer", method):
            raise Unanswered
        return result

    async def _break_down(self, method: str) -> None:
        faults = self._world.faults
        makes = method.startswith(_PROMOTION)
        if rule := faults.strike(NAME, "slow", method):
            await asyncio.sleep(SLOW_S if rule.seconds is None else rule.seconds)
        if faults.strike(NAME, "server_error", method):
            raise GatewayRefusal(67)
        if faults.strike(NAME, "throttled", method):
            raise AllianceRefusal(429) if makes else GatewayRefusal(2)
        if faults.strike(NAME, "no_permission", method):
            raise AllianceRefusal(2001403 if makes else 2002403)
        if faults.strike(NAME, "degraded", method):
            raise AllianceRefusal(2001609 if makes else 2002408)

    def _check_time(self, timestamp: str) -> None:
        """Chinese time as text, or with milliseconds and its zone; by the sandbox's clock or the machine's."""
        try:
            given = (
                datetime.strptime(timestamp, TIME_FORMAT).replace(tzinfo=CHINA)
                if len(timestamp) == len("2026-01-01 00:00:00")
                else datetime.strptime(timestamp, "%Y-%m-%d %H:%M:%S.%f%z")  # as the official SDKs write it
            )
        except ValueError:
            raise GatewayRefusal(8) from None
        clock = self._world.clock
        if min(abs((given - now).total_seconds()) for now in (clock.real(), clock.now())) > TIMESTAMP_S_MAX:
            raise GatewayRefusal(8)


def _enveloped(path: str, method: str, result: Json) -> Json:
    """The result as JSON text inside the gateway's envelope, which is misspelt at the newer address (and stays so)."""
    name = method.replace(".", "_")
    text = _ENCODER.encode(result).decode()
    if path == NEWER_PATH:
        return {f"{name}_responce": {"code": "0", f"{method.rpartition('.')[2]}Result": text}}
    return {f"{name}_response": {"code": "0", "result": text}}


def _parameters(request: HttpRequest) -> dict[str, str]:
    """Query and form together, as the gateway signs them."""
    form: list[tuple[str, str]] = []
    if request.headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
        form = parse_qsl(request.body.decode("latin-1"), keep_blank_values=True)
    return {**request.query, **dict(form)}
