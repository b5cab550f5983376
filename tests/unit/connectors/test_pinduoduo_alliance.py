"""多多进宝: its published signature, what is sent, and what is made of its answers."""

import asyncio
import datetime as dt
import json
import random
from urllib.parse import parse_qs, parse_qsl

import pytest

from hutong.connectors.pinduoduo import gateway, signing
from hutong.connectors.pinduoduo.alliance import CONNECTOR
from hutong.connectors.pinduoduo.alliance_examine import examine
from hutong.connectors.pinduoduo.marks import CUSTOM_BYTES_MAX, carrying, mark_of
from hutong.core.errors import InvalidInput, PlatformFailure, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.conformance.doubles import StandingClock, account_of
from hutong.platforms.contract import ErrorWord
from hutong.platforms.credentials import Flaw
from hutong.platforms.jump_links import Promotion
from hutong.platforms.refusals import PlatformRefused
from hutong.transport.messages import Response

NOON = dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)
NOON_S = int(NOON.timestamp())
HOUR = dt.timedelta(hours=1)
MARK = "0J8w7Zk3bQ5xN2vT6yR1mC4hL9pD7sGaBcDeF"
CREDENTIALS = {"client_id": "c1", "client_secret": "made-at-run-time", "pid": "60005_612", "uid": ""}
ITEM = "https://mobile.yangkeduo.com/goods.html?goods_id=939144832144"
PROMOTION = Promotion(url=ITEM, names={"goods": "939144832144"}, mark=MARK)

# open.pinduoduo.com, 签名算法 (browse?idStr=8EC06C399636041E), the worked example: secret testSecret.
signing_md5 = signing.md5
EXAMPLE = {
    "type": "pdd.order.number.list.get",
    "access_token": "asd78172s8ds9a921j9qqwda12312w1w21211",
    "client_id": "1",
    "data_type": "XML",
    "order_status": "1",
    "page": "1",
    "page_size": "10",
    "timestamp": "1480411125",
}
EXAMPLE_SIGN = "E4DE3ED21002510DED352819E7AE6775"
#: pdd-sdk 1.0.8 (PyPI), pdd_sdk.api.base.sign, run by itself.
CHINESE = {
    "type": "pdd.ddk.goods.search",
    "client_id": "8f2b",
    "timestamp": "1764216000",
    "data_type": "JSON",
    "version": "V1",
    "keyword": "龙井 & 茶",
    "pid": "60005_612",
}
CHINESE_SIGN = "2AE898AC246F3DEB12D0F505FE70E102"


def ok(**envelopes):
    return Response(status=200, headers={}, body=json.dumps(envelopes, ensure_ascii=False).encode())


def refusal(code, sub_code=None, sub_msg="不行"):
    told = {
        "error_code": code,
        "error_msg": "业务服务错误",
        "sub_code": sub_code,
        "sub_msg": sub_msg,
        "request_id": "1",
    }
    return ok(error_response=told)


def found(*goods, **more):
    return ok(goods_search_response={"goods_list": list(goods), "total_count": len(goods), **more})


def made(**addresses):
    return ok(goods_promotion_url_generate_response={"goods_promotion_url_list": [addresses]})


def told(*orders, **more):
    return ok(order_list_get_response={"order_list": list(orders), **more})


GOODS = {"goods_sign": "E9X2eMMqGgRuX-lxwfDAOxErijUw0v3KLw_J6u8ChXc5", "search_id": "s1"}
LANDING = "mobile.yangkeduo.com/duo_coupon_landing.html?goods_id=939144832144&pid=60005_612"
ADDRESSES = {
    "mobile_short_url": "https://p.pinduoduo.com/abcd1234",
    "mobile_url": "https://mobile.yangkeduo.com/app.html?launch_url=duo_coupon_landing.html%3Fgoods_id%3D939144832144",
    "short_url": "https://p.pinduoduo.com/efgh5678",
    "url": f"https://{LANDING}",
    "schema_url": "pinduoduo://com.xunmeng.pinduoduo/duo_coupon_landing.html?goods_id=939144832144",
}
ORDER = {
    "order_sn": "261123-270806221493150",
    "order_id": "4392454506056436785",
    "p_id": "60005_612",
    "custom_parameters": f'{{"uid":"{MARK}"}}',
    "order_status": 0,
    "order_amount": 1999,
    "promotion_amount": 300,
    "duo_id_service_fee": 30,
    "goods_id": 939144832144,
    "goods_name": "龙井",
    "goods_quantity": 2,
    "order_create_time": NOON_S - 120,
    "order_pay_time": NOON_S - 60,
    "order_modify_at": NOON_S - 30,
}


