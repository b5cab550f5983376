"""Capability Identity: the buyer's openid, silently, inside WeChat (snsapi_base), and in a mini-program (code2Session).

Source: https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html. The order of the
query parameters matters to the platform, and ``#wechat_redirect`` must end the address. The mini-program's login:
https://developers.weixin.qq.com/minigame/en/dev/api-backend/open-api/login/auth.code2Session.html; the session key that
it answers is read by nobody here.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

import msgspec

from hutong.connectors.wechatpay.answers import succeeded
from hutong.connectors.wechatpay.errors import ERROR_WORDS
from hutong.connectors.wechatpay.merchant import LIVE_BASE_URLS, needed
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.platforms.account import Account
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused
from hutong.transport.messages import Request, Response

LIVE_PAGE_URL: Final = "https://open.weixin.qq.com"
LIVE_API_URL: Final = "https://api.weixin.qq.com"
_STATE: Final = re.compile(r"[0-9A-Za-z]{1,128}")


class _Answer(msgspec.Struct, frozen=True):
    openid: str = ""
    errcode: int = 0
    errmsg: str = ""


class WechatIdentity:
    """``hutong.platforms.payments.Identity`` for WeChat."""

    def authorise_url(self, account: Account, redirect_uri: str, state: str) -> str:
        """Raises InvalidInput for a state the platform would not carry (letters and digits, at most 128)."""
        if not _STATE.fullmatch(state):
            raise InvalidInput(field="state", problem="[0-9A-Za-z]{1,128}")
        appid = quote(needed(account.credentials, "appid"), safe="")
        return (
            f"{_host(account, LIVE_PAGE_URL)}/connect/oauth2/authorize?appid={appid}"
            f"&redirect_uri={quote(redirect_uri, safe='')}&response_type=code&scope=snsapi_base&state={state}"
            "#wechat_redirect"
        )

    async def visitor_id(self, account: Account, code: str) -> str:
        """Exchange the one-time code. It serves once, so the request is never sent a second time."""
        return read_visitor(account.platform, await account.http.send(build_visitor(account, code)))

    async def mini_visitor_id(self, account: Account, code: str) -> str:
        """Exchange the code of ``wx.login()``, which serves once as well."""
        return read_visitor(account.platform, await account.http.send(build_mini_visitor(account, code)))


def build_visitor(account: Account, code: str) -> Request:
    """The exchange; it is not signed, it carries the app's secret."""
    app = _app(account, "appid", "app_secret")
    return _exchange(account, f"/sns/oauth2/access_token?{app}&code={quote(code, safe='')}")


def build_mini_visitor(account: Account, code: str) -> Request:
    """The exchange for a mini-program, with the secret of that app.

    Raises:
        InvalidInput: the account names no mini-program, or not its secret.
    """
    app = _app(account, "mini_appid", "mini_app_secret")
    return _exchange(account, f"/sns/jscode2session?{app}&js_code={quote(code, safe='')}")


def _app(account: Account, *fields: str) -> str:
    appid, secret = (quote(needed(account.credentials, field), safe="") for field in fields)
    return f"appid={appid}&secret={secret}"


def _exchange(account: Account, target: str) -> Request:
    url = f"{_host(account, LIVE_API_URL)}{target}&grant_type=authorization_code"
    return Request(method="GET", url=url, headers={"Accept": "application/json"})


def read_visitor(platform: str, response: Response) -> str:
    """The openid. Errors come with status 200."""
    if not succeeded(response):
        raise PlatformUnknown(platform=platform)
    try:
        answer = msgspec.json.decode(response.body, type=_Answer)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise PlatformUnknown(platform=platform) from error
    if answer.errcode:
        code = str(answer.errcode)
        word = ERROR_WORDS.get(code, ErrorWord.UNKNOWN)
        if word is ErrorWord.UNAVAILABLE:
            raise PlatformUnknown(platform=platform, platform_code=code)
        raise PlatformRefused(platform=platform, platform_code=code, message=answer.errmsg, word=word)
    if not answer.openid:
        raise PlatformUnknown(platform=platform)
    return answer.openid


def _host(account: Account, live_url: str) -> str:
    base_url = account.base_url.rstrip("/")
    return live_url if base_url in LIVE_BASE_URLS else base_url
