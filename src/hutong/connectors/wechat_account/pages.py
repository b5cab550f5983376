"""Capability PageKit: token, ticket, and the signature of WeChat's JS-SDK.

Sources, all at developers.weixin.qq.com: the stable token (``cgi-bin/stable_token``), the ticket
(``cgi-bin/ticket/getticket``), and appendix 1 of the JS-SDK , whose example is our vector. The stable token is
asked for in its plain mode: asked again it is the same token, and the one that the merchant's other programs hold stays
valid.
"""

from __future__ import annotations

from typing import Final

import msgspec

from hutong.connectors.wechat_account.errors import ERROR_WORDS, refusal_of
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.crypto.digests import sha1
from hutong.platforms.account import Account
from hutong.platforms.contract import ErrorWord
from hutong.platforms.pages import GRANT_CHARS_MAX, Grant, PageConfig
from hutong.transport.messages import Request, Response

LIVE_BASE_URL: Final = "https://api.weixin.qq.com"
LIVE_SCRIPT_HOST: Final = "https://res.wx.qq.com"
SCRIPT_PATH: Final = "/open/js/jweixin-1.6.0.js"
TOKEN_PATH: Final = "/cgi-bin/stable_token"  # noqa: S105 (an address, no secret)
TICKET_PATH: Final = "/cgi-bin/ticket/getticket"
#: A grant lives two hours; an answer that names more is not believed.
LIFE_S_MAX: Final = 7200
HTTP_OK: Final = 200
_JSON: Final = "application/json"


class _Answer(msgspec.Struct, frozen=True):
    errcode: int = 0
    errmsg: str = ""
    access_token: str = ""
    ticket: str = ""
    expires_in: int = 0


class WechatPages:
    """``hutong.platforms.pages.PageKit`` for WeChat."""

    container = "wechat"

    def script(self, account: Account) -> str:
        """The script's own host; a sandbox has it beside everything else."""
        host = LIVE_SCRIPT_HOST if _base(account) == LIVE_BASE_URL else _base(account)
        return host + SCRIPT_PATH

    async def token(self, account: Account) -> Grant:
        """The account's stable token."""
        answer = _read(account.platform, await account.http.send(build_token(account)), is_token_shown=False)
        return _grant(account.platform, answer.access_token, answer.expires_in)

    async def ticket(self, account: Account, token: str) -> Grant:
        """The account's ticket of the type jsapi."""
        answer = _read(account.platform, await account.http.send(build_ticket(account, token)), is_token_shown=True)
        return _grant(account.platform, answer.ticket, answer.expires_in)

    def sign(self, account: Account, ticket: str, url: str) -> PageConfig:
        """Signed with the account's clock and chance."""
        nonce, at = account.nonce(), int(account.clock.now().timestamp())
        return PageConfig(
            app_id=_needed(account, "appid"), timestamp=at, nonce=nonce, signature=signature(ticket, nonce, at, url)
        )


def signature(ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """SHA-1 over four fields in the order of their names, neither escaped; the address without its fragment."""
    page = url.partition("#")[0]
    signed = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={page}"
    return sha1(signed.encode()).hex()


def build_token(account: Account) -> Request:
    """Ask for the token; ``force_refresh`` stays off: it would end the token that other programs hold.

    Raises:
        InvalidInput: the account lacks its appid or its secret.
    """
    asked = {
        "grant_type": "client_credential",
        "appid": _needed(account, "appid"),
        "secret": _needed(account, "app_secret"),
        "force_refresh": False,
    }
    return Request(
        method="POST",
        url=_base(account) + TOKEN_PATH,
        headers={"Content-Type": _JSON, "Accept": _JSON},
        body=msgspec.json.encode(asked),
        repeatable=True,
    )


def build_ticket(account: Account, token: str) -> Request:
    """Ask for the ticket; the token goes in the query, as the platform wants it."""
    if not token or not token.isascii() or not all(char.isalnum() or char in "-_." for char in token):
        raise InvalidInput(field="access_token", problem="[0-9A-Za-z_.-]+")
    url = f"{_base(account)}{TICKET_PATH}?access_token={token}&type=jsapi"
    return Request(method="GET", url=url, headers={"Accept": _JSON}, repeatable=True)


async def trial(account: Account, out_trade_no: str) -> None:
    """Whether the credentials work: both grants are asked for, as a page would need them. No order is asked about.

    Raises:
        PlatformRefused, PlatformUnknown: as the platform says.
    """
    del out_trade_no
    kit = WechatPages()
    await kit.ticket(account, (await kit.token(account)).value)


def _read(platform: str, response: Response, *, is_token_shown: bool) -> _Answer:
    if response.status != HTTP_OK:
        # The platform answers 200 even where it refuses: any other status comes from something in between.
        raise PlatformUnknown(platform=platform, platform_code=str(response.status))
    try:
        answer = msgspec.json.decode(response.body, type=_Answer)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise PlatformUnknown(platform=platform) from error
    if answer.errcode == 0:
        return answer
    if ERROR_WORDS.get(str(answer.errcode)) is ErrorWord.UNAVAILABLE:
        raise PlatformUnknown(platform=platform, platform_code=str(answer.errcode))
    raise refusal_of(platform, answer.errcode, answer.errmsg, is_token_shown=is_token_shown)


def _grant(platform: str, value: str, lives_s: int) -> Grant:
    if not 0 < len(value) <= GRANT_CHARS_MAX or not 0 < lives_s <= LIFE_S_MAX:
        raise PlatformUnknown(platform=platform)
    return Grant(value=value, lives_s=lives_s)


def _needed(account: Account, field: str) -> str:
    value = account.credentials.get(field, "").strip()
    if not value:
        raise InvalidInput(field=field, problem="missing")
    return value


def _base(account: Account) -> str:
    return account.base_url.rstrip("/")