def fields(request):
    return dict(parse_qsl(request.body.decode("ascii"), keep_blank_values=True))


def run(call, *answers, **changes):
    script = list(answers)
    account, http = account_of(
        CONNECTOR.name, "https://gw.example", {**CREDENTIALS, **changes}, StandingClock(NOON), lambda _: script.pop(0)
    )
    try:
        outcome = asyncio.run(call(account))
    except (PlatformUnknown, PlatformRefused, InvalidInput) as error:
        outcome = error
    return outcome, http.sent


def make(promotion=PROMOTION):
    return lambda account: CONNECTOR.jump_links.make(account, promotion)


def changed(cursor=None, start=NOON - HOUR, end=NOON):
    return lambda account: CONNECTOR.jump_links.changed(account, start, end, cursor)


def line_of(**changes):
    page, _ = run(changed(), told({**ORDER, **changes}, total_count=1))
    return page.lines[0] if hasattr(page, "lines") else page


# the signature


def test_the_published_example():
    assert signing.sign(EXAMPLE, "testSecret") == EXAMPLE_SIGN
    assert signing.sign({**EXAMPLE, "sign": "OLD"}, "testSecret") == EXAMPLE_SIGN
    assert signing.sign(CHINESE, "helloworld") == CHINESE_SIGN


@pytest.mark.parametrize("name", EXAMPLE)
def test_each_parameter_is_signed(name):
    assert signing.sign({**EXAMPLE, name: EXAMPLE[name] + "0"}, "testSecret") != EXAMPLE_SIGN
    assert signing.sign({k: v for k, v in EXAMPLE.items() if k != name}, "testSecret") != EXAMPLE_SIGN


@pytest.mark.parametrize(
    ("place", "mistake"),
    [
        ("canonical", lambda p: "".join(f"{n}{v}" for n, v in p.items() if n != "sign")),
        ("canonical", lambda p: "&".join(f"{n}={v}" for n, v in sorted(p.items()) if n != "sign")),
        ("canonical", lambda p: "".join(f"{n}{v}" for n, v in sorted(p.items()) if n not in ("sign", "type"))),
        ("canonical", lambda p: "".join(f"{n}{v}" for n, v in sorted(p.items(), reverse=True) if n != "sign")),
        ("md5", lambda text: signing_md5(text[len("testSecret") :])),
        ("md5", lambda text: signing_md5(text + b"testSecret")),
    ],
    ids=["unsorted", "as a query", "without its type", "in reverse", "secret only after", "secret twice after"],
)
def test_planted_mutation_is_caught(monkeypatch, place, mistake):
    monkeypatch.setattr(signing, place, mistake)
    assert signing.sign({**EXAMPLE, "sign": "OLD"}, "testSecret") != EXAMPLE_SIGN


def test_what_an_outside_client_signed_is_what_we_send():
    account, _ = account_of(
        CONNECTOR.name,
        "https://gw.example",
        {"client_id": "8f2b", "client_secret": "helloworld"},
        StandingClock(dt.datetime.fromtimestamp(1764216000, dt.UTC)),
        lambda _: None,
    )
    request = gateway.build(account, CHINESE["type"], {"keyword": CHINESE["keyword"], "pid": "60005_612", "page": ""})
    assert fields(request) == {**CHINESE, "sign": CHINESE_SIGN}
    assert (request.method, request.url) == ("POST", "https://gw.example/api/router")
    assert request.repeatable


# making addresses


