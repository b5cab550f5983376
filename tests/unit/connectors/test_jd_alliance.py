"""京东联盟: what is sent, and what is made of its answers."""

import asyncio
import datetime as dt
import hashlib
import json
from urllib.parse import parse_qsl

import pytest

from hutong.connectors.jd.alliance import CONNECTOR
from hutong.connectors.jd.errors import ERROR_WORDS
from hutong.connectors.jd.examine import examine
from hutong.connectors.jd.rows import STATUSES
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.conformance.doubles import StandingClock, account_of
from hutong.platforms.contract import ErrorWord
from hutong.platforms.credentials import Flaw
from hutong.platforms.jump_links import PromotedStatus, Promotion
from hutong.platforms.refusals import PlatformRefused
from hutong.transport.messages import Response

NOON = dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
CREDENTIALS = {"app_key": "0123456789abcdef0123456789abcdef", "app_secret": "fedcba9876543210fedcba9876543210"}
ITEM = Promotion(url="https://item.jd.com/100010793716.html", names={"item": "100010793716"}, mark="0Hk3vQ7Zb1")
LONG = "https://union-click.jd.com/jdc?e=618&p=JF8BANgJK1olXDYC"
#: The documents' own example of a row, as the gateway writes numbers.
ROW = """{"orderId":108618000005,"estimateFee":2.43,"pid":"618_618_618","orderEmt":2,"orderTime":"2020-01-02 15:50:16",
"modifyTime":"2020-01-02 16:01:03","payMonth":"0","price":69.0,"id":"415900297816660001","actualFee":0.0,
"skuId":44303679033,"finishTime":"","unionId":1000618618,"skuReturnNum":0,"actualCosPrice":0.0,"commissionRate":5.0,
"estimateCosPrice":54.0,"validCode":16,"skuName":"变色龙盲盒","finalRate":90.0,"parentId":0,"subUnionId":"0Hk3vQ7Zb1",
"positionId":0,"siteId":61866,"skuNum":1}"""


def method_of(request):
    return dict(parse_qsl(request.body.decode()))["method"]


def envelope(method, result, name=None):
    """The newer gateway's: the result is JSON text inside."""
    name = name or f"{method.rpartition('.')[2]}Result"
    body = {method.replace(".", "_") + "_responce": {"code": "0", name: result}}
    return Response(status=200, headers={}, body=json.dumps(body, ensure_ascii=False).encode())


def told(result):
    text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
    return lambda request: envelope(method_of(request), text)


def rows(*texts, more=False):
    return told(f'{{"code":200,"hasMore":{json.dumps(more)},"message":"success","data":[{",".join(texts)}]}}')


def row(**changes):
    """The example with other fields; a text is put in as it stands, so that digits stay digits."""
    made = json.loads(ROW, parse_float=str)
    text = ROW
    for name, value in changes.items():
        old = json.dumps(made[name], ensure_ascii=False) if name in made else None
        assert old is None or f'"{name}":' in text
        parts = text.split(f'"{name}":', 1)
        if len(parts) == 1:
            text = text[:-1] + f',"{name}":{value}}}'
        else:
            end = min(at for at in (parts[1].find(","), parts[1].find("}")) if at >= 0)
            text = f'{parts[0]}"{name}":{value}{parts[1][end:]}'
    return text


def run(call, *answers, now=NOON, **changes):
    script = list(answers)

    def answer(request):
        step = script.pop(0)
        return step(request) if callable(step) else step

    account, http = account_of(
        "jd_alliance", "https://api.example", {**CREDENTIALS, **changes}, StandingClock(now), answer
    )
    try:
        outcome = asyncio.run(call(account))
    except (PlatformUnknown, PlatformRefused, InvalidInput) as error:
        outcome = error
    return outcome, http.sent


def make(promotion=ITEM):
    return lambda account: CONNECTOR.jump_links.make(account, promotion)


def changed(cursor=None, start=NOON - HOUR, end=NOON):
    return lambda account: CONNECTOR.jump_links.changed(account, start, end, cursor)


def line(*texts, **more):
    page, _ = run(changed(), rows(*texts or (ROW,)), **more)
    assert not isinstance(page, Exception), page
    return page.lines[0]


def sent_of(request):
    fields = dict(parse_qsl(request.body.decode()))
    return fields, json.loads(fields["360buy_param_json"])


