"""The silent sign-in: the page's address, the exchange, and its errors that come with status 200."""

import asyncio
import json

import pytest

from hutong.connectors.wechatpay import CONNECTOR
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused
from hutong.transport.messages import Response

IDENTITY = CONNECTOR.identity


def exchange(wechat, answer, code="061code", **changes):
    account, http = wechat.account(lambda request: answer, **changes)
    try:
        outcome = asyncio.run(IDENTITY.visitor_id(account, code))
    except (PlatformUnknown, PlatformRefused) as error:
        outcome = error
    return outcome, http.sent


def plain(record, status=200):
    return Response(status=status, headers={}, body=json.dumps(record).encode())


def test_the_address_in_the_order_the_platform_wants(wechat):
    account, _ = wechat.account()
    url = IDENTITY.authorise_url(account, "https://shop.example/c/1?a=b", "st4te")
    assert url == (
        "https://pay.example/connect/oauth2/authorize?appid=wxd678efh567hg6787"
        "&redirect_uri=https%3A%2F%2Fshop.example%2Fc%2F1%3Fa%3Db&response_type=code&scope=snsapi_base&state=st4te"
        "#wechat_redirect"
    )


def test_the_live_platform_has_hosts_of_its_own(wechat):
    account, _ = wechat.account(base_url="https://api.mch.weixin.qq.com/")
    assert IDENTITY.authorise_url(account, "https://s.example", "x").startswith("https://open.weixin.qq.com/connect/")
    _, (request,) = exchange(wechat, plain({"openid": "o1"}), base_url="https://api.mch.weixin.qq.com")
    assert request.url.startswith("https://api.weixin.qq.com/sns/oauth2/access_token?appid=")


@pytest.mark.parametrize("state", ["", "a b", "x" * 129, "a&code=1", "é"])
def test_a_state_that_would_not_come_back_is_refused(wechat, state):
    account, _ = wechat.account()
    with pytest.raises(InvalidInput):
        IDENTITY.authorise_url(account, "https://s.example", state)


def test_the_exchange_is_sent_once(wechat):
    openid, (request,) = exchange(wechat, plain({"access_token": "T", "openid": "oUp", "scope": "snsapi_base"}), "a&b")
    assert openid == "oUp"
    assert request.url == (
        "https://pay.example/sns/oauth2/access_token?appid=wxd678efh567hg6787&secret=made-at-run-time-app-secret"
        "&code=a%26b&grant_type=authorization_code"
    )
    assert not request.repeatable


@pytest.mark.parametrize(
    ("code", "word"),
    [(40029, ErrorWord.INVALID_REQUEST), (40163, ErrorWord.ALREADY_DONE), (45011, ErrorWord.THROTTLED),
     (40125, ErrorWord.BAD_SIGNATURE), (99999, ErrorWord.UNKNOWN)],
)  # fmt: skip
def test_refusals(wechat, code, word):
    error, _ = exchange(wechat, plain({"errcode": code, "errmsg": "invalid code"}))
    assert isinstance(error, PlatformRefused)
    assert (error.word, error.details["platform_code"]) == (word, str(code))


@pytest.mark.parametrize(
    "answer",
    [plain({}), plain({"openid": 5}), plain([]), plain({"openid": "x"}, 502), plain({"errcode": -1, "errmsg": "busy"}),
     Response(status=200, headers={}, body=b"<html>"), None],
)  # fmt: skip
def test_what_cannot_be_read_is_unknown(wechat, answer):
    error, _ = exchange(wechat, answer)
    assert isinstance(error, PlatformUnknown)


def test_a_mini_programs_login_is_exchanged_with_that_apps_own_secret(wechat):
    changes = {"mini_appid": "wxmini", "mini_app_secret": "made-at-run-time"}
    account, http = wechat.account(lambda request: plain({"openid": "oMini", "session_key": "k"}), **changes)
    assert asyncio.run(IDENTITY.mini_visitor_id(account, "a&b")) == "oMini"
    (request,) = http.sent
    assert request.url == (
        "https://pay.example/sns/jscode2session?appid=wxmini&secret=made-at-run-time"
        "&js_code=a%26b&grant_type=authorization_code"
    )
    assert not request.repeatable


@pytest.mark.parametrize("missing", ["mini_appid", "mini_app_secret"])
def test_without_the_mini_programs_credentials_nothing_is_sent(wechat, missing):
    changes = {"mini_appid": "wxmini", "mini_app_secret": "made-at-run-time", missing: ""}
    account, http = wechat.account(lambda request: plain({"openid": "oMini"}), **changes)
    with pytest.raises(InvalidInput):
        asyncio.run(IDENTITY.mini_visitor_id(account, "code"))
    assert http.sent == []
