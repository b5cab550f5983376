"""The official account as the control port sees it, and the addresses of its port."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import msgspec

from hutong_sandbox.books import BookRow
from hutong_sandbox.http import HttpRequest, HttpResponse, Json, json_object, json_response
from hutong_sandbox.wechat_account import phone
from hutong_sandbox.wechat_account.accounts import LIFE, Account, Accounts
from hutong_sandbox.wechat_account.phone import FROM_ELSEWHERE, NAME, Phone
from hutong_sandbox.world import Platform, World

SLOW_S: Final = 1
KINDS: Final[Mapping[str, str]] = {
    "quota_used": "45009 reach max api daily quota limit",
    "ip_refused": "40164 invalid ip, not in whitelist",
    "busy": "-1 system error",
    "token_ended": "42001 access_token expired, though it should live on",
    "token_replaced": "40001: somebody else took a new token by force",
    "unbound_domain": "wx.config: the page's domain is none of the account's",
    "slow": "every answer takes ``seconds`` of real time",
}
#: Capability -> state of proof. ``judged`` names are covered by tests/conformance/judges.
PROOFS: Final = {
    "cgi-bin/token": "judged",
    "cgi-bin/stable_token": "simulated",
    "cgi-bin/ticket/getticket, type jsapi": "judged",
    "wx.config, its signature": "judged",
    "wx.config, age and list of calls": "unverified",
    "return codes": "simulated",
}


class _Refused(Exception):
    """A return code that is no success."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errcode)
        self.body: Json = {"errcode": errcode, "errmsg": f"{errmsg} rid: 6566-sandbox"}


class WechatAccount(Platform):
    """The simulated platform."""

    name = NAME
    fault_kinds = KINDS

    def __init__(self, world: World) -> None:
        self._world = world
        self._accounts = Accounts(world)
        self._phone = Phone(world, self._accounts)

    def place(self, base_url: str) -> None:
        """The phone's script asks at this address."""
        self._phone.place(base_url)

    def credentials(self, merchant: str) -> Json:
        """The merchant's account."""
        account = self._accounts.of(merchant)
        return {"appid": account.appid, "app_secret": account.app_secret}

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer on the platform's own port."""
        if rule := self._world.faults.strike(NAME, "slow", request.path):
            await asyncio.sleep(SLOW_S if rule.seconds is None else rule.seconds)
        try:
            return self._answer(request)
        except _Refused as refused:
            self._world.events.add(NAME, "refused", path=request.path, errcode=refused.body["errcode"])
            return json_response(200, refused.body)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        match request.method, request.path:
            case "GET", phone.SCRIPT_PATH:
                return self._phone.script()
            case "OPTIONS", phone.CONFIG_PATH | phone.SHARE_PATH:
                return HttpResponse(status=204, headers=FROM_ELSEWHERE)
            case "POST", phone.CONFIG_PATH:
                return self._phone.config(request)
            case "POST", phone.SHARE_PATH:
                return self._phone.share(request)
            case "GET", "/cgi-bin/token":
                return self._plain_token(request)
            case "POST", "/cgi-bin/stable_token":
                return self._stable_token(request)
            case "GET", "/cgi-bin/ticket/getticket":
                return self._ticket(request)
        return json_response(404, {"errcode": 404, "errmsg": "no such address"})

    def _plain_token(self, request: HttpRequest) -> HttpResponse:
        account = self._asked(request.query)
        return self._lent(account, account.plain_token(), int(LIFE.total_seconds()))

    def _stable_token(self, request: HttpRequest) -> HttpResponse:
        try:
            body = json_object(request.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _Refused(47001, "data format error") from None
        force = body.get("force_refresh", False)
        if not isinstance(force, bool):
            raise _Refused(47001, "data format error")
        account = self._asked({name: str(value) for name, value in body.items()})
        return self._lent(account, *account.stable_token(force=force))

    def _lent(self, account: Account, token: str, lives_s: int) -> HttpResponse:
        self._world.events.add(NAME, "token_lent", merchant=account.merchant)
        return json_response(200, {"access_token": token, "expires_in": lives_s})

    def _asked(self, query: Mapping[str, str]) -> Account:
        """The account whose token is asked for."""
        for name, errcode in (("appid", 41002), ("secret", 41004)):
            if not query.get(name):
                raise _Refused(errcode, f"{name} missing")
        if query.get("grant_type") != "client_credential":
            raise _Refused(40002, "invalid grant_type")
        account = self._accounts.by_appid(query["appid"])
        if account is None:
            raise _Refused(40013, "invalid appid")
        if query["secret"] != account.app_secret:
            raise _Refused(40125, "invalid appsecret, view more at http://t.cn/RAEkdVq")
        self._break_down(account)
        if not account.counted():
            raise _Refused(45009, "reach max api daily quota limit")
        return account

    def _ticket(self, request: HttpRequest) -> HttpResponse:
        token = request.query.get("access_token", "")
        if not token:
            raise _Refused(41001, "access_token missing")
        account = self._accounts.by_token(token)
        if account is None or self._strikes("token_replaced", account):
            raise _Refused(40001, "invalid credential, access_token is invalid or not latest")
        ends_at = account.end_of(token)
        if ends_at is None or ends_at <= self._world.clock.now() or self._strikes("token_ended", account):
            raise _Refused(42001, "access_token expired")
        if request.query.get("type") != "jsapi":
            raise _Refused(40097, "invalid args")
        self._break_down(account)
        ticket, lives_s = account.ticket()
        self._world.events.add(NAME, "ticket_lent", merchant=account.merchant)
        return json_response(200, {"errcode": 0, "errmsg": "ok", "ticket": ticket, "expires_in": lives_s})

    def _break_down(self, account: Account) -> None:
        if self._strikes("ip_refused", account):
            raise _Refused(40164, "invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist")
        if self._strikes("quota_used", account):
            raise _Refused(45009, "reach max api daily quota limit")
        if self._strikes("busy", account):
            raise _Refused(-1, "system error")

    def _strikes(self, kind: str, account: Account) -> bool:
        return self._world.faults.strike(NAME, kind, account.merchant) is not None

    def books(self) -> list[BookRow]:
        """Nothing is sold here."""
        return []

    def proofs(self) -> dict[str, str]:
        """How far each capability is proved."""
        return dict(PROOFS)

    def reset(self) -> None:
        """Forget what was lent, not who the accounts are."""
        for account in self._accounts.all():
            account.clear()
