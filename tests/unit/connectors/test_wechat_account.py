"""Pages signed for WeChat: the published example, what breaks it, what is sent, and what refusals tell."""

from __future__ import annotations

import asyncio
import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.connectors.wechat_account import CONNECTOR, pages
from hutong.connectors.wechat_account.errors import TOLD
from hutong.connectors.wechat_account.pages import WechatPages, signature
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.platforms.conformance.doubles import StandingClock, account_of
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused
from hutong.transport.messages import Response

# developers.weixin.qq.com, JS-SDK使用权限签名算法 (附录1), word for word.
TICKET = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
NONCE = "Wm3WZYTPz0wzccnW"
AT = 1414587457
URL = "http://mp.weixin.qq.com?params=value"
PUBLISHED = "0f9de62fce790f9a083d5c99e95740ceb90c27ed"
CREDENTIALS = {"appid": "wx0123456789abcdef", "app_secret": "made-at-run-time-secret"}


def account(answer=lambda request: None, base_url="https://api.weixin.qq.com", **changes):
    clock = StandingClock(dt.datetime(2026, 11, 27, 8, 0, tzinfo=dt.UTC))
    return account_of("wechat_account", base_url, {**CREDENTIALS, **changes}, clock, answer)


def answered(record, status=200):
    body = record if isinstance(record, bytes) else json.dumps(record).encode()
    return lambda request: Response(status=status, headers={}, body=body)


def test_the_published_example():
    assert signature(TICKET, NONCE, AT, URL) == PUBLISHED
    assert signature(TICKET, NONCE, AT, URL + "#top") == PUBLISHED


@pytest.mark.parametrize(
    "changed",
    [
        (TICKET[:-1], NONCE, AT, URL),
        (TICKET, NONCE.lower(), AT, URL),
        (TICKET, NONCE, AT + 1, URL),
        (TICKET, NONCE, AT, URL + "/"),
        (TICKET, NONCE, AT, URL.replace("?", "%3F")),
        (TICKET, NONCE, AT, URL.replace("http:", "https:")),
    ],
)
def test_whatever_differs_is_signed_otherwise(changed):
    assert signature(*changed) != PUBLISHED


@given(st.text(min_size=1), st.text())
def test_the_fragment_is_never_signed(page, fragment):
    plain = page.replace("#", "")
    assert signature(TICKET, NONCE, AT, f"{plain}#{fragment}") == signature(TICKET, NONCE, AT, plain)


def test_a_page_carries_what_was_signed():
    at, _ = account()
    config = WechatPages().sign(at, TICKET, URL)
    assert config.app_id == CREDENTIALS["appid"]
    assert config.signature == signature(TICKET, config.nonce, config.timestamp, URL)
    assert config.timestamp == int(at.clock.now().timestamp())


def test_the_script_comes_from_wechats_own_host_and_a_sandboxs_from_the_sandbox():
    assert WechatPages().script(account()[0]) == "https://res.wx.qq.com/open/js/jweixin-1.6.0.js"
    near = account(base_url="http://127.0.0.1:8104/")[0]
    assert WechatPages().script(near) == "http://127.0.0.1:8104/open/js/jweixin-1.6.0.js"


def test_the_token_is_asked_for_without_force_so_that_other_programs_keep_theirs():
    at, http = account(answered({"access_token": "88_abc", "expires_in": 7200}))
    grant = asyncio.run(WechatPages().token(at))
    assert (grant.value, grant.lives_s) == ("88_abc", 7200)
    [sent] = http.sent
    assert json.loads(sent.body) == {
        "grant_type": "client_credential",
        "appid": CREDENTIALS["appid"],
        "secret": CREDENTIALS["app_secret"],
        "force_refresh": False,
    }
    assert (sent.method, sent.url) == ("POST", "https://api.weixin.qq.com/cgi-bin/stable_token")
    assert "88_abc" not in repr(grant)


@pytest.mark.parametrize("token", ["", "a&type=wx_card", "a b", "a\r\nHost: x", "a#b", "中"])
def test_a_token_that_is_none_is_not_put_into_an_address(token):
    at, http = account()
    with pytest.raises(InvalidInput):
        asyncio.run(WechatPages().ticket(at, token))
    assert not http.sent


@pytest.mark.parametrize(
    "record",
    [
        {"ticket": "", "expires_in": 7200},
        {"ticket": "x", "expires_in": 0},
        {"ticket": "x", "expires_in": 10**9},
        {"ticket": "x" * 2000, "expires_in": 7200},
        {"ticket": 7, "expires_in": 7200},
        b"<html>",
    ],
)
def test_a_grant_that_cannot_be_believed_is_unknown(record):
    at, _ = account(answered(record))
    with pytest.raises(PlatformUnknown):
        asyncio.run(WechatPages().ticket(at, "88_abc"))


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (40001, ErrorWord.TOKEN_EXPIRED),
        (42001, ErrorWord.TOKEN_EXPIRED),
        (40164, ErrorWord.NOT_PERMITTED),
        (45009, ErrorWord.THROTTLED),
        (40125, ErrorWord.BAD_SIGNATURE),
        (99999, ErrorWord.UNKNOWN),
    ],
)
def test_refusals_have_their_word(code, word):
    at, _ = account(answered({"errcode": code, "errmsg": "no rid: 1"}))
    with pytest.raises(PlatformRefused) as caught:
        asyncio.run(WechatPages().ticket(at, "88_abc"))
    assert caught.value.word is word


def test_a_busy_platform_is_unknown():
    at, _ = account(answered({"errcode": -1, "errmsg": "system error"}))
    with pytest.raises(PlatformUnknown):
        asyncio.run(WechatPages().token(at))


@pytest.mark.parametrize("code", sorted(TOLD))
def test_what_a_person_has_to_do_is_told_in_both_languages(code):
    at, _ = account(answered({"errcode": int(code), "errmsg": "invalid ip 203.0.113.9"}))
    with pytest.raises(PlatformRefused) as caught:
        asyncio.run(WechatPages().token(at))
    zh, en = caught.value.text("zh-Hans"), caught.value.text("en")
    assert (zh.cause, zh.fix) == TOLD[code][0]
    assert (en.cause, en.fix) == TOLD[code][1]
    assert "203.0.113.9" in zh.sentence


@pytest.mark.parametrize(
    ("field", "value"), [("appid", "gh_123"), ("appid", ""), ("app_secret", "short"), ("app_secret", "")]
)
def test_credentials_that_cannot_work_are_told(field, value):
    good = {"appid": "wx0123456789abcdef", "app_secret": "0123456789abcdef" * 2}
    now = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)
    assert pages.trial is CONNECTOR.trial
    assert CONNECTOR.examine(good, now).flaws == ()
    assert [flaw.field for flaw in CONNECTOR.examine({**good, field: value}, now).flaws] == [field]
