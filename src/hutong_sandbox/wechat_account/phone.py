"""What WeChat on a phone does with a page: it checks ``wx.config`` and takes what the page wants to be shared as.

The page's part is written in ``sdk.js``, a stand-in for the app's own script that asks here. The check is written from
the document (附录 1: JS-SDK 使用权限签名算法), apart from the hub's: fields sorted by name, joined, SHA-1.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from hutong_sandbox.http import HttpRequest, HttpResponse, json_object, json_response
from hutong_sandbox.wechat_account.accounts import Account, Accounts
from hutong_sandbox.world import World

NAME: Final = "wechat_account"
SCRIPT_PATH: Final = "/open/js/jweixin-1.6.0.js"
CONFIG_PATH: Final = "/phone/config"
SHARE_PATH: Final = "/phone/share"
#: What a page may ask for; the older names of the same two are not offered.
APIS: Final = frozenset({"updateAppMessageShareData", "updateTimelineShareData"})
#: A signature is believed no longer than the ticket it was made with could live.
AGE_MAX: Final = timedelta(hours=2)
#: Of each text that the log keeps.
SHOWN_CHARS_MAX: Final = 300
FROM_ELSEWHERE: Final = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "content-type"}


class Phone:
    """WeChat on a buyer's phone."""

    def __init__(self, world: World, accounts: Accounts) -> None:
        self._world = world
        self._accounts = accounts
        self._own_url = ""

    def place(self, base_url: str) -> None:
        """Learn the own address: the script asks there."""
        self._own_url = base_url

    def script(self) -> HttpResponse:
        """The app's script."""
        text = files("hutong_sandbox.wechat_account").joinpath("sdk.js").read_text(encoding="utf-8")
        body = text.replace("__PHONE__", self._own_url).encode()
        return HttpResponse(status=200, body=body, headers={"Content-Type": "text/javascript; charset=utf-8"})

    def config(self, request: HttpRequest) -> HttpResponse:
        """``wx.config`` of a page; ``url`` is where the phone sees the page, not what the page says."""
        body = json_object(request.body)
        told = self._checked(body.get("config"), body.get("url"))
        self._world.events.add(NAME, "page_configured", url=str(body.get("url"))[:SHOWN_CHARS_MAX], errMsg=told)
        return json_response(200, {"errMsg": told}, **FROM_ELSEWHERE)

    def share(self, request: HttpRequest) -> HttpResponse:
        """What a configured page wants to be shared as. The link has to stay on the page's own domain."""
        body = json_object(request.body)
        card, told = body.get("card"), self._checked(body.get("config"), body.get("url"))
        name = str(body.get("name"))
        if told == "config:ok" and isinstance(card, dict):
            same = urlsplit(str(card.get("link"))).netloc == urlsplit(str(body["url"])).netloc
            told = f"{name}:ok" if same and name in APIS else f"{name}:fail, permission denied"
        else:
            told = f"{name}:fail, the page is not configured"
        fields = card if isinstance(card, dict) else {}
        shown = {field: str(fields.get(field, ""))[:SHOWN_CHARS_MAX] for field in ("title", "desc", "link", "imgUrl")}
        self._world.events.add(NAME, "page_shared", name=name, errMsg=told, **shown)
        return json_response(200, {"errMsg": told}, **FROM_ELSEWHERE)

    def _checked(self, config: Any, url: Any) -> str:  # noqa: ANN401 (a page may send anything)
        try:
            given = msgspec.convert(config, _Config)
        except msgspec.ValidationError as error:
            return f"config:fail, {error}"
        account = self._accounts.by_appid(given.appId)
        if account is None:
            return "config:fail, invalid appid"
        if not isinstance(url, str) or self._world.faults.strike(NAME, "unbound_domain", given.appId):
            return "config:fail, invalid url domain"
        age = abs(self._world.clock.now().timestamp() - given.timestamp)
        if age > AGE_MAX.total_seconds() or not set(given.jsApiList) <= APIS:
            return "config:fail, invalid signature"
        return "config:ok" if given.signature in _signatures(account, given, url) else "config:fail, invalid signature"


class _Config(msgspec.Struct, frozen=True, kw_only=True):
    """As the page writes it."""

    appId: str  # noqa: N815 (the wire's names)
    timestamp: int
    nonceStr: str  # noqa: N815
    signature: str
    jsApiList: list[str]  # noqa: N815


def _signatures(account: Account, given: _Config, url: str) -> list[str]:
    """What the page may show: one signature for each ticket that lives."""
    texts = (page_text(ticket, given.nonceStr, given.timestamp, url) for ticket in account.live_tickets())
    return [hashlib.sha1(text.encode("utf-8"), usedforsecurity=False).hexdigest() for text in texts]


def page_text(ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """What is signed."""
    fields = {"noncestr": nonce, "jsapi_ticket": ticket, "timestamp": str(timestamp), "url": url.split("#", 1)[0]}
    return "&".join("=".join(pair) for pair in sorted(fields.items()))