def test_everything_is_signed_and_sent_as_a_form():
    _, (request,) = run(make(), told({"code": 200, "data": {"clickURL": LONG}}))
    fields = dict(parse_qsl(request.body.decode()))
    signature = fields.pop("sign")
    text = "".join(name + value for name, value in sorted(fields.items()))
    secret = CREDENTIALS["app_secret"]
    assert signature == hashlib.md5(f"{secret}{text}{secret}".encode()).hexdigest().upper()
    business = fields.pop("360buy_param_json")
    assert fields == {
        "method": "jd.union.open.promotion.bysubunionid.get",
        "app_key": CREDENTIALS["app_key"],
        "timestamp": "2026-11-23 12:00:00",
        "format": "json",
        "v": "1.0",
        "sign_method": "md5",
    }
    assert json.loads(business) == {
        "promotionCodeReq": {"materialId": ITEM.url, "subUnionId": ITEM.mark, "chainType": 1}
    }
    assert (request.method, request.url, request.repeatable) == ("POST", "https://api.example/routerjson", True)


def test_with_a_site_addresses_are_made_by_the_call_for_sites():
    answer = told({"code": 200, "data": {"clickURL": LONG.replace("https", "http", 1), "jCommand": "6.0复制整段话"}})
    made, (request,) = run(make(), answer, site_id="4100183350", position_id="3003262349")
    fields, business = sent_of(request)
    assert fields["method"] == "jd.union.open.promotion.common.get"
    assert business["promotionCodeReq"] == {
        "materialId": ITEM.url,
        "subUnionId": ITEM.mark,
        "positionId": 3003262349,
        "siteId": "4100183350",
    }
    assert (made.url, made.told_as, made.share_code, made.app_url) == (LONG, ITEM.mark, "6.0复制整段话", "")


def test_a_short_address_will_do_where_there_is_no_long_one():
    made, _ = run(make(), told({"code": "200", "data": {"clickURL": None, "shortURL": "https://u.jd.com/Ab12"}}))
    assert made.url == "https://u.jd.com/Ab12"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ftp://u.jd.com/a",
        "https://u.jd.com.evil.example/a",
        "https://a@u.jd.com/a",
        "https://[u.jd.com/a",
        "u.jd.com/a",
    ],
)
def test_an_address_of_somebody_else_is_none(address):
    outcome, _ = run(make(), told({"code": 200, "data": {"clickURL": address}}))
    assert isinstance(outcome, PlatformUnknown)


def test_a_success_without_an_address_is_unknown():
    assert isinstance(run(make(), told({"code": 200, "message": "success"}))[0], PlatformUnknown)


@pytest.mark.parametrize("credential", ["app_key", "app_secret"])
def test_missing_credentials_are_named(credential):
    error, sent = run(make(), **{credential: ""})
    assert error.details["field"] == credential
    assert sent == []


def test_a_position_that_is_no_number_is_refused():
    error, sent = run(make(), position_id="12;")
    assert error.details["field"] == "position_id"
    assert sent == []


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (403, ErrorWord.NOT_PERMITTED),
        (2001403, ErrorWord.NOT_PERMITTED),
        ("2001104", ErrorWord.NOT_FOUND),
        (429, ErrorWord.THROTTLED),
        (2001208, ErrorWord.INVALID_REQUEST),
        (77, ErrorWord.UNKNOWN),
    ],
)
def test_the_alliances_refusals(code, word):
    error, _ = run(make(), told({"code": code, "message": "不行", "requestId": "1"}))
    assert isinstance(error, PlatformRefused)
    assert (error.word, error.details["platform_code"], error.details["message"]) == (word, str(code), "不行")


@pytest.mark.parametrize(("code", "word"), [("12", "bad_signature"), ("2", "throttled"), (21, "bad_signature")])
def test_the_gateways_refusals(code, word):
    body = {"error_response": {"code": code, "zh_desc": "无效签名", "en_desc": "Invalid Signature"}}
    error, _ = run(make(), Response(status=200, headers={}, body=json.dumps(body).encode()))
    assert (error.word.value, error.details["platform_code"]) == (word, str(code))


@pytest.mark.parametrize("code", [code for code, word in ERROR_WORDS.items() if word is ErrorWord.UNAVAILABLE])
def test_a_platform_that_failed_may_have_done_it(code):
    for answer in (
        told({"code": int(code), "message": "稍后重试"}),
        Response(status=200, headers={}, body=json.dumps({"error_response": {"code": code}}).encode()),
    ):
        error, _ = run(make(), answer)
        assert isinstance(error, PlatformUnknown)


