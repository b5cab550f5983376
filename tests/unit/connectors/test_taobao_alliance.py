"""淘宝联盟: what is sent for a place, an address and a page of orders, and what is made of the answers."""

import asyncio
import datetime as dt
import hashlib
import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from hutong.connectors.taobao.alliance import CONNECTOR
from hutong.connectors.taobao.alliance.examine import examine
from hutong.connectors.taobao.alliance.orders import PAGES_MAX
from hutong.connectors.taobao.errors import ERROR_WORDS
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.conformance.doubles import StandingClock, account_of
from hutong.platforms.contract import ErrorWord
from hutong.platforms.credentials import Flaw
from hutong.platforms.jump_links import Carries, PromotedStatus, Promotion
from hutong.platforms.refusals import PlatformRefused
from hutong.transport.messages import Response

LINKS = CONNECTOR.jump_links
NOON = dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)
SPAN = dt.timedelta(minutes=10)
BEIJING = dt.timezone(dt.timedelta(hours=8))
CREDENTIALS = {"app_key": "31987231", "app_secret": "made-at-run-time", "pid": "mm_12345678_45598009_110000000001"}
PAGE = "https://item.taobao.com/item.htm?id=612345678901"
BREAD = Promotion(url=PAGE, names={"item": "612345678901"}, mark="1C00ABCDEFG9")
PLACE = {"data": {"model": "mm_12345678_45598009_111112234455"}}
SHORT = "https://s.click.taobao.com/CvHjOPu"
LONG = "https://s.click.taobao.com/t?e=m%3D2%26s%3DKkbloP8JSAVw4vFB6t2Z&union_lens=lensId:TAPI@1671517839@21055fa7@01"
#: As the page of the order query shows one, but for the sums.
ROW = {
    "tb_paid_time": "2026-11-23 11:50:05",
    "tk_paid_time": "2026-11-23 11:50:09",
    "pay_price": "20.00",
    "pub_share_fee": "2.00",
    "trade_id": "294159887445064308",
    "tk_earning_time": "2026-11-23 11:59:00",
    "adzone_id": 111112234455,
    "pub_share_pre_fee": "2.46",
    "alipay_total_price": "24.60",
    "alimama_share_fee": "0.25",
    "item_title": "小面包",
    "item_num": 2,
    "trade_parent_id": "294159887445064307",
    "tk_create_time": "2026-11-23 11:50:00",
    "click_time": "2026-11-23 11:45:55",
    "tk_status": 12,
    "item_id": "612345678901",
    "seller_nick": "--",
    "site_id": 45598009,
    "modified_time": "2026-11-23 11:59:30",
}


def at(text):
    return dt.datetime.strptime(text, "%H:%M:%S").replace(year=2026, month=11, day=23, tzinfo=BEIJING)


def ok(method, record):
    name = method.removeprefix("taobao.").replace(".", "_") + "_response"
    return Response(status=200, headers={}, body=json.dumps({name: {**record, "request_id": "abc"}}).encode())


def materials(**told):
    return {"data": {"material_url_list": {"material_url_list": [told]}}}


def refusal(code, sub_code=""):
    record = {"error_response": {"code": code, "msg": "Remote service error", "sub_code": sub_code, "sub_msg": "不行"}}
    return Response(status=200, headers={}, body=json.dumps(record).encode())


def parameters(request):
    return dict(parse_qsl(urlsplit(request.url).query)) | dict(parse_qsl(request.body.decode()))


def account(told, credentials=CREDENTIALS):
    """``told``: what each method answers, or a response to all."""

    def answer(request):
        method = parameters(request)["method"]
        return told if isinstance(told, Response) else ok(method, told[method.split(".")[2]])

    return account_of("taobao_alliance", "https://gw.example", credentials, StandingClock(NOON), answer)


def make(convert, promotion=BREAD, *, place=PLACE, credentials=CREDENTIALS):
    made, http = account({"adzone": place, "dg": convert}, credentials)
    return asyncio.run(LINKS.make(made, promotion)), http


def page(*rows, **more):
    return {"order": {"data": {"results": {"publisher_order_dto": list(rows)}, "has_next": False, **more}}}


def changed(told, *, start=NOON - SPAN, end=NOON, cursor=None):
    asked, http = account(told)
    return asyncio.run(LINKS.changed(asked, start, end, cursor)), http


