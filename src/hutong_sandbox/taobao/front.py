"""The TOP gateway: one address, checks in the gateway's own order, answers in its own envelope.

Shops and promoters come to the same gateway, each with apps of their own and methods of their own (``Front``'s kinds).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ClassVar, Final, Generic, TypeVar
from urllib.parse import parse_qsl

import msgspec

from hutong_sandbox.drbg import LETTERS
from hutong_sandbox.http import HttpRequest, HttpResponse, Json, Unanswered
from hutong_sandbox.taobao import signing
from hutong_sandbox.taobao.calls import Arguments
from hutong_sandbox.taobao.errors import TopError, remote
from hutong_sandbox.taobao.trades import CHINA, TIME_FORMAT, wire_time
from hutong_sandbox.world import World

REST_PATH: Final = "/router/rest"
TIMESTAMP_S_MAX: Final = 600
SLOW_S: Final = 1
_SYSTEM: Final = frozenset(
    {"app_key", "method", "session", "timestamp", "format", "v", "sign_method", "sign", "partner_id", "simplify"}
)
#: In this order the gateway complains.
_REQUIRED: Final = (("method", 21), ("app_key", 28), ("timestamp", 30), ("v", 32), ("sign", 24))
_CONTENT_TYPE: Final = "text/javascript;charset=UTF-8"

CallT = TypeVar("CallT", bound=Arguments)


class Front(ABC, Generic[CallT]):
    """The gateway's address, as one kind of app meets it."""

    name: ClassVar[str]
    #: Methods whose answer may get lost after they took effect.
    writes: ClassVar[frozenset[str]]

    def __init__(self, world: World) -> None:
        self._world = world
        self.methods: dict[str, Callable[[CallT], Json]] = {}
        self.clear()

    @abstractmethod
    def secret_of(self, app_key: str) -> str | None:
        """The secret of an app that comes here; None for any other."""

    @abstractmethod
    def call_of(self, method: str, app_key: str, session: str, arguments: Mapping[str, str]) -> CallT:
        """The verified call. Raises TopError where the session is not good for it."""

    def clear(self) -> None:
        """Begin again."""
        self._drbg = self._world.drbg(f"{self.name} request ids")

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer any request: always 200 on the one address."""
        if request.path != REST_PATH:
            return HttpResponse(status=404)
        request_id = self._drbg.text(12, LETTERS).lower()
        parameters = _parameters(request)
        try:
            call = self._verified(parameters)
            await self._break_down(call)
            inner = self.methods[call.method](call)
            if call.method in self.writes and self._world.faults.strike(self.name, "lost_answer", call.method):
                raise Unanswered
            envelope = call.method.removeprefix("taobao.").replace(".", "_") + "_response"
            body: Json = {envelope: {**inner, "request_id": request_id}}
        except TopError as error:
            method = parameters.get("method", "")
            self._world.events.add(self.name, "refused", method=method, code=error.code, sub_code=error.sub_code)
            body = error.body(request_id)
        return HttpResponse(status=200, body=msgspec.json.encode(body), headers={"Content-Type": _CONTENT_TYPE})

    def time(self, _call: CallT) -> Json:
        """taobao.time.get."""
        return {"time": wire_time(self._world.clock.now())}

    def _verified(self, parameters: Mapping[str, str]) -> CallT:
        for name, code in _REQUIRED:
            if not parameters.get(name):
                raise TopError(code)
        method, app_key = parameters["method"], parameters["app_key"]
        if method not in self.methods:
            raise TopError(22, "isv.invalid-method", "不存在的方法名")
        secret = self.secret_of(app_key)
        if secret is None:
            raise TopError(29, "isv.appkey-not-exists", "appkey不存在")
        if parameters["v"] != "2.0":
            raise TopError(33)
        if parameters.get("format", "json") != "json":
            raise TopError(23)
        self._check_time(parameters["timestamp"])
        if not signing.verifies(secret, parameters):
            raise TopError(25)
        arguments = {name: value for name, value in parameters.items() if name not in _SYSTEM}
        return self.call_of(method, app_key, parameters.get("session", ""), arguments)

    def _check_time(self, timestamp: str) -> None:
        """Both spellings: Chinese time as text, and milliseconds since 1970."""
        if timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16:
            given_s = int(timestamp) // 1000
        else:
            try:
                given_s = int(datetime.strptime(timestamp, TIME_FORMAT).replace(tzinfo=CHINA).timestamp())
            except ValueError:
                raise TopError(31) from None
        clock = self._world.clock
        if min(abs(given_s - now.timestamp()) for now in (clock.real(), clock.now())) > TIMESTAMP_S_MAX:
            raise TopError(31)

    async def _break_down(self, call: CallT) -> None:
        faults = self._world.faults
        if rule := faults.strike(self.name, "slow", call.method):
            await asyncio.sleep(SLOW_S if rule.seconds is None else rule.seconds)
        if faults.strike(self.name, "throttled", call.method):
            raise TopError(7, "accesscontrol.limited-by-api-access-count", "This ban will last for 1 more seconds")
        if faults.strike(self.name, "server_error", call.method):
            raise remote("isp.top-remote-connection-timeout", "API服务调用超时")


def _parameters(request: HttpRequest) -> dict[str, str]:
    """Query and form together, as the gateway signs them."""
    form: list[tuple[str, str]] = []
    if request.headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
        form = parse_qsl(request.body.decode("latin-1"), keep_blank_values=True)
    return {**request.query, **dict(form)}