def test_an_address_takes_a_search_and_a_call():
    promoted, (search, generate) = run(make(), found(GOODS), made(**ADDRESSES))
    asked = fields(search)
    assert (asked["type"], asked["keyword"], asked["pid"]) == ("pdd.ddk.goods.search", "939144832144", "60005_612")
    assert asked["page_size"] == "10", "fewer are refused"
    assert "custom_parameters" not in asked, "the position was filed by itself"
    asked = fields(generate)
    assert asked["type"] == "pdd.ddk.goods.promotion.url.generate"
    assert asked["p_id"] == "60005_612"
    assert json.loads(asked["goods_sign_list"]) == [GOODS["goods_sign"]]
    assert asked["custom_parameters"] == f'{{"uid":"{MARK}"}}'
    assert asked["search_id"] == "s1"
    assert promoted.url == ADDRESSES["mobile_short_url"]
    assert promoted.app_url == ADDRESSES["schema_url"]
    assert (promoted.told_as, promoted.share_code) == (MARK, "")


def test_a_filed_uid_is_searched_with_and_stays_beside_the_mark():
    _, (search, generate) = run(make(), found(GOODS), made(**ADDRESSES), uid="hub01")
    assert fields(search)["custom_parameters"] == '{"uid":"hub01"}'
    assert fields(generate)["custom_parameters"] == f'{{"uid":"hub01","sid":"{MARK}"}}'


def test_the_longest_mark_fits_beside_the_longest_uid():
    assert len(carrying("Z" * 40, "Z" * 5)) == CUSTOM_BYTES_MAX
    for mark, uid in (("Z" * 41, ""), ("", ""), ('a"b', ""), ("编", ""), ("Z" * 40, "Z" * 6)):
        with pytest.raises(InvalidInput):
            carrying(mark, uid)
    error, sent = run(make(), uid="two words")
    assert isinstance(error, InvalidInput)
    assert sent == []


def test_an_item_without_a_number_is_searched_by_its_address():
    short = Promotion(url="https://p.pinduoduo.com/XyZ", names={}, mark=MARK)
    error, _ = run(make(short), found(GOODS, GOODS), made(url=ADDRESSES["url"]))
    assert error.word is ErrorWord.NOT_FOUND, "words were searched for, not an address"
    promoted, sent = run(make(short), found(GOODS), made(url=ADDRESSES["url"]))
    assert fields(sent[0])["keyword"] == "https://p.pinduoduo.com/XyZ"
    assert (promoted.url, promoted.app_url) == (ADDRESSES["url"], "")


def test_what_the_alliance_does_not_know_is_not_found():
    for nothing in (found(), ok(goods_search_response={"goods_list": None})):
        error, sent = run(make(), nothing)
        assert (error.word, len(sent)) == (ErrorWord.NOT_FOUND, 1)


def test_another_item_than_the_one_asked_for_is_not_promoted():
    other = {name: address.replace("939144832144", "939144832145") for name, address in ADDRESSES.items()}
    error, _ = run(make(), found(GOODS), made(**other))
    assert error.word is ErrorWord.NOT_FOUND
    nameless = {"short_url": ADDRESSES["short_url"]}
    assert run(make(), found(GOODS), made(**nameless))[0].url == ADDRESSES["short_url"]
    error, _ = run(make(), found(GOODS, GOODS), made(**nameless))
    assert error.word is ErrorWord.NOT_FOUND, "one of two, and nothing says which"


@pytest.mark.parametrize(
    "answer",
    [
        made(),
        made(url="http://mobile.yangkeduo.com/x?goods_id=939144832144"),
        made(url="javascript:alert(1)//goods_id=939144832144"),
        ok(goods_promotion_url_generate_response={"goods_promotion_url_list": []}),
        ok(goods_promotion_url_generate_response={}),
        ok(goods_search_response={"goods_list": []}),
    ],
)
def test_an_answer_without_an_address_is_unknown(answer):
    error, _ = run(make(), found(GOODS), answer)
    assert isinstance(error, PlatformUnknown)