def line(**changes):
    (found,) = changed(page({**ROW, **changes}))[0].lines
    return found


def test_a_link_has_a_place_and_orders_tell_its_number():
    made, http = make(
        materials(link_info_dto={"cps_short_url": SHORT, "cps_full_tpwd": "39￥ CZ3457 zRmVdesjTCu￥ 小面包"})
    )
    assert (made.url, made.told_as) == (SHORT, "111112234455")
    assert (made.share_code, made.app_url) == ("39￥ CZ3457 zRmVdesjTCu￥ 小面包", "")
    assert (LINKS.carries, LINKS.sells_on, LINKS.destinations) == (Carries.LINK, "taobao", ("taobao", "tmall"))
    first, place, address = (parameters(request) for request in http.sent)
    assert (first["method"], first["adzone_id"]) == ("taobao.tbk.dg.general.link.convert", "110000000001")
    assert (place["method"], place["site_id"], place["adzone_name"]) == (
        "taobao.tbk.adzone.create",
        "45598009",
        "1C00ABCDEFG9",
    )
    assert (address["method"], address["adzone_id"]) == ("taobao.tbk.dg.general.link.convert", "111112234455")
    assert address["material_list"] == PAGE
    assert [request.repeatable for request in http.sent] == [True, False, True], "a place is asked for once"


def test_without_a_session_none_is_sent_or_signed():
    _, http = make(materials(link_info_dto={"cps_short_url": SHORT}))
    given = parameters(http.sent[0])
    assert "session" not in given
    text = "".join(name + value for name, value in sorted(given.items()) if name != "sign")
    wrapped = CREDENTIALS["app_secret"] + text + CREDENTIALS["app_secret"]
    assert given["sign"] == hashlib.md5(wrapped.encode()).hexdigest().upper()
    session = {**CREDENTIALS, "access_token": "6102abc"}
    _, http = make(materials(link_info_dto={"cps_short_url": SHORT}), credentials=session)
    assert {parameters(request)["session"] for request in http.sent} == {"6102abc"}


def test_a_comma_does_not_end_an_address():
    url = PAGE + "&spm=a,b"
    _, http = make(materials(link_info_dto={"cps_short_url": SHORT}), Promotion(url=url, names={}, mark="A"))
    assert parameters(http.sent[2])["material_list"] == PAGE + "&spm=a%2Cb"


@pytest.mark.parametrize(
    ("links", "url"),
    [
        ({"cps_long_url": LONG, "cps_short_url": SHORT}, SHORT),
        ({"cps_long_url": LONG}, LONG),
        ({"cps_long_url": LONG, "cps_short_url": "http://s.click.taobao.com/x"}, LONG),
        ({"cps_long_url": LONG, "cps_short_url": "https://s.click.taobao.com.evil.example/x"}, LONG),
        ({"cps_long_url": LONG, "cps_short_url": None}, LONG),
    ],
)
def test_the_address_is_a_page_of_the_alliance(links, url):
    assert make(materials(link_info_dto=links))[0].url == url


@pytest.mark.parametrize(
    "convert",
    [
        {"data": {}},
        {},
        {"data": None},
        materials(link_info_dto={}),
        materials(link_info_dto=None),
        materials(link_info_dto={"cps_short_url": "s.click.taobao.com/x"}),
        materials(link_info_dto={"cps_long_url": LONG + "&x=" + "y" * 1100}),
        materials(link_info_dto={"cps_short_url": "https://[x"}),
        {"data": {"material_url_list": {"material_url_list": [{}, {}]}}},
    ],
)
def test_an_answer_without_an_address_is_unknown(convert):
    with pytest.raises(PlatformUnknown):
        make(convert)


@pytest.mark.parametrize("model", ["", "mm_1_2", "mm_12345678_1_2", "111112234455", "mm_12345678_45598009_x"])
def test_an_answer_without_a_place_of_this_medium_is_unknown(model):
    with pytest.raises(PlatformUnknown):
        make(materials(link_info_dto={"cps_short_url": SHORT}), place={"data": {"model": model}})