@pytest.mark.parametrize(
    "answer",
    [
        Response(status=502, headers={}, body=b"{}"),
        Response(status=200, headers={}, body=b"<html>"),
        Response(status=200, headers={}, body=b"{}"),
        Response(status=200, headers={}, body=b'{"jd_union_open_order_row_query_responce":{"code":"0"}}'),
        told("no json"),
        told("[]"),
        told({"code": 200, "data": {}}),
        told({"code": 200, "data": [{"id": "1"}]}),
        rows(row(modifyTime='"yesterday"')),
        rows(row(estimateFee='"2,43"')),
        rows(row(estimateFee="2.435")),  # finer than a fen is not rounded here
        rows(row(estimateCosPrice="1e2000")),
        rows(row(skuNum='"two"')),
        lambda request: envelope(method_of(request), '{"code":200}', name="result"),
    ],
)
def test_unreadable_answers_are_unknown(answer):
    outcome, _ = run(changed(), answer)
    assert isinstance(outcome, PlatformUnknown), outcome


def test_the_result_may_be_an_object_as_the_documents_show_it():
    documents = json.loads(ROW, parse_float=str, parse_int=str)  # they show every number as a text
    body = {"jd_union_open_order_row_query_response": {"queryResult": {"code": "200", "data": [documents]}}}
    page, _ = run(changed(), Response(status=200, headers={}, body=json.dumps(body).encode()))
    assert page.lines[0] == line()


def test_a_row_is_read_whole_and_exactly():
    read = line()
    china = dt.timezone(dt.timedelta(hours=8))
    assert (read.order_no, read.line_id, read.goods_id) == ("108618000005", "415900297816660001", "44303679033")
    assert (read.mark, read.title, read.quantity) == (ITEM.mark, "变色龙盲盒", 1)
    assert (read.paid, read.commission) == (Money.fen(5400), Money.fen(243))
    assert (read.status, read.raw_status) == (PromotedStatus.PAID, "16")
    assert read.placed_at == dt.datetime(2020, 1, 2, 15, 50, 16, tzinfo=china)
    assert read.changed_at == dt.datetime(2020, 1, 2, 16, 1, 3, tzinfo=china)
    assert (read.paid_at, read.clicked_at) == (None, None)


def test_sums_are_read_from_their_digits():
    # Neither sum is one of binary fractions: through a float both would be other fen.
    read = line(row(estimateCosPrice="70368744177664.13", estimateFee="1.10"))
    assert (read.paid, read.commission) == (Money.fen(7036874417766413), Money.fen(110))
    assert line(row(orderId="4392454506056436785")).order_no == "4392454506056436785"
    assert line(row(estimateFee="2.4300")).commission == Money.fen(243)


def test_sums_may_be_written_as_java_writes_them():
    assert line(row(estimateCosPrice="1.234567891E7")).paid == Money.fen(1234567891)
    for odd in ("1e999999999", "1e-999999999", '"NaN"', '"Infinity"'):
        assert isinstance(run(changed(), rows(row(estimateCosPrice=odd)))[0], PlatformUnknown), odd


ODD = (
    None, True, 0, -1, 2**70, 1.5, 1e400, "", "-1", "x", "9" * 5000, "1e9", "2026-13-01 00:00:00",
    "0001-01-01 00:00:00", [], {}, [[]], [{}],
)  # fmt: skip


@pytest.mark.parametrize("what", ["changed", "make"])
def test_whatever_is_changed_in_an_answer_it_is_read_or_one_of_our_errors(what):
    """In each place of each level, one after the other, stands each odd thing; or the place is gone."""
    good = {"code": 200, "hasMore": False, "message": "success", "data": [json.loads(ROW)]}
    if what == "make":
        good["data"] = {"clickURL": LONG, "shortURL": "https://u.jd.com/a", "jCommand": "x"}
    inner = good["data"] if what == "make" else good["data"][0]
    readable = 0
    for holder in (good, inner):
        for name in list(holder):
            kept = holder.pop(name)
            answers = [json.dumps(good)]
            for odd in ODD:
                holder[name] = odd
                answers.append(json.dumps(good))
            holder[name] = kept
            for answer in answers:
                outcome, _ = run(changed() if what == "changed" else make(), told(answer))
                readable += not isinstance(outcome, Exception)
    assert readable > 0
    assert isinstance(run(make(), told(json.dumps(good)))[0], PlatformUnknown) is (what == "changed")


def test_no_permission_for_marks_is_an_empty_mark():
    assert line(row(subUnionId="null")).mark == ""


VOID = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 19, 20, 21, 22, 23, 25, 26, 27, 28, 29, 30, 31, 34)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (15, PromotedStatus.UNPAID),
        (16, PromotedStatus.PAID),
        (17, PromotedStatus.RECEIVED),
        (18, PromotedStatus.SETTLED),
        (24, PromotedStatus.UNPAID),
        *((code, PromotedStatus.VOID) for code in VOID),
        *((code, PromotedStatus.PENDING) for code in (-1, 0, 1, 32, 33, 35, 99)),
    ],
)
def test_statuses(code, status):
    read = line(row(validCode=code))
    assert (read.status, read.raw_status) == (status, str(code))
    if status is PromotedStatus.VOID:
        assert read.commission == Money.fen(0)


