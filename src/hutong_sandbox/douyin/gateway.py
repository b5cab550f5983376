"""Douyin's gateway for shops: an address for each method, checks in order, answers in its own envelope.

Source: op.jinritemai.com, API调用指南 and 平台基础错误码汇总. The order of the checks is a choice: no document has it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from hutong_sandbox.douyin import signing
from hutong_sandbox.douyin.accounts import Promoter, Promoters
from hutong_sandbox.douyin.addresses import Addresses
from hutong_sandbox.douyin.errors import SUCCESS, WireError, lacking, platform
from hutong_sandbox.douyin.methods import ORDERS, REFRESH, SHARE, Call, Methods
from hutong_sandbox.douyin.orders import CHINA, TIME_FORMAT, Orders
from hutong_sandbox.drbg import HEX
from hutong_sandbox.http import HttpRequest, HttpResponse, Json, Unanswered
from hutong_sandbox.world import World

#: "和服务器时间相差超过10分钟会报错".
TIMESTAMP_S_MAX: Final = 600
SLOW_S: Final = 1
APP_KEY_DIGITS: Final = 19
_NAME: Final = "douyin_alliance"
_WITHOUT_TOKEN: Final = frozenset({REFRESH})
_WRITES: Final = frozenset({SHARE})
#: Clients that know the newer codes say so; the others are told the older ones as well.
_NEW_CODES: Final = "x-open-no-old-err-code"


class Gateway:
    """The gateway's addresses."""

    def __init__(self, world: World, promoters: Promoters, addresses: Addresses, orders: Orders) -> None:
        self._world = world
        self._promoters = promoters
        methods = Methods(world, addresses, orders)
        self._methods: dict[str, Callable[[Call], Json]] = {
            SHARE: methods.share,
            ORDERS: methods.orders,
            REFRESH: methods.refresh,
        }
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._drbg = self._world.drbg("douyin log ids")

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer any request: 200, whatever it says."""
        method = request.path.strip("/").replace("/", ".")
        try:
            call = self._verified(method, _parameters(request))
            await self._break_down(call)
            told: Json = {"code": SUCCESS, "msg": "success", "sub_code": "", "sub_msg": ""}
            told["data"] = self._methods[method](call)
            if method in _WRITES and self._world.faults.strike(_NAME, "lost_answer", method):
                raise Unanswered
        except WireError as error:
            self._world.events.add(_NAME, "refused", method=method, code=error.code, sub_code=error.sub_code)
            told = error.envelope()
        if _NEW_CODES not in request.headers:
            told |= {"err_no": 0 if told["code"] == SUCCESS else told["code"], "message": told["msg"]}
        told["log_id"] = self._world.clock.now().astimezone(CHINA).strftime("%Y%m%d%H%M%S") + self._drbg.text(20, HEX)
        body = msgspec.json.encode(told)
        return HttpResponse(status=200, body=body, headers={"Content-Type": "application/json; charset=utf-8"})

    def _verified(self, method: str, given: Mapping[str, str]) -> Call:
        if method not in self._methods or given.get("method") != method:
            raise WireError(70000, "isp.api-service-off", "API不存在或API已下线")
        promoter = self._app(given)
        if not given.get("sign"):
            raise lacking("isv.signature-missing", "获取签名失败，请根据文档确保参数拼装正确")
        self._check_time(given.get("timestamp", ""))
        arguments = _arguments(given["param_json"])
        if given.get("v") != "2" or not signing.verifies(promoter.app_secret, given):
            raise platform("isv.signature-invalid", "签名校验失败")
        if method not in _WITHOUT_TOKEN:
            self._check_token(promoter, given.get("access_token", ""))
        return Call(method=method, arguments=arguments, promoter=promoter)

    def _app(self, given: Mapping[str, str]) -> Promoter:
        app_key = given.get("app_key", "")
        if not app_key:
            raise lacking("isv.app-id-missing", "认证失败，app_key不存在")
        promoter = self._promoters.by_app_key(app_key)
        if promoter is None or len(app_key) != APP_KEY_DIGITS:
            raise platform("isv.app-id-invalid", "认证失败，app_key格式不正确，应为19位纯数字")
        return promoter

    def _check_token(self, promoter: Promoter, token: str) -> None:
        if not token:
            raise lacking("isv.access-token-missing", "认证失败，access_token不能为空")
        until = promoter.token_until(token)
        if until is None and self._promoters.knows_token(token):
            raise platform("isv.access-token-invalid", "app_key和access_token不匹配，请仔细检查")
        if until is None:
            raise platform("isv.access-token-no-existed", "access_token不存在，请使用最新的access_token访问")
        if self._world.clock.now() >= until or self._world.faults.strike(_NAME, "token_expired", token):
            raise platform("isv.access-token-expired", "access_token已过期")

    def _check_time(self, timestamp: str) -> None:
        """Both spellings: Chinese time as text, and seconds since 1970 (the official SDKs)."""
        if timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12:
            given_s = int(timestamp)
        else:
            try:
                given_s = int(datetime.strptime(timestamp, TIME_FORMAT).replace(tzinfo=CHINA).timestamp())
            except ValueError:
                raise platform("isv.timestamp-format-error", "时间戳格式错误") from None
        clock = self._world.clock
        if min(abs(given_s - now.timestamp()) for now in (clock.real(), clock.now())) > TIMESTAMP_S_MAX:
            raise platform("isv.timestamp-invalid", "时间戳不合法")

    async def _break_down(self, call: Call) -> None:
        faults = self._world.faults
        if rule := faults.strike(_NAME, "slow", call.method):
            await asyncio.sleep(SLOW_S if rule.seconds is None else rule.seconds)
        if faults.strike(_NAME, "throttled", call.method):
            raise WireError(60000)
        if faults.strike(_NAME, "server_error", call.method):
            raise WireError(20000, "isp.service-error:256", "服务打瞌睡了，请稍后再试")


def _parameters(request: HttpRequest) -> dict[str, str]:
    """The query, and the body as ``param_json`` where the query has none (it had, in the first version)."""
    given = request.query
    if "param_json" not in given:
        try:
            given["param_json"] = request.body.decode()
        except UnicodeDecodeError:
            given["param_json"] = ""
    return given


def _arguments(param_json: str) -> Json:
    """The business parameters, whose names must be sorted.

    Raises:
        WireError: no JSON object; or a signature that the platform, which sorts them, cannot find.
    """
    try:
        arguments = msgspec.json.decode(param_json, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError):
        raise platform("isv.parameter-format-invalid", "业务参数json解析失败") from None
    if list(arguments) != sorted(arguments):
        raise platform("isv.signature-invalid", "签名校验失败")
    return arguments
