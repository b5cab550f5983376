"""Sign-in inside Alipay (scope auth_base): the page learns the buyer's user id without asking.

Source: opendocs.alipay.com, 网页授权. In life the page is on openauth.alipay.com; here it shares the gateway's port.
Which buyer sits at the screen: header ``X-Sandbox-Buyer``, else cookie ``sandbox_buyer``, else buyer 1.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from hutong_sandbox.alipay.accounts import Account, Keyring
from hutong_sandbox.alipay.buyers import Users
from hutong_sandbox.alipay.errors import WireError
from hutong_sandbox.drbg import LETTERS
from hutong_sandbox.http import HttpRequest, HttpResponse, Json
from hutong_sandbox.world import World

PAGE_PATH: Final = "/oauth2/publicAppAuthorize.htm"
CODE_LIFE: Final = timedelta(minutes=5)
TOKEN_S: Final = 1_296_000
CODES_KEPT_MAX: Final = 100_000
BUYER_DIGITS_MAX: Final = 6
_SCOPES: Final = frozenset({"auth_base", "auth_user"})


class _Code(msgspec.Struct, kw_only=True):
    account: Account
    user_id: str
    made_at: datetime
    used: bool = False


class OAuth:
    """The page, and the exchange of its code."""

    def __init__(self, world: World, keyring: Keyring, users: Users) -> None:
        self._world = world
        self._keyring = keyring
        self._users = users
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._drbg = self._world.drbg("alipay oauth")
        self._codes: dict[str, _Code] = {}

    def authorise(self, request: HttpRequest) -> HttpResponse:
        """Send the browser back with ``auth_code`` and ``state``."""
        query = request.query
        account = self._keyring.by_app_id(query.get("app_id", ""))
        target = urlsplit(query.get("redirect_uri", ""))
        if account is None:
            return _page("app_id 参数错误")
        if target.scheme not in ("http", "https") or not target.netloc:
            return _page("redirect_uri 参数错误")
        if query.get("scope") not in _SCOPES:
            return _page("scope 参数错误")
        buyer = buyer_at(request)
        code = self.log_in(account, buyer)
        self._world.events.add("alipay", "oauth_authorised", merchant=account.merchant, buyer=buyer)
        back = [
            *parse_qsl(target.query, keep_blank_values=True),
            ("app_id", account.app_id),
            ("source", "alipay_wallet"),
            ("scope", query["scope"]),
            ("auth_code", code),
            ("state", query.get("state", "")),
        ]
        return HttpResponse(status=302, headers={"Location": urlunsplit(target._replace(query=urlencode(back)))})

    def log_in(self, account: Account, buyer: int) -> str:
        """A fresh code of a buyer, as a page or the app's mini-program gets it."""
        code = self._drbg.text(32, LETTERS)
        if len(self._codes) >= CODES_KEPT_MAX:
            del self._codes[next(iter(self._codes))]
        self._codes[code] = _Code(account=account, user_id=self._users.user_id(buyer), made_at=self._world.clock.now())
        return code

    def exchange(self, account: Account, parameters: dict[str, str]) -> Json:
        """Give the user id for a code, once."""
        if parameters.get("grant_type") != "authorization_code":
            raise WireError("isv.grant-type-invalid", "grant_type 不合法", "40002")
        code = self._codes.get(parameters.get("code", ""))
        late = code is not None and self._world.clock.now() - code.made_at > CODE_LIFE
        if code is None or code.account is not account or code.used or late:
            raise WireError("isv.code-invalid", "授权码code无效", "40002")
        code.used = True
        self._world.events.add("alipay", "oauth_exchanged", merchant=account.merchant)
        return {
            "access_token": "authbseB" + self._drbg.text(32, LETTERS),
            "refresh_token": "authbseB" + self._drbg.text(32, LETTERS),
            "expires_in": TOKEN_S,
            "re_expires_in": 2 * TOKEN_S,
            "user_id": code.user_id,
        }


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
    return int(given) if given.isascii() and given.isdigit() and len(given) <= BUYER_DIGITS_MAX else 1


def _page(text: str) -> HttpResponse:
    body = f"<!doctype html><meta charset=utf-8><title>支付宝</title><p>{text}</p>".encode()
    return HttpResponse(status=400, body=body, headers={"Content-Type": "text/html; charset=utf-8"})