def test_an_app_address_of_another_kind_is_left_out():
    promoted, _ = run(make(), found(GOODS), made(**{**ADDRESSES, "schema_url": "https://elsewhere.example/"}))
    assert promoted.app_url == ""


@pytest.mark.parametrize(("field", "value"), [("pid", ""), ("pid", "612"), ("client_id", ""), ("client_secret", " ")])
def test_wrong_credentials_are_named_before_anything_is_sent(field, value):
    error, sent = run(make(), **{field: value})
    assert isinstance(error, InvalidInput)
    assert error.details["field"] == field
    assert sent == []


def test_the_trial_looks_at_the_filing():
    outcome, (request,) = run(
        lambda account: CONNECTOR.trial(account, "x"), ok(authority_query_response={"bind": 1}), uid="hub01"
    )
    assert outcome is None
    assert fields(request)["custom_parameters"] == '{"uid":"hub01"}'
    error, _ = run(lambda account: CONNECTOR.trial(account, "x"), ok(authority_query_response={"bind": 0}))
    assert error.word is ErrorWord.NOT_PERMITTED
    assert "备案" in error.text("zh-Hant").fix
    assert "filing link" in error.text("en").fix


# reading orders


def test_an_order_is_read_whole_and_exactly():
    line = line_of()
    assert line.order_no == line.line_id == "261123-270806221493150"
    assert (line.mark, line.goods_id, line.title, line.quantity) == (MARK, "939144832144", "龙井", 2)
    assert line.paid == Money.fen(1999)
    assert line.commission == Money.fen(270), "less the alliance's own fee"
    assert line.placed_at == NOON - dt.timedelta(seconds=120)
    assert line.paid_at == NOON - dt.timedelta(seconds=60)
    assert line.changed_at == NOON - dt.timedelta(seconds=30)
    assert line.clicked_at is None


def test_numbers_as_text_and_what_is_not_yet():
    texts = {name: str(value) for name, value in ORDER.items()}
    assert line_of(**texts) == line_of()
    for nothing in (None, 0, "0"):
        line = line_of(order_pay_time=nothing, promotion_amount=nothing, duo_id_service_fee=nothing, order_status=-1)
        assert (line.paid_at, line.commission, line.status) == (None, Money.fen(0), "unpaid")
    bare = {name: ORDER[name] for name in ("order_sn", "order_amount", "order_create_time", "order_modify_at")}
    page, _ = run(changed(), told({**bare, "order_status": 0}, total_count="1"))
    assert (page.lines[0].mark, page.lines[0].goods_id, page.lines[0].quantity) == ("", "", 1)


@pytest.mark.parametrize(
    ("raw", "status", "commission_fen"),
    [
        (-1, "unpaid", 270),
        (0, "paid", 270),
        (1, "paid", 270),
        (2, "received", 270),
        (3, "settled", 270),
        (4, "void", 0),
        (5, "settled", 270),
        (8, "void", 0),
        (10, "void", 0),
        ("5", "settled", 270),
        (6, "pending", 270),
        (99, "pending", 270),
        ("NEW", "pending", 270),
    ],
)
def test_statuses(raw, status, commission_fen):
    line = line_of(order_status=raw)
    assert (line.status, line.raw_status, line.commission) == (status, str(raw), Money.fen(commission_fen))


@pytest.mark.parametrize(
    ("custom", "mark"),
    [
        (f'{{"uid":"hub01","sid":"{MARK}"}}', MARK),
        (f'{{"sid":"{MARK}","uid":"hub01","more":[1]}}', MARK),
        ('{"uid":"u1","sid":""}', "u1"),
        ('{"uid": 6721102107}', "6721102107"),
        ("6721102107", "6721102107"),
        ("plain words & 字", "plain words & 字"),
        ('{"brokerId":"b"}', '{"brokerId":"b"}'),
        ('{"uid":true}', '{"uid":true}'),
        ('["a"]', '["a"]'),
        ('{"uid":', '{"uid":'),
        ("[" * 5000, "[" * 64),
        ("", ""),
        (None, ""),
        (17, ""),
        ({"uid": MARK}, MARK),
        (["x"], ""),
    ],
)
def test_marks_are_read_and_other_peoples_shapes_break_nothing(custom, mark):
    assert mark_of(custom) == mark
    assert line_of(custom_parameters=custom).mark == mark


