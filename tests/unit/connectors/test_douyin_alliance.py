"""Douyin's alliance: what is sent, and what is made of its answers."""

import asyncio
import datetime as dt
import hashlib
import hmac
import importlib.util
import json
import pathlib
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from hutong.connectors.douyin import gateway, signing
from hutong.connectors.douyin.alliance import CONNECTOR
from hutong.connectors.douyin.errors import ERROR_WORDS
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.contract import ErrorWord
from hutong.platforms.credentials import Flaw
from hutong.platforms.jump_links import Carries, PromotedStatus, Promotion
from hutong.platforms.refusals import PlatformRefused
from hutong.transport.messages import Response

_spec = importlib.util.spec_from_file_location("douyin_side", pathlib.Path(__file__).with_name("douyin_side.py"))
side = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(side)

LINKS = CONNECTOR.jump_links
HOUR = dt.timedelta(hours=1)
ITEM = Promotion(url=side.PAGE, names={"goods": "3636752471654793993"}, mark="Ab12Z")
CHINA = dt.timezone(dt.timedelta(hours=8))


def make(answering, promotion=ITEM, **changes):
    account, http = side.account(answering, **changes)
    return asyncio.run(LINKS.make(account, promotion)), http


def changed(answering, start=side.NOON - HOUR, end=side.NOON, cursor=None, **changes):
    account, http = side.account(answering, **changes)
    return asyncio.run(LINKS.changed(account, start, end, cursor)), http


def query_of(request):
    return dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True, strict_parsing=True))


def line_of(**changes):
    page, _ = changed(lambda request: side.page({**side.ROW, **changes}))
    (line,) = page.lines
    return line


# the signature


def test_the_call_guides_own_example():
    # op.jinritemai.com, API调用指南 (guide 130), the worked example; two public clients pin it to this value.
    secret = "749698a6-fcb3-4358-b241-ec1d93cf9c1f"
    text = signing.canonical("6844048284663924231", "product.list", '{"page":"0","size":"20"}', "2020-07-05 22:33:59")
    assert signing.sign(secret, text) == "a84fc5747114e63196565192a19f80d9d78819b8c8f5940eeb282bf78260901d"


def test_param_json_is_sorted_and_written_as_it_is():
    assert signing.param_json({"b": True, "a": "链&<é", "c": 2}) == '{"a":"链&<é","b":true,"c":2}'.encode()


def test_what_is_signed_is_what_is_sent():
    _, http = make(lambda request: side.answer(side.SHARED))
    (request,) = http.sent
    query = query_of(request)
    assert urlsplit(request.url)[:3] == ("https", "gw.example", "/buyin/kolProductShare")
    text = (
        f"app_key{query['app_key']}methodbuyin.kolProductShareparam_json{request.body.decode()}"
        f"timestamp{query['timestamp']}v2"
    )
    secret = side.CREDENTIALS["app_secret"]
    wanted = hmac.new(secret.encode(), f"{secret}{text}{secret}".encode(), hashlib.sha256).hexdigest()
    assert query == {
        "app_key": "3409409348479354011",
        "method": "buyin.kolProductShare",
        "access_token": "token-made-for-this-run",
        "timestamp": "2026-11-23 12:00:00",
        "v": "2",
        "sign_method": "hmac-sha256",
        "sign": wanted,
    }
    assert "+" not in request.url
    assert request.method == "POST"
    assert request.repeatable