@pytest.mark.parametrize(
    ("convert", "word"),
    [
        (materials(link_info_dto={}, code=1001, msg="无权限"), ErrorWord.NOT_PERMITTED),
        (materials(code=10000, msg="该item_id对应宝贝已下架或非淘客宝贝"), ErrorWord.NOT_FOUND),
        (materials(code=777, msg="?"), ErrorWord.UNKNOWN),
        (materials(code="异常", msg=None), ErrorWord.UNKNOWN),
        (materials(link_info_dto=None, code=1001), ErrorWord.NOT_PERMITTED),
        ({"data": {}, "biz_error_desc": 1001, "result_msg": "无权限"}, ErrorWord.NOT_PERMITTED),
        ({"data": None, "biz_error_desc": "1001"}, ErrorWord.NOT_PERMITTED),
    ],
)
def test_what_is_said_of_the_address_is_named(convert, word):
    made, http = account({"adzone": PLACE, "dg": convert})
    with pytest.raises(PlatformRefused) as caught:
        asyncio.run(LINKS.make(made, BREAD))
    assert caught.value.word is word
    assert len(http.sent) == 1, "a place was made for what cannot be promoted"


@pytest.mark.parametrize(
    ("code", "sub_code", "word"),
    [
        (11, "isv.permission-api-package-limit", ErrorWord.NOT_PERMITTED),
        (15, "isv.pid-not-correct", ErrorWord.NOT_PERMITTED),
        (15, "isv.item-not-exist", ErrorWord.NOT_FOUND),
        (15, "9100", ErrorWord.THROTTLED),
        (15, "3000", ErrorWord.THROTTLED),
        (7, "", ErrorWord.THROTTLED),
        (15, "2007", ErrorWord.INVALID_REQUEST),
        (15, "1008", ErrorWord.INVALID_REQUEST),
        (25, "", ErrorWord.BAD_SIGNATURE),
        (27, "isv.invalid-session", ErrorWord.TOKEN_EXPIRED),
    ],
)
def test_errors_are_named(code, sub_code, word):
    with pytest.raises(PlatformRefused) as caught:
        changed(refusal(code, sub_code))
    assert caught.value.word is word


@pytest.mark.parametrize("sub_code", ["3001", "isp.pubrpt-service-unavailable", "isp.tbkapi-service-unavailable"])
def test_a_platform_that_is_busy_may_have_done_it(sub_code):
    with pytest.raises(PlatformUnknown):
        changed(refusal(15, sub_code))


def test_a_shops_errors_are_not_the_alliances():
    """The gateway is shared, the codes of the services behind it are not."""
    assert "9100" not in ERROR_WORDS
    assert CONNECTOR.error_words["9100"] is ErrorWord.THROTTLED


@pytest.mark.parametrize("field", ["app_key", "app_secret", "pid"])
def test_a_missing_credential_is_named_before_anything_is_sent(field):
    made, http = account({}, {**CREDENTIALS, field: ""})
    with pytest.raises(InvalidInput):
        asyncio.run(LINKS.make(made, BREAD))
    assert not http.sent


def test_a_page_that_is_none_is_not_sent():
    made, http = account({})
    with pytest.raises(InvalidInput):
        asyncio.run(LINKS.make(made, Promotion(url="tbopen://m.taobao.com/x", names={}, mark="A")))
    assert not http.sent


def test_a_row_is_read_exactly():
    found = line()
    assert (found.order_no, found.line_id) == ("294159887445064307", "294159887445064308")
    assert (found.mark, found.goods_id, found.title, found.quantity) == ("111112234455", "612345678901", "小面包", 2)
    assert (found.paid, found.commission) == (Money.fen(2460), Money.fen(246 - 25))
    assert (found.placed_at, found.changed_at) == (at("11:50:00"), at("11:59:30"))
    assert (found.paid_at, found.clicked_at) == (at("11:50:05"), at("11:45:55"))


@pytest.mark.parametrize(
    ("raw", "status", "commission"),
    [
        (11, PromotedStatus.UNPAID, 221),
        (12, PromotedStatus.PAID, 221),
        (14, PromotedStatus.RECEIVED, 221),
        (3, PromotedStatus.SETTLED, 175),
        ("3", PromotedStatus.SETTLED, 175),
        (13, PromotedStatus.VOID, 0),
        (15, PromotedStatus.PENDING, 221),
    ],
)
def test_statuses(raw, status, commission):
    found = line(tk_status=raw)
    assert (found.status, found.raw_status) == (status, str(raw))
    assert found.commission == Money.fen(commission)