@pytest.mark.parametrize(
    "changes",
    [
        {"order_amount": 19.99},
        {"order_amount": "19.99"},
        {"order_amount": None},
        {"order_amount": True},
        {"order_amount": 2**70},
        {"promotion_amount": "1e3"},
        {"order_create_time": 0},
        {"order_modify_at": "2026-11-23 12:00:00"},
        {"order_modify_at": 10**18},
        {"order_sn": ""},
        {"order_status": None},
        {"goods_quantity": "two"},
        {"goods_quantity": 1.5},
    ],
)
def test_what_cannot_be_read_exactly_is_unknown(changes):
    assert isinstance(line_of(**changes), PlatformUnknown)


def test_one_page_is_read_with_the_count():
    page, (request,) = run(changed(), told(ORDER, total_count=50))
    assert (page.next_cursor, len(page.lines)) == (None, 1)
    asked = fields(request)
    assert asked["type"] == "pdd.ddk.order.list.increment.get"
    assert (asked["start_update_time"], asked["end_update_time"]) == (str(NOON_S - 3600), str(NOON_S))
    assert (asked["page"], asked["page_size"], asked["return_count"]) == ("1", "50", "true")
    assert run(changed(), told(total_count=0))[0].lines == ()
    assert run(changed(), ok(order_list_get_response={"total_count": 0}))[0].lines == ()


def test_more_pages_are_counted_then_read_from_the_last_to_the_first():
    first, sent = run(changed(), told(ORDER, total_count=101), told(ORDER))
    assert first.next_cursor == "2"
    assert [fields(request)["page"] for request in sent] == ["1", "3"]
    assert [fields(request)["return_count"] for request in sent] == ["true", "false"]
    second, sent = run(changed("2"), told(ORDER, ORDER))
    assert (second.next_cursor, len(second.lines), len(sent)) == ("1", 2, 1)
    assert run(changed("1"), told(ORDER))[0].next_cursor is None


@pytest.mark.parametrize("count", [None, -1, "many", "", True, 1.5])
def test_without_a_count_nobody_knows_the_last_page(count):
    assert isinstance(run(changed(), told(ORDER, total_count=count))[0], PlatformUnknown)


def test_a_window_of_too_many_orders_says_so():
    assert isinstance(run(changed(), told(total_count=500_001))[0], InvalidInput)


@pytest.mark.parametrize("span", [dt.timedelta(0), -HOUR, dt.timedelta(hours=24, seconds=1)])
def test_windows_of_more_than_a_day_or_of_nothing_are_not_asked_for(span):
    error, sent = run(changed(start=NOON, end=NOON + span))
    assert isinstance(error, InvalidInput)
    assert sent == []


def test_a_whole_day_stays_a_day_in_whole_seconds():
    start = NOON - dt.timedelta(hours=24) + dt.timedelta(microseconds=900_000)
    _, (request,) = run(changed(start=start, end=start + dt.timedelta(hours=24)), told(total_count=0))
    asked = fields(request)
    assert int(asked["end_update_time"]) - int(asked["start_update_time"]) == 24 * 3600


@pytest.mark.parametrize("cursor", ["0", "-1", "x", "", "10001", "99999999", "0000019999", "１"])
def test_a_cursor_that_is_none_of_ours(cursor):
    error, sent = run(changed(cursor))
    assert isinstance(error, InvalidInput)
    assert sent == []


# refusals