#: The function that is replaced, by a mistake that a person could make.
MISTAKES = {
    "unsorted": ("param_json", lambda b: json.dumps(b, separators=(",", ":")).encode()),
    "with_blanks": ("param_json", lambda b: json.dumps(b, sort_keys=True).encode()),
    "no_version": ("canonical", lambda k, m, j, t: f"app_key{k}method{m}param_json{j}timestamp{t}"),
    "method_as_path": (
        "canonical",
        lambda k, m, j, t: f"app_key{k}method{m.replace('.', '/')}param_json{j}timestamp{t}v2",
    ),
    "token_signed": ("canonical", lambda k, m, j, t: f"access_tokenxapp_key{k}method{m}param_json{j}timestamp{t}v2"),
    "upper_case": ("sign", lambda s, t: hmac.new(s.encode(), f"{s}{t}{s}".encode(), "sha256").hexdigest().upper()),
    "no_wrap": ("sign", lambda s, t: hmac.new(s.encode(), t.encode(), "sha256").hexdigest()),
    "secret_before": ("sign", lambda s, t: hmac.new(s.encode(), f"{s}{t}".encode(), "sha256").hexdigest()),
    "plain_sha256": ("sign", lambda s, t: hashlib.sha256(f"{s}{t}{s}".encode()).hexdigest()),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_planted_mistake_is_caught(name, monkeypatch):
    function, mistake = MISTAKES[name]
    monkeypatch.setattr(signing, function, mistake)
    monkeypatch.setattr(gateway, function, mistake)
    caught = []
    for test in (
        test_the_call_guides_own_example,
        test_param_json_is_sorted_and_written_as_it_is,
        test_what_is_signed_is_what_is_sent,
    ):
        try:
            test()
        except AssertionError:
            caught.append(test.__name__)
    assert caught


# make


def test_an_address_carries_the_mark():
    made, http = make(lambda request: side.answer(side.SHARED))
    assert (made.url, made.told_as) == (side.SHARED["share_link"], "Ab12Z")
    assert (made.app_url, made.share_code) == (side.SHARED["dy_deeplink"], side.SHARED["dy_password"])
    assert json.loads(http.sent[0].body) == {
        "external_info": "Ab12Z",
        "need_qr_code": False,
        "need_share_link": True,
        "need_zlink": False,
        "pid": side.CREDENTIALS["pid"],
        "platform": 0,
        "product_url": side.PAGE,
        "use_coupon": False,
    }
    assert LINKS.carries is Carries.CLICK
    assert (LINKS.destinations, LINKS.sells_on) == (("douyin",), "douyin")


def test_what_the_platform_leaves_out_is_empty():
    made, _ = make(lambda request: side.answer({"share_link": "https://haohuo.jinritemai.com/x", "dy_deeplink": None}))
    assert (made.app_url, made.share_code) == ("", "")


@pytest.mark.parametrize("link", [None, "", "snssdk1128://x", "http://haohuo.jinritemai.com/x", 7])
def test_an_answer_without_a_page_is_unknown(link):
    with pytest.raises(PlatformUnknown):
        make(lambda request: side.answer({**side.SHARED, "share_link": link}))


@pytest.mark.parametrize("mark", ["", "a_b", "a b", "Z" * 41, "编号", "a\n"])
def test_odd_marks_are_refused_before_anything_is_sent(mark):
    account, http = side.account(lambda request: side.answer(side.SHARED))
    odd = Promotion(url=side.PAGE, names={}, mark=mark)
    with pytest.raises(InvalidInput):
        asyncio.run(LINKS.make(account, odd))
    assert not http.sent


@pytest.mark.parametrize("field", ["app_key", "app_secret", "access_token", "pid"])
def test_a_missing_credential_is_named(field):
    with pytest.raises(InvalidInput) as caught:
        make(lambda request: side.answer(side.SHARED), **{field: ""})
    assert caught.value.details["field"] == field


# changed


@pytest.mark.parametrize(
    ("raw", "status", "commission"),
    [
        ("PAY_SUCC", PromotedStatus.PAID, 13),
        ("CONFIRM", PromotedStatus.RECEIVED, 13),
        ("SETTLE", PromotedStatus.SETTLED, 12),
        ("REFUND", PromotedStatus.VOID, 12),
        ("PAY_SUCCESS", PromotedStatus.PENDING, 13),
        ("", PromotedStatus.PENDING, 13),
    ],
)
def test_statuses_and_their_commission(raw, status, commission):
    line = line_of(flow_point=raw, ads_real_commission=12)
    assert (line.status, line.raw_status, line.commission) == (status, raw, Money.fen(commission))


def test_a_row_in_our_words():
    line = line_of()
    assert (line.order_no, line.line_id, line.goods_id) == (
        "6930504568556819833",
        "3636752471654793993",
        "3636752471654793993",
    )
    assert (line.mark, line.quantity, line.paid, line.title) == ("Ab12Z", 1, Money.fen(98), "帛图 PD 充电器")
    paid = dt.datetime(2026, 11, 23, 11, 35, 27, tzinfo=CHINA)
    assert (line.placed_at, line.paid_at) == (paid, paid)
    assert line.changed_at == dt.datetime(2026, 11, 23, 11, 36, 19, tzinfo=CHINA)
    assert line.clicked_at is None


def test_numbers_may_come_as_texts_and_ids_as_numbers():
    line = line_of(order_id=6930504568556819833, total_pay_amount="98", item_num="3", ads_estimated_commission="13")
    assert (line.order_no, line.paid, line.quantity) == ("6930504568556819833", Money.fen(98), 3)


@pytest.mark.parametrize("info", [None, {}, {"external_info": None}, {"external_info": ""}])
def test_an_order_without_a_mark_is_told_without_one(info):
    assert line_of(pid_info=info).mark == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"total_pay_amount": 9.8},
        {"total_pay_amount": "9.80"},
        {"total_pay_amount": -1},
        {"ads_estimated_commission": "1" * 19},
        {"update_time": ""},
        {"update_time": "2026-11-23T11:36:19+08:00"},
        {"pay_success_time": "昨天"},
        {"order_id": None},
        {"flow_point": 4},
    ],
)
def test_a_row_that_cannot_be_read_is_unknown(changes):
    with pytest.raises(PlatformUnknown):
        line_of(**changes)