def test_every_known_status_is_tried():
    assert set(STATUSES) == {str(code) for code in (15, 16, 17, 18, 24, *VOID)}


@pytest.mark.parametrize(
    ("pay_month", "status"),
    [
        ('"0"', PromotedStatus.RECEIVED),
        ("0", PromotedStatus.RECEIVED),
        ("null", PromotedStatus.RECEIVED),
        ('"20261220"', PromotedStatus.RECEIVED),
        ("20261123", PromotedStatus.RECEIVED),  # today: not past
        ("20261122", PromotedStatus.SETTLED),
        ('"202611"', PromotedStatus.RECEIVED),  # another form than the documents'
    ],
)
def test_a_finished_order_is_settled_once_its_day_is_past(pay_month, status):
    read = line(row(validCode=17, payMonth=pay_month, actualCosPrice="53.00", actualFee="2.39"))
    assert read.status is status
    assert (read.paid, read.commission) == (Money.fen(5300), Money.fen(239))


def test_the_day_is_beijings():
    late = dt.datetime(2026, 11, 22, 16, 30, tzinfo=dt.UTC)  # 00:30 of the 23rd there
    page, _ = run(changed(start=late - HOUR, end=late), rows(row(validCode=17, payMonth="20261122")), now=late)
    assert page.lines[0].status is PromotedStatus.SETTLED


def test_what_went_back_whole_has_no_commission():
    read = line(row(validCode=17, skuNum=2, skuReturnNum=2, payMonth="20261122"))
    assert (read.status, read.commission) == (PromotedStatus.VOID, Money.fen(0))
    part = line(row(validCode=17, skuNum=2, skuReturnNum=1, actualCosPrice="27.0", actualFee="1.21"))
    assert (part.status, part.paid, part.commission) == (PromotedStatus.RECEIVED, Money.fen(2700), Money.fen(121))


def test_a_window_is_asked_for_by_change():
    _, (request,) = run(changed(), told({"code": 200, "message": "success", "hasMore": False}))
    _, business = sent_of(request)
    assert business["orderReq"] == {
        "pageIndex": 1,
        "pageSize": 500,
        "type": 3,
        "startTime": "2026-11-23 11:00:00",
        "endTime": "2026-11-23 12:00:00",
    }


def walk(*pages):
    """The pages that are asked for, one after the other, where each says whether there is more."""
    asked, cursor = [], None
    for more in pages:
        page, (request,) = run(changed(cursor), rows(ROW, more=more))
        asked.append(sent_of(request)[1]["orderReq"]["pageIndex"])
        cursor = page.next_cursor
    return asked, cursor


def test_pages_are_read_to_the_last_and_back():
    assert walk(False) == ([1], None)
    assert walk(True, False, False) == ([1, 2, 1], None)
    assert walk(True, True, False, True, False) == ([1, 2, 3, 2, 1], None)


def test_more_pages_than_the_platform_has_are_not_asked_for():
    assert walk(*[True] * 19)[1] == "20"
    error, _ = run(changed("20"), rows(ROW, more=True))
    assert error.details["field"] == "end"
    error, _ = run(changed(), told({"code": 2002452, "message": "单位时间内订单量超过最大值(10000)"}))
    assert isinstance(error, InvalidInput)
    assert error.details["field"] == "end"


@pytest.mark.parametrize("cursor", ["", "0", "21", "-21", "-0", "--1", "x", "1.5", "１", "9" * 40])
def test_a_cursor_that_is_none_is_refused(cursor):
    error, sent = run(changed(cursor))
    assert isinstance(error, InvalidInput)
    assert error.details["field"] == "cursor"
    assert sent == []


def flaws(**changes):
    return {one.field: one.flaw for one in examine({**CREDENTIALS, **changes}, NOON).flaws}


def test_credentials_are_examined():
    assert flaws() == {}
    assert flaws(site_id="4100183350", position_id="1") == {}
    assert flaws(app_key="", app_secret=" ") == {"app_key": Flaw.MISSING, "app_secret": Flaw.MISSING}
    wrong = {"app_key": "12345", "app_secret": "x" * 32, "site_id": "a", "position_id": "-1"}
    assert flaws(**wrong) == dict.fromkeys(wrong, Flaw.FORM)