@pytest.mark.parametrize(
    ("code", "sub_code", "word", "shown"),
    [
        (10001, None, ErrorWord.INVALID_REQUEST, "10001"),
        (10016, "10016", ErrorWord.BAD_SIGNATURE, "10016"),
        (10019, "10019", ErrorWord.TOKEN_EXPIRED, "10019"),
        (20004, "20004", ErrorWord.BAD_SIGNATURE, "20004"),
        (20005, 20005, ErrorWord.NOT_PERMITTED, "20005"),
        (20031, "", ErrorWord.NOT_PERMITTED, "20031"),
        (50001, "60001", ErrorWord.NOT_PERMITTED, "50001/60001"),
        (50001, 20001, ErrorWord.NOT_PERMITTED, "50001/20001"),
        (50001, "77", ErrorWord.UNKNOWN, "50001/77"),
        ("52101", "52101", ErrorWord.THROTTLED, "52101"),
        (70031, None, ErrorWord.THROTTLED, "70031"),
        (70036, None, ErrorWord.THROTTLED, "70036"),
        (99999, "1", ErrorWord.UNKNOWN, "99999/1"),
    ],
)
def test_refusals_carry_code_word_and_hint(code, sub_code, word, shown):
    for call in (make(), changed()):
        error, _ = run(call, refusal(code, sub_code))
        assert isinstance(error, PlatformRefused)
        assert (error.word, error.details["platform_code"]) == (word, shown)
        assert "不行" in error.text("zh-Hans").sentence


@pytest.mark.parametrize(
    "answer",
    [
        refusal(50000),
        refusal(50002, "50002"),
        refusal(52001),
        refusal(52102),
        refusal(52103),
        refusal(70033),
        Response(status=502, headers={}, body=b"<html>"),
        Response(status=200, headers={}, body=b""),
        Response(status=200, headers={}, body=b"[]"),
        Response(status=200, headers={}, body=b'{"another_response":{}}'),
        Response(status=200, headers={}, body=b'{"error_response":"broken"}'),
        Response(status=200, headers={}, body=b'{"error_response":{"error_msg":"no code"}}'),
        Response(status=200, headers={}, body=b'{"a":' * 5000),
        None,
    ],
)
def test_server_errors_and_strange_answers_are_unknown(answer):
    for call in (make(), changed(), changed("3"), lambda account: CONNECTOR.trial(account, "x")):
        assert isinstance(run(call, answer)[0], PlatformUnknown)


ODD = (None, True, 0, -1, 2**70, 1.5, "", "x", "9" * 5000, [], {}, [[]], [{}], {"uid": None})


@pytest.mark.parametrize(
    "good", [told(ORDER, total_count=1), found(GOODS), made(**ADDRESSES), refusal(50001, "60001")], ids=range(4)
)
def test_answers_that_are_almost_right_give_a_result_or_an_error_of_ours(good):
    dice = random.Random(7)

    def mutated(value):
        if isinstance(value, dict) and value and dice.random() < 0.85:
            name = dice.choice(list(value))
            return {**value, name: mutated(value[name])}
        if isinstance(value, list) and value and dice.random() < 0.85:
            return [mutated(value[0]), *value[1:]]
        return dice.choice(ODD)

    for _ in range(60):
        odd = Response(status=200, headers={}, body=json.dumps(mutated(json.loads(good.body))).encode())
        for call, answers in ((changed(), (odd, odd)), (make(), (odd, odd)), (make(), (found(GOODS), odd))):
            outcome, _ = run(call, *answers)
            assert not isinstance(outcome, Exception) or isinstance(
                outcome, PlatformFailure | PlatformUnknown | InvalidInput
            )


def test_no_secret_is_sent():
    _, sent = run(make(), found(GOODS), made(**ADDRESSES))
    for request in sent:
        assert "made-at-run-time" not in request.url + request.body.decode()
        assert len(parse_qs(request.body.decode())["sign"][0]) == 32


def test_credentials_are_looked_at():
    def flaws(**changes):
        return {one.field: one.flaw for one in examine({**CREDENTIALS, **changes}, NOON).flaws}

    assert flaws() == flaws(uid="hub01") == {}
    assert flaws(pid="612", uid="longer") == {"pid": Flaw.FORM, "uid": Flaw.FORM}
    assert flaws(client_id="", client_secret=" ", pid="") == dict.fromkeys(
        ("client_id", "client_secret", "pid"), Flaw.MISSING
    )