def test_the_window_is_asked_for_by_change_in_beijings_time():
    _, http = changed(lambda request: side.page())
    assert json.loads(http.sent[0].body) == {
        "cursor": "0",
        "end_time": "2026-11-23 12:00:00",
        "pid": side.CREDENTIALS["pid"],
        "size": 200,
        "start_time": "2026-11-23 11:00:00",
        "time_type": "update",
    }
    assert urlsplit(http.sent[0].url).path == "/buyin/doukeOrderAds"


@pytest.mark.parametrize("cursor", ["", "0", "1717508179"])
def test_the_last_page_leads_nowhere(cursor):
    page, _ = changed(lambda request: side.page(side.ROW, cursor=cursor), cursor="1717508179")
    assert page.next_cursor is None
    empty, _ = changed(lambda request: side.answer({"orders": None, "cursor": "5"}))
    assert (empty.lines, empty.next_cursor) == ((), None)


def test_a_cursor_is_sent_on_as_it_came():
    page, _ = changed(lambda request: side.page(side.ROW, cursor="1717508179_6930504568556819833"))
    assert page.next_cursor == "1717508179_6930504568556819833"
    _, http = changed(lambda request: side.page(), cursor=page.next_cursor)
    assert json.loads(http.sent[0].body)["cursor"] == page.next_cursor


@pytest.mark.parametrize("cursor", ["", "a b", "x" * 201, '"'])
def test_an_odd_cursor_is_not_sent_and_not_given_out(cursor):
    account, http = side.account(lambda request: side.page())
    with pytest.raises(InvalidInput):
        asyncio.run(LINKS.changed(account, side.NOON - HOUR, side.NOON, cursor))
    assert not http.sent
    if cursor:
        with pytest.raises(PlatformUnknown):
            changed(lambda request: side.page(side.ROW, cursor=cursor))


