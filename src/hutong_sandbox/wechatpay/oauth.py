"""Web authorisation of WeChat (snsapi_base): the page learns the buyer's openid without asking; a mini-program its own.

Source: developers.weixin.qq.com, 网页授权 and code2Session. In life the addresses are on open.weixin.qq.com and
api.weixin.qq.com; here they share the wallet's port. Which buyer sits at the screen: header ``X-Sandbox-Buyer``, else
cookie ``sandbox_buyer``, else buyer 1.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from hutong_sandbox.buyers import BUYERS_MAX
from hutong_sandbox.drbg import LETTERS
from hutong_sandbox.http import HttpRequest, HttpResponse, Json, json_response
from hutong_sandbox.wechatpay.accounts import Account, Keyring
from hutong_sandbox.world import World

CODE_LIFE: Final = timedelta(minutes=5)
TOKEN_S: Final = 7200
CODES_KEPT_MAX: Final = 100_000
AUTHORISE_PATH: Final = "/connect/oauth2/authorize"
TOKEN_PATH: Final = "/sns/oauth2/access_token"  # noqa: S105 (an address, no secret)
SESSION_PATH: Final = "/sns/jscode2session"
#: What ``wx.login()`` asks for; no page can.
_LOGIN: Final = "login"
_SCOPES: Final = ("snsapi_base", "snsapi_userinfo")


class _Code(msgspec.Struct, kw_only=True):
    account: Account
    openid: str
    scope: str
    made_at: datetime
    used: bool = False


class OAuth:
    """The two addresses."""

    def __init__(self, world: World, keyring: Keyring) -> None:
        self._world = world
        self._keyring = keyring
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._drbg = self._world.drbg("wechatpay oauth")
        self._codes: dict[str, _Code] = {}

    def authorise(self, request: HttpRequest) -> HttpResponse:
        """Send the browser back with ``code`` and ``state``."""
        query = request.query
        account = self._keyring.by_appid(query.get("appid", ""))
        if account is None:
            return _page("AppID 参数错误")
        target = urlsplit(query.get("redirect_uri", ""))
        if target.scheme not in ("http", "https") or not target.netloc:
            return _page("redirect_uri 参数错误")
        if query.get("response_type") != "code" or query.get("scope") not in _SCOPES:
            return _page("Scope 参数错误或没有 Scope 权限")
        buyer = buyer_at(request)
        code = self._new_code(account, account.appid, buyer, query["scope"])
        self._world.events.add("wechatpay", "oauth_authorised", merchant=account.merchant, buyer=buyer)
        back = [*parse_qsl(target.query, keep_blank_values=True), ("code", code), ("state", query.get("state", ""))]
        return HttpResponse(status=302, headers={"Location": urlunsplit(target._replace(query=urlencode(back)))})

    def log_in(self, account: Account, buyer: int) -> str:
        """What ``wx.login()`` gives the account's mini-program on this buyer's phone."""
        return self._new_code(account, account.mini_appid, buyer, _LOGIN)

    def _new_code(self, account: Account, appid: str, buyer: int, scope: str) -> str:
        code = "0" + self._drbg.text(31, LETTERS)
        if len(self._codes) >= CODES_KEPT_MAX:
            del self._codes[next(iter(self._codes))]
        self._codes[code] = _Code(
            account=account,
            openid=self._world.buyers.openid(appid, buyer),
            scope=scope,
            made_at=self._world.clock.now(),
        )
        return code

    def session(self, request: HttpRequest) -> HttpResponse:
        """Give the openid in a mini-program for the code of a login, once."""
        account = self._keyring.by_mini_appid(request.query.get("appid", ""))
        secret = "" if account is None else account.mini_app_secret
        code = self._taken(request.query, account, secret, "js_code")
        if isinstance(code, HttpResponse):
            return code
        session_key = base64.b64encode(self._drbg.text(16, LETTERS).encode()).decode()
        return json_response(200, {"session_key": session_key, "openid": code.openid})

    def exchange(self, request: HttpRequest) -> HttpResponse:
        """Give the openid for a code, once."""
        account = self._keyring.by_appid(request.query.get("appid", ""))
        code = self._taken(request.query, account, "" if account is None else account.app_secret, "code")
        if isinstance(code, HttpResponse):
            return code
        answer: Json = {
            "access_token": self._drbg.text(64, LETTERS),
            "expires_in": TOKEN_S,
            "refresh_token": self._drbg.text(64, LETTERS),
            "openid": code.openid,
            "scope": code.scope,
        }
        return json_response(200, answer)

    def _taken(
        self, query: Mapping[str, str], account: Account | None, secret: str, field: str
    ) -> _Code | HttpResponse:
        """The code of a request, used up by it; else the refusal."""
        for name, errcode in (("appid", 41002), ("secret", 41004), (field, 41008)):
            if not query.get(name):
                return _refusal(errcode, f"{name} missing")
        if account is None:
            return _refusal(40013, "invalid appid")
        if query["secret"] != secret:
            return _refusal(40125, "invalid appsecret")
        if query.get("grant_type") != "authorization_code":
            return _refusal(40002, "invalid grant_type")
        code, is_login = self._codes.get(query[field]), field == "js_code"
        too_old = code is not None and self._world.clock.now() - code.made_at > CODE_LIFE
        if code is None or code.account is not account or too_old or (code.scope == _LOGIN) is not is_login:
            return _refusal(40029, "invalid code")
        if code.used:
            return _refusal(40163, "code been used")
        code.used = True
        self._world.events.add("wechatpay", "oauth_exchanged", merchant=account.merchant)
        return code


def buyer_at(request: HttpRequest) -> int:
    """The number of the buyer who sits at this screen."""
    given = request.headers.get("x-sandbox-buyer", "")
    if not given:
        cookies: SimpleCookie = SimpleCookie()
        try:
            cookies.load(request.headers.get("cookie", ""))
        except CookieError:
            return 1
        given = cookies["sandbox_buyer"].value if "sandbox_buyer" in cookies else "1"
    return int(given) if given.isascii() and given.isdigit() and len(given) < 7 and int(given) < BUYERS_MAX else 1


def _refusal(errcode: int, errmsg: str) -> HttpResponse:
    return json_response(200, {"errcode": errcode, "errmsg": errmsg})


def _page(text: str) -> HttpResponse:
    body = f"<!doctype html><meta charset=utf-8><title>微信</title><p>{text}</p>".encode()
    return HttpResponse(status=400, body=body, headers={"Content-Type": "text/html; charset=utf-8"})