@pytest.mark.parametrize(("tag", "raw"), [(1, "3 维权"), ("1", "3 维权"), (0, "3"), ("0", "3"), ("", "3")])
def test_a_disputed_row_says_so_and_keeps_what_it_tells(tag, raw):
    """The documents say where to ask what is taken back, not that all of it is."""
    found = line(tk_status=3, refund_tag=tag)
    assert (found.status, found.raw_status, found.commission) == (PromotedStatus.SETTLED, raw, Money.fen(175))


def test_a_fee_beyond_the_share_leaves_nothing():
    assert line(pub_share_pre_fee="0", alimama_share_fee="0.25").commission == Money.fen(0)


def test_what_a_row_may_lack():
    bare = {name: ROW[name] for name in ("trade_id", "trade_parent_id", "adzone_id", "tk_create_time", "tk_status")}
    (found,) = changed(page(bare))[0].lines
    assert (found.paid_at, found.clicked_at) == (None, None)
    assert found.changed_at == found.placed_at
    assert found.paid == Money.fen(0)
    assert line(click_time="--", modified_time="").changed_at == at("11:59:00")
    assert line(tb_paid_time="").paid_at == at("11:50:09")
    assert line(trade_parent_id=4392454506056436785).order_no == "4392454506056436785"


@pytest.mark.parametrize(
    "changes",
    [
        {"alipay_total_price": "24.605"},
        {"alipay_total_price": 24.6},
        {"pub_share_pre_fee": "--"},
        {"tk_create_time": "yesterday"},
        {"modified_time": "2026-11-23T11:59:30Z"},
        {"trade_parent_id": None},
        {"trade_id": 2.9e17},
    ],
)
def test_a_row_that_cannot_be_read_is_unknown(changes):
    with pytest.raises(PlatformUnknown):
        line(**changes)


def test_a_window_is_asked_for_by_the_time_of_change():
    found, http = changed(page())
    assert (found.lines, found.next_cursor) == ((), None)
    given = parameters(http.sent[0])
    assert (given["start_time"], given["end_time"]) == ("2026-11-23 11:50:00", "2026-11-23 12:00:00")
    assert (given["query_type"], given["page_size"], given["page_no"]) == ("4", "100", "1")
    assert not {"position_index", "jump_type", "session"} & set(given)
    moment = NOON.replace(microsecond=1)
    _, http = changed(page(), start=moment, end=moment.replace(microsecond=2))
    assert parameters(http.sent[0])["end_time"] == "2026-11-23 12:00:01", "start and end must differ there"


def test_an_empty_page_may_have_no_rows_at_all():
    assert changed({"order": {"data": {"has_next": False}}})[0].lines == ()
    with pytest.raises(PlatformUnknown):
        changed({"order": {}})


def test_pages_go_on_from_the_position_that_was_told():
    position = "1555904214_lGltNdNvSX2|1555917305_lJfPMeFmdt2"
    first, _ = changed(page(ROW, has_next=True, position_index=position))
    second, http = changed(page(ROW), cursor=first.next_cursor)
    given = parameters(http.sent[0])
    assert (given["page_no"], given["position_index"], given["jump_type"]) == ("2", position, "1")
    assert second.next_cursor is None


def test_a_window_that_goes_on_without_a_position_or_without_end_is_refused():
    with pytest.raises(PlatformUnknown):
        changed(page(ROW, has_next=True))
    with pytest.raises(InvalidInput):
        changed(page(ROW, has_next=True, position_index="1_a|2_b"), cursor=f"{PAGES_MAX} 1_a|2_b")


@pytest.mark.parametrize("cursor", ["", "2", "2 ", "1 a", "101 a", "x a", "²3 a", "2 " + "a" * 257])
def test_a_cursor_of_nobody_is_refused(cursor):
    asked, http = account(page())
    with pytest.raises(InvalidInput):
        asyncio.run(LINKS.changed(asked, NOON - SPAN, NOON, cursor))
    assert not http.sent


def test_examine():
    assert not examine(CREDENTIALS, NOON).flaws
    found = examine({**CREDENTIALS, "app_key": "x", "pid": "mm_1_2"}, NOON).flaws
    assert {one.field: one.flaw for one in found} == {"app_key": Flaw.FORM, "pid": Flaw.FORM}
    assert {one.field for one in examine({}, NOON).flaws} == {"app_key", "app_secret", "pid"}