def test_windows_are_kept_and_nothing_older_is_asked_for():
    days = dt.timedelta(days=1)
    assert changed(lambda request: side.page(), side.NOON - 90 * days, side.NOON - 60 * days)[0].lines == ()
    for start, end in (
        (side.NOON, side.NOON),
        (side.NOON - 31 * days, side.NOON),
        (side.NOON - 91 * days, side.NOON - 80 * days),
    ):
        with pytest.raises(InvalidInput):
            changed(lambda request: side.page(), start, end)


# errors


@pytest.mark.parametrize(
    ("code", "sub_code", "word"),
    [
        (40003, "isv.signature-invalid", ErrorWord.BAD_SIGNATURE),
        (40003, "isv.access-token-expired", ErrorWord.TOKEN_EXPIRED),
        (40003, "isv.something-new", ErrorWord.INVALID_REQUEST),
        (30001, "isv.app-permissions-insufficient", ErrorWord.NOT_PERMITTED),
        (40004, "isv.parameter-invalid:4349", ErrorWord.NOT_FOUND),
        (50002, "isv.business-failed:4354", ErrorWord.NOT_FOUND),
        (50002, "isv.business-failed:4618", ErrorWord.NOT_PERMITTED),
        (40004, "isv.parameter-invalid:8198", ErrorWord.NOT_PERMITTED),
        (50002, "isv.business-failed:4102", ErrorWord.INVALID_REQUEST),
        (50002, "isv.business-failed:99999", ErrorWord.UNKNOWN),
        (60000, "", ErrorWord.THROTTLED),
        (12345, "", ErrorWord.UNKNOWN),
    ],
)
def test_errors_have_words(code, sub_code, word):
    with pytest.raises(PlatformRefused) as caught:
        make(lambda request: side.answer(code=code, sub_code=sub_code, sub_msg="不行"))
    assert caught.value.word is word
    assert caught.value.details["platform_code"] == (sub_code or str(code))


@pytest.mark.parametrize(
    ("code", "sub_code"),
    [
        (20000, "isp.service-error:256"),
        (20000, "dop.service-error"),
        (20001, ""),
        (50002, "isv.business-failed:256"),
        (90000, "isp.service-error:1"),
    ],
)
def test_where_the_platform_failed_the_outcome_is_unknown(code, sub_code):
    with pytest.raises(PlatformUnknown):
        make(lambda request: side.answer(code=code, sub_code=sub_code))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"msg":"success"}',
        b'{"code":"10000"}',
        b'{"code":0,"data":{}}',
        b'{"code":10000}',
        b'{"code":10000,"data":[]}',
        b"<html>",
    ],
)
def test_what_cannot_be_read_is_unknown(body):
    with pytest.raises(PlatformUnknown):
        make(lambda request: Response(status=200, headers={}, body=body))
    with pytest.raises(PlatformUnknown):
        changed(lambda request: Response(status=502, headers={}, body=body))


def test_every_code_is_a_number_or_a_sub_code():
    assert all(code.isdigit() or code.startswith(("isv.", "dop.")) for code in ERROR_WORDS)


# credentials


def test_credentials_are_examined():
    good = CONNECTOR.examine(side.CREDENTIALS, side.NOON)
    assert good.flaws == ()
    odd = CONNECTOR.examine({**side.CREDENTIALS, "app_key": "123", "pid": "mm_1_2_3", "refresh_token": " "}, side.NOON)
    assert {(flaw.field, flaw.flaw) for flaw in odd.flaws} == {
        ("app_key", Flaw.FORM),
        ("pid", Flaw.FORM),
        ("refresh_token", Flaw.MISSING),
    }


def test_a_query_holds_no_secret_but_the_token():
    _, http = make(lambda request: side.answer(side.SHARED))
    sent = http.sent[0].url + http.sent[0].body.decode()
    assert side.CREDENTIALS["app_secret"] not in sent
    assert parse_qs(urlsplit(http.sent[0].url).query)["access_token"] == [side.CREDENTIALS["access_token"]]
