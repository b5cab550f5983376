"""Capability Identity: the buyer's id, silently, inside Alipay (scope ``auth_base``).

Source: https://opendocs.alipay.com/open/284/web (网页授权) and the page of alipay.system.oauth.token. The visitor comes
back with ``auth_code``. Older apps learn a ``user_id``, newer ones an ``open_id``; a success carries no code.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from hutong.connectors.alipay.gateway import Call, decode, encoded, send
from hutong.connectors.alipay.merchant import LIVE_BASE_URL, merchant_of, needed
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.platforms.account import Account

LIVE_PAGE_URL: Final = "https://openauth.alipay.com"
PAGE_PATH: Final = "/oauth2/publicAppAuthorize.htm"
TOKEN: Final = "alipay.system.oauth.token"  # noqa: S105 (a method, no secret)
_STATE: Final = re.compile(r"[0-9A-Za-z]{1,100}")


class _Token(msgspec.Struct, frozen=True):
    user_id: str = ""
    open_id: str = ""


class AlipayIdentity:
    """``hutong.platforms.payments.Identity`` for Alipay."""

    def authorise_url(self, account: Account, redirect_uri: str, state: str) -> str:
        """Raises InvalidInput for a state that Alipay would not carry (letters and digits, at most 100)."""
        if not _STATE.fullmatch(state):
            raise InvalidInput(field="state", problem="[0-9A-Za-z]{1,100}")
        base_url = account.base_url.rstrip("/")
        host = LIVE_PAGE_URL if base_url == LIVE_BASE_URL else base_url
        query = {
            "app_id": needed(account.credentials, "app_id"),
            "scope": "auth_base",
            "redirect_uri": redirect_uri,
            "state": state,
        }
        return f"{host}{PAGE_PATH}?{encoded(query)}"

    async def visitor_id(self, account: Account, code: str) -> str:
        """Exchange the one-time code. It serves once, so the request is never sent a second time."""
        merchant = merchant_of(account)
        common = {"grant_type": "authorization_code", "code": code}
        answer = await send(account, merchant, Call(method=TOKEN, common=common, repeatable=False))
        token = decode(merchant, answer, _Token)
        visitor_id = token.open_id or token.user_id
        if not visitor_id:
            raise PlatformUnknown(platform=merchant.platform)
        return visitor_id

    async def mini_visitor_id(self, account: Account, code: str) -> str:
        """The code of ``my.getAuthCode`` is exchanged as one of a page; the app is the mini-program itself."""
        return await self.visitor_id(account, code)
