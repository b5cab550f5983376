"""The control port: credentials, buyers, clock, faults, books, callbacks, events."""

# Abilities are Protocols, and only ever asked about with isinstance.
# mypy: disable-error-code="type-abstract"

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from hutong.core.errors import HutongError, InvalidInput, NotFound
from hutong_sandbox.abilities import (
    BridgesPages,
    LogsIn,
    OffersModes,
    RotatesKeys,
    SellsGoods,
    SendsCallbacks,
    ShowsCodes,
    TakesPayments,
)
from hutong_sandbox.faults import FaultRule
from hutong_sandbox.http import HttpRequest, HttpResponse, Json, json_object, json_response
from hutong_sandbox.world import DEFAULT_MERCHANT, Platform, World, count_of, text_of

BUYERS_SHOWN: Final = 10
_MERCHANT: Final = re.compile(r"[\w.@-]{1,64}")

#: The platform that is meant where a request names none: there was only one of its kind once.
FIRST_WALLET: Final = "wechatpay"

Action = Callable[[HttpRequest], Awaitable[object]]
AbilityT = TypeVar("AbilityT")


class Control:
    """The control port's addresses."""

    def __init__(self, world: World, platforms: Mapping[str, Platform]) -> None:
        self._world = world
        self._platforms = platforms
        self.url = ""
        self.urls: dict[str, str] = {}
        self._actions: dict[tuple[str, str], Action] = {
            ("GET", "/"): self._index,
            ("GET", "/healthz"): self._health,
            ("GET", "/platforms"): self._credentials,
            ("GET", "/proofs"): self._proofs,
            ("POST", "/pay"): self._pay,
            ("POST", "/codes"): self._show_code,
            ("POST", "/logins"): self._log_in,
            ("POST", "/buy"): self._buy,
            ("GET", "/buyers"): self._buyers,
            ("GET", "/clock"): self._clock,
            ("POST", "/clock/advance"): self._advance,
            ("GET", "/faults"): self._faults,
            ("PUT", "/faults"): self._replace_faults,
            ("GET", "/faults/struck"): self._struck,
            ("GET", "/books"): self._books,
            ("POST", "/callbacks/replay"): self._replay,
            ("POST", "/callbacks/tamper"): self._tamper,
            ("GET", "/events"): self._events,
            ("GET", "/acknowledgements"): self._acknowledgements,
            ("GET", "/shops"): self._shops,
            ("POST", "/shops/orders"): self._move_order,
            ("POST", "/shops/stock"): self._stock,
            ("POST", "/certificates/rotate"): self._rotate,
            ("POST", "/reset"): self._reset,
        }

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer in JSON; errors carry code and both languages."""
        action = self._actions.get((request.method, request.path))
        try:
            if (request.method, request.path) == ("GET", "/bridge.js"):
                return self._able(dict(request.query), BridgesPages).bridge(self.url)
            if request.path == "/bridge/pay":
                return await self._bridged(request)
            if action is None:
                raise NotFound(what="control address", key=f"{request.method} {request.path}")
            return json_response(200, await action(request))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _error(InvalidInput(field="body", problem=str(error)))
        except HutongError as error:
            return _error(error)

    def _platform(self, body: Json) -> Platform:
        name = text_of(body, "platform")
        if name not in self._platforms:
            raise NotFound(what="platform", key=name)
        return self._platforms[name]

    def _able(self, body: Json, ability: type[AbilityT]) -> AbilityT:
        """The platform that a request names (the first wallet where it names none), if it can do this."""
        platform = self._platform({"platform": FIRST_WALLET, **body})
        if not isinstance(platform, ability):
            raise InvalidInput(field="platform", problem=f"{platform.name}: not {ability.__name__}")
        return platform

    async def _index(self, _request: HttpRequest) -> object:
        return {"addresses": [f"{method} {path}" for method, path in self._actions], "platforms": self.urls}

    async def _health(self, _request: HttpRequest) -> object:
        return {"status": "ok"}

    async def _credentials(self, request: HttpRequest) -> object:
        merchant = request.query.get("merchant", DEFAULT_MERCHANT)
        if not _MERCHANT.fullmatch(merchant):
            raise InvalidInput(field="merchant", problem=merchant)
        told: Json = {}
        for name, platform in self._platforms.items():
            told[name] = {"base_url": self.urls[name], "credentials": platform.credentials(merchant)}
            if isinstance(platform, OffersModes):
                told[name]["more_credentials"] = platform.more_credentials(merchant)
        return told

    async def _proofs(self, _request: HttpRequest) -> object:
        return {name: platform.proofs() for name, platform in self._platforms.items()}

    async def _pay(self, request: HttpRequest) -> object:
        body = json_object(request.body)
        return await self._able(body, TakesPayments).pay(body)

    async def _show_code(self, request: HttpRequest) -> object:
        body = json_object(request.body)
        return self._able(body, ShowsCodes).show_code(body)

    async def _log_in(self, request: HttpRequest) -> object:
        body = json_object(request.body)
        return self._able(body, LogsIn).log_in(body)

    async def _buy(self, request: HttpRequest) -> object:
        body = json_object(request.body)
        return await self._able(body, SellsGoods).buy(body)

    async def _buyers(self, request: HttpRequest) -> object:
        appid = request.query.get("appid", "")
        buyers = self._world.buyers
        rows: list[dict[str, Any]] = []
        for number in range(1, BUYERS_SHOWN + 1):
            row: dict[str, Any] = {"buyer": number, "name": buyers.name(number)}
            rows.append(row | {"openid": buyers.openid(appid, number)} if appid else row)
        return rows

    async def _clock(self, _request: HttpRequest) -> object:
        clock = self._world.clock
        return {
            "now": clock.now().isoformat(),
            "advanced_s": clock.advanced_s,
            "due": len(self._world.agenda),
        }

    async def _advance(self, request: HttpRequest) -> object:
        seconds = count_of(json_object(request.body), "seconds")
        fired = await self._world.agenda.advance(seconds)
        self._world.events.add("control", "clock_advanced", seconds=seconds, fired=fired)
        return {"now": self._world.clock.now().isoformat(), "fired": fired}

    async def _faults(self, _request: HttpRequest) -> object:
        return {"rules": self._world.faults.rules(), "kinds": self._world.faults.kinds()}

    async def _struck(self, _request: HttpRequest) -> object:
        return self._world.faults.struck()

    async def _replace_faults(self, request: HttpRequest) -> object:
        rules = msgspec.json.decode(request.body, type=list[FaultRule])
        self._world.faults.replace(rules)
        self._world.events.add("control", "faults_set", count=len(rules))
        return {"rules": self._world.faults.rules()}

    async def _books(self, _request: HttpRequest) -> object:
        return [row for platform in self._platforms.values() for row in platform.books()]

    async def _replay(self, request: HttpRequest) -> object:
        body = json_object(request.body)
        return await self._able(body, SendsCallbacks).replay(body)

    async def _tamper(self, request: HttpRequest) -> object:
        body = json_object(request.body)
        return await self._able(body, SendsCallbacks).tamper(body)

    async def _acknowledgements(self, _request: HttpRequest) -> object:
        """How long merchants took to answer callbacks since this was asked last; for benchmarks."""
        return {"took_ms": self._world.sender.take_times()}

    async def _events(self, request: HttpRequest) -> object:
        after = request.query.get("after", "0")
        if not after.isdigit():
            raise InvalidInput(field="after", problem=after)
        return self._world.events.since(int(after), request.query.get("platform"))

    async def _bridged(self, request: HttpRequest) -> HttpResponse:
        """A page of another origin pays through the injected bridge: signed parameters, nothing else."""
        body = json_object(request.body)
        trade = await self._able(body, BridgesPages).pay_invoked(body.get("invoke"))
        return json_response(200, trade, **{"Access-Control-Allow-Origin": "*"})

    async def _move_order(self, request: HttpRequest) -> object:
        body = json_object(request.body)
        return await self._able(body, SellsGoods).move(body)

    async def _shops(self, _request: HttpRequest) -> object:
        return [
            shop
            for platform in self._platforms.values()
            if isinstance(platform, SellsGoods)
            for shop in platform.shops()
        ]

    async def _stock(self, request: HttpRequest) -> object:
        body = json_object(request.body)
        return self._able(body, SellsGoods).stock(body)

    async def _rotate(self, request: HttpRequest) -> object:
        body = json_object(request.body)
        return self._able(body, RotatesKeys).rotate()

    async def _reset(self, _request: HttpRequest) -> object:
        self._world.reset()
        for platform in self._platforms.values():
            platform.reset()
        return {"status": "ok"}


def _error(error: HutongError) -> HttpResponse:
    body = {"code": error.code, "details": error.details, "zh": error.text("zh-Hans"), "en": error.text("en")}
    return json_response(error.status, body)
