"""The TOP gateway: what is sent, and what is made of its answers."""

import asyncio
import datetime as dt
import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from hutong.connectors.taobao import CONNECTOR
from hutong.connectors.taobao.signing import SignMethod, sign
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.conformance.doubles import StandingClock, account_of
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused
from hutong.platforms.shops import Receiver, Shipment, ShopOrderStatus, StockTarget
from hutong.transport.messages import Response

NOON = dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
CREDENTIALS = {
    "app_key": "12345678",
    "app_secret": "made-at-run-time",
    "access_token": "session-made-at-run-time",
    "refresh_token": "r",
    "shop_id": "1",
}
TRADE = {
    "tid": 2231958349000000001,
    "status": "WAIT_SELLER_SEND_GOODS",
    "payment": "208.07",
    "post_fee": "8.00",
    "total_fee": "220.07",
    "created": "2026-11-23 11:00:00",
    "modified": "2026-11-23 11:30:00",
    "pay_time": "2026-11-23 11:01:02",
    "buyer_open_uid": "AAHm5d-EAAeGwJedwSHpg8bT",
    "receiver_name": "张**",
    "receiver_mobile": "138****1234",
    "receiver_state": "浙江省",
    "receiver_city": "杭州市",
    "receiver_address": "西湖区**路**号",
    "orders": {
        "order": [
            {
                "oid": "2231958349000000002",
                "title": "可乐",
                "num": 2,
                "price": "110.035",
                "total_fee": "220.07",
                "payment": "208.07",
                "divide_order_fee": "200.07",
                "num_iid": 3838293428,
                "sku_id": "4512345678901",
                "outer_sku_id": "COKE-330",
                "outer_iid": "COKE",
                "refund_status": "NO_REFUND",
                "status": "WAIT_SELLER_SEND_GOODS",
            }
        ]
    },
}
TRADE["orders"]["order"][0]["price"] = "110.04"


def ok(method, record):
    name = method.removeprefix("taobao.").replace(".", "_") + "_response"
    body = json.dumps({name: {**record, "request_id": "abc"}}, ensure_ascii=False).encode()
    return Response(status=200, headers={}, body=body)


def refusal(code, sub_code="", sub_msg="不行"):
    record = {"error_response": {"code": code, "msg": "Remote service error", "sub_code": sub_code, "sub_msg": sub_msg}}
    return Response(status=200, headers={}, body=json.dumps(record).encode())


def parameters(request):
    return dict(parse_qsl(urlsplit(request.url).query)) | dict(parse_qsl(request.body.decode()))


def run(call, *answers, **changes):
    script = list(answers)
    account, http = account_of(
        "taobao", "https://gw.example", {**CREDENTIALS, **changes}, StandingClock(NOON), lambda request: script.pop(0)
    )
    try:
        outcome = asyncio.run(call(account))
    except (PlatformUnknown, PlatformRefused, InvalidInput) as error:
        outcome = error
    return outcome, http.sent


def changed(cursor=None, start=NOON - HOUR, end=NOON):
    return lambda account: CONNECTOR.orders.changed(account, start, end, cursor)


def page(*trades, **more):
    return ok("taobao.trades.sold.increment.get", {"trades": {"trade": list(trades)}, **more})


def one(tid="2231958349000000001"):
    return lambda account: CONNECTOR.orders.one(account, tid)


def full(**changes):
    return ok("taobao.trade.fullinfo.get", {"trade": {**TRADE, **changes}})


def test_system_parameters_go_in_the_query_and_everything_is_signed():
    _, (request,) = run(one(), full())
    query = dict(parse_qsl(urlsplit(request.url).query))
    signature = query.pop("sign")
    assert query == {
        "method": "taobao.trade.fullinfo.get",
        "app_key": "12345678",
        "session": "session-made-at-run-time",
        "timestamp": "2026-11-23 12:00:00",
        "format": "json",
        "v": "2.0",
        "sign_method": "md5",
    }
    assert urlsplit(request.url).path == "/router/rest"
    body = dict(parse_qsl(request.body.decode()))
    assert body["tid"] == "2231958349000000001"
    assert signature == sign({**query, **body}, "made-at-run-time", SignMethod.MD5)
    assert request.repeatable


@pytest.mark.parametrize("method", ["hmac", "hmac-sha256"])
def test_the_other_digests_can_be_chosen(method):
    _, (request,) = run(one(), full(), sign_method=method)
    sent = parameters(request)
    signature = sent.pop("sign")
    assert sent["sign_method"] == method
    assert signature == sign(sent, "made-at-run-time", SignMethod(method))
    error, sent = run(one(), sign_method="sha1")
    assert isinstance(error, InvalidInput)
    assert sent == []


@pytest.mark.parametrize("credential", ["app_key", "app_secret", "access_token"])
def test_missing_credentials_are_named(credential):
    error, sent = run(one(), **{credential: ""})
    assert isinstance(error, InvalidInput)
    assert error.details["field"] == credential
    assert sent == []


def test_an_order_is_read_whole_and_exactly():
    order, _ = run(one(), full())
    assert order.platform_order_id == "2231958349000000001"
    assert order.status is ShopOrderStatus.PAID
    assert (order.total, order.freight, order.paid) == (Money.fen(20807), Money.fen(800), Money.fen(20807))
    assert order.created_at == dt.datetime(2026, 11, 23, 3, 0, tzinfo=dt.UTC)
    assert order.modified_at == dt.datetime(2026, 11, 23, 3, 30, tzinfo=dt.UTC)
    assert order.paid_at == dt.datetime(2026, 11, 23, 3, 1, 2, tzinfo=dt.UTC)
    assert order.buyer_ref == "AAHm5d-EAAeGwJedwSHpg8bT"
    assert order.receiver == Receiver(name="张**", phone="138****1234", address="浙江省 杭州市 西湖区**路**号")
    (line,) = order.lines
    assert line.line_id == "2231958349000000002"
    assert (line.listing_id, line.platform_sku_id, line.seller_code) == ("3838293428", "4512345678901", "COKE-330")
    assert (line.quantity, line.unit_price) == (2, Money.fen(11004))
    assert line.amount == Money.fen(20007), "the share after discounts, without postage"


def test_what_buyer_and_shop_wrote_is_read():
    order, _ = run(one(), full(buyer_message="暗号K7Q2", seller_memo=None))
    assert order.remarks == ("暗号K7Q2",)


def test_an_unpaid_order_without_extras():
    bare = {key: TRADE[key] for key in ("tid", "status", "payment", "created", "modified")}
    order, _ = run(one(), ok("taobao.trade.fullinfo.get", {"trade": {**bare, "status": "WAIT_BUYER_PAY"}}))
    assert (order.status, order.paid, order.paid_at, order.receiver) == (ShopOrderStatus.UNPAID, None, None, None)
    assert order.lines == ()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("TRADE_NO_CREATE_PAY", "unpaid"),
        ("WAIT_BUYER_PAY", "unpaid"),
        ("WAIT_SELLER_SEND_GOODS", "paid"),
        ("PAID_FORBID_CONSIGN", "paid"),
        ("SELLER_CONSIGNED_PART", "partly_shipped"),
        ("WAIT_BUYER_CONFIRM_GOODS", "shipped"),
        ("TRADE_BUYER_SIGNED", "shipped"),
        ("TRADE_FINISHED", "completed"),
        ("TRADE_CLOSED", "closed"),
        ("TRADE_CLOSED_BY_TAOBAO", "closed"),
        ("SOMETHING_NEW", "pending"),
    ],
)
def test_statuses(raw, status):
    order, _ = run(one(), full(status=raw))
    assert (order.status, order.raw_status) == (status, raw)


@pytest.mark.parametrize(
    "changes",
    [
        {"payment": "1.234"},
        {"payment": "1e3"},
        {"payment": 12.3},
        {"created": "yesterday"},
        {"modified": "2026-11-23T11:00:00Z"},
        {"orders": {"order": [{"oid": 1, "num": 1.5}]}},
        {"orders": {"order": {"oid": 1}}},
        {"tid": None},
    ],
)
def test_what_cannot_be_read_exactly_is_unknown(changes):
    error, _ = run(one(), full(**changes))
    assert isinstance(error, PlatformUnknown)


def test_pages_are_counted_then_read_from_the_last_to_the_first():
    first, sent = run(changed(), page(TRADE, total_results=101), page(TRADE, has_next=False))
    assert first.next_cursor == "2"
    assert [parameters(request)["page_no"] for request in sent] == ["1", "3"]
    assert [parameters(request)["use_has_next"] for request in sent] == ["false", "true"]
    assert parameters(sent[1])["start_modified"] == "2026-11-23 11:00:00"
    assert parameters(sent[1])["end_modified"] == "2026-11-23 12:00:00"
    second, sent = run(changed("2"), page(TRADE, TRADE, has_next=True))
    assert (second.next_cursor, len(second.orders), len(sent)) == ("1", 2, 1)
    last, _ = run(changed("1"), page(TRADE, has_next=True))
    assert last.next_cursor is None


class MovingShop:
    """A shop as the documents describe it: latest change first, and one order changes while pages are read."""

    def __init__(self, count, moving):
        self.trades = [{**TRADE, "tid": number} for number in range(count, 0, -1)]
        self.moving = moving

    def __call__(self, request):
        sent = parameters(request)
        if sent["use_has_next"] == "false":
            return page(total_results=len(self.trades))
        start = (int(sent["page_no"]) - 1) * int(sent["page_size"])
        answer = page(*self.trades[start : start + int(sent["page_size"])], has_next=start > 0)
        if self.moving:
            moved = self.moving.pop()
            self.trades = [trade for trade in self.trades if trade["tid"] != moved]
        return answer


def test_no_order_is_missed_though_others_leave_the_window_meanwhile():
    shop = MovingShop(170, [5, 120, 165, 60])
    account, _ = account_of("taobao", "https://gw.example", CREDENTIALS, StandingClock(NOON), shop)
    seen, cursor = set(), None
    for _ in range(10):
        result = asyncio.run(CONNECTOR.orders.changed(account, NOON - HOUR, NOON, cursor))
        seen |= {int(order.platform_order_id) for order in result.orders}
        cursor = result.next_cursor
        if cursor is None:
            break
    left = {trade["tid"] for trade in shop.trades}
    assert left <= seen, "whatever still lies in the window was read; what left it comes with the next window"


def test_an_empty_window():
    for empty in (page(total_results=0), ok("taobao.trades.sold.increment.get", {"total_results": 0})):
        result, sent = run(changed(), empty)
        assert (result.orders, result.next_cursor, len(sent)) == ((), None, 1)


@pytest.mark.parametrize("span", [dt.timedelta(0), -HOUR, dt.timedelta(days=1, seconds=1)])
def test_windows_of_more_than_a_day_or_of_nothing_are_not_asked_for(span):
    error, sent = run(changed(start=NOON, end=NOON + span))
    assert isinstance(error, InvalidInput)
    assert sent == []
    result, _ = run(changed(start=NOON - dt.timedelta(days=1), end=NOON), page(total_results=0))
    assert result.next_cursor is None


@pytest.mark.parametrize("cursor", ["0", "-1", "x", "", "2001", "99999999", "１"])
def test_a_cursor_that_is_none_of_ours(cursor):
    error, sent = run(changed(cursor))
    assert isinstance(error, InvalidInput)
    assert sent == []


def test_a_window_with_too_many_orders_says_so():
    error, _ = run(changed(), page(total_results=100_001))
    assert isinstance(error, InvalidInput)


PARCEL = Shipment(platform_order_id="2231958349000000001", carrier_code="SF", tracking_no="SF1234567890")
SENT_OK = ok("taobao.logistics.offline.send", {"shipping": {"is_success": True}})


def ship(shipment):
    return lambda account: CONNECTOR.orders.ship(account, shipment)


def test_shipping_an_order_and_a_part_of_it():
    _, (request,) = run(ship(PARCEL), SENT_OK)
    sent = parameters(request)
    assert sent["method"] == "taobao.logistics.offline.send"
    assert (sent["tid"], sent["out_sid"], sent["company_code"]) == ("2231958349000000001", "SF1234567890", "SF")
    assert "sub_tid" not in sent
    assert "is_split" not in sent
    part = Shipment(platform_order_id="1", carrier_code="SF", tracking_no="SF1", line_ids=("11", "12"))
    _, (request,) = run(ship(part), SENT_OK)
    sent = parameters(request)
    assert (sent["sub_tid"], sent["is_split"]) == ("11,12", "1")


def test_telling_it_twice_is_no_error_when_the_order_did_leave():
    told = refusal(15, "isv.logistics-offline-service-error:B04", "订单已经发货或者已关闭")
    for status in ("WAIT_BUYER_CONFIRM_GOODS", "TRADE_FINISHED"):
        outcome, sent = run(ship(PARCEL), told, full(status=status))
        assert outcome is None
        assert parameters(sent[1])["method"] == "taobao.trade.fullinfo.get"
    error, _ = run(ship(PARCEL), told, full(status="TRADE_CLOSED"))
    assert isinstance(error, PlatformRefused)
    assert error.word is ErrorWord.ALREADY_DONE


def test_telling_a_part_twice_looks_at_the_lines():
    told = refusal(15, "isv.logistics-offline-service-error:B04")
    part = Shipment(platform_order_id="1", carrier_code="SF", tracking_no="SF1", line_ids=("2231958349000000002",))
    line = TRADE["orders"]["order"][0]
    left = {"order": [{**line, "status": "WAIT_BUYER_CONFIRM_GOODS"}, {**line, "oid": "9"}]}
    outcome, _ = run(ship(part), told, full(status="SELLER_CONSIGNED_PART", orders=left))
    assert outcome is None
    error, _ = run(ship(part), told, full(status="SELLER_CONSIGNED_PART"))
    assert isinstance(error, PlatformRefused)


def test_other_refusals_of_a_parcel_stay_refusals():
    error, sent = run(ship(PARCEL), refusal(15, "isv.logistics-offline-service-error:B60", "运单号不符合规则"))
    assert isinstance(error, PlatformRefused)
    assert "运单号不符合规则" in error.text("zh-Hans").sentence
    assert len(sent) == 1
    error, _ = run(ship(PARCEL), ok("taobao.logistics.offline.send", {"shipping": {"is_success": False}}))
    assert isinstance(error, PlatformRefused)


@pytest.mark.parametrize("bad", ["", "1,2", "1 ", "x", "１"])
def test_ids_that_are_none_are_not_sent(bad):
    for call in (one(bad), ship(Shipment(platform_order_id=bad, carrier_code="SF", tracking_no="1"))):
        error, sent = run(call)
        assert isinstance(error, InvalidInput)
        assert sent == []


COKE = StockTarget(listing_id="3838293428", platform_sku_id="4512345678901", seller_code="COKE-330")


def skus(*records):
    return ok("taobao.skus.custom.get", {"skus": {"sku": list(records)}})


def test_stock_find():
    found, (request,) = run(
        lambda account: CONNECTOR.stock.find(account, "COKE-330"),
        skus({"sku_id": 4512345678901, "num_iid": 3838293428, "quantity": 3}, {"sku_id": 2, "num_iid": 1}),
    )
    assert found == (COKE, StockTarget(listing_id="1", platform_sku_id="2", seller_code="COKE-330"))
    assert parameters(request)["outer_id"] == "COKE-330"
    nothing = (
        ok("taobao.skus.custom.get", {}),
        refusal(50, "isv.item-skus-custom-get-service-error:ITEM_NOT_FOUND"),
    )
    for answer in nothing:
        assert run(lambda account: CONNECTOR.stock.find(account, "X"), answer)[0] == ()


def test_stock_read():
    listed = {"sku": [{"sku_id": 1, "quantity": 5}, {"sku_id": 4512345678901, "quantity": 7}]}
    answer = ok("taobao.item.skus.get", {"skus": listed})
    figure, (request,) = run(lambda account: CONNECTOR.stock.read(account, COKE), answer)
    assert figure == 7
    assert parameters(request)["num_iids"] == "3838293428"
    for other in (
        {},
        {"skus": {"sku": [{"sku_id": 1, "quantity": 7}]}},
        {"skus": {"sku": [{"sku_id": 4512345678901}]}},
    ):
        error, _ = run(lambda account: CONNECTOR.stock.read(account, COKE), ok("taobao.item.skus.get", other))
        assert error.word is ErrorWord.NOT_FOUND


def test_stock_write_sets_an_absolute_figure():
    answer = ok("taobao.skus.quantity.update", {"item": {"num_iid": 3838293428, "modified": "2026-11-23 12:00:00"}})
    _, (request,) = run(lambda account: CONNECTOR.stock.write(account, COKE, 8), answer)
    sent = parameters(request)
    assert sent["method"] == "taobao.skus.quantity.update"
    assert (sent["num_iid"], sent["skuid_quantities"], sent["type"]) == ("3838293428", "4512345678901:8", "1")
    assert request.repeatable
    error, sent = run(lambda account: CONNECTOR.stock.write(account, COKE, -1))
    assert isinstance(error, InvalidInput)
    assert sent == []


@pytest.mark.parametrize(
    ("code", "sub_code", "word"),
    [
        (7, "accesscontrol.limited-by-api-access-count", ErrorWord.THROTTLED),
        (7, "", ErrorWord.THROTTLED),
        (25, "", ErrorWord.BAD_SIGNATURE),
        (27, "", ErrorWord.TOKEN_EXPIRED),
        (15, "session-expired", ErrorWord.TOKEN_EXPIRED),
        (11, "", ErrorWord.NOT_PERMITTED),
        (15, "isv.permission-api-package-limit", ErrorWord.NOT_PERMITTED),
        (15, "isv.trade-not-exist", ErrorWord.NOT_FOUND),
        (50, "isv.invalid-parameter:num_iid", ErrorWord.INVALID_REQUEST),
        ("40", "", ErrorWord.INVALID_REQUEST),
        (15, "isv.something-new", ErrorWord.UNKNOWN),
        (9999, "", ErrorWord.UNKNOWN),
    ],
)
def test_refusals_carry_code_word_and_hint(code, sub_code, word):
    error, _ = run(one(), refusal(code, sub_code))
    assert isinstance(error, PlatformRefused)
    assert error.word is word
    assert error.details["platform_code"] == (sub_code or str(code))


@pytest.mark.parametrize(
    "answer",
    [
        refusal(15, "isp.remote-service-timeout"),
        refusal(10),
        Response(status=502, headers={}, body=b"<html>"),
        Response(status=200, headers={}, body=b""),
        Response(status=200, headers={}, body=b"[]"),
        Response(status=200, headers={}, body=b'{"another_response":{}}'),
        Response(status=200, headers={}, body=b'{"error_response":"broken"}'),
        Response(status=200, headers={}, body=b'{"a":' * 5000),
        Response(status=302, headers={"location": "http://elsewhere"}, body=b"{}"),
        None,
    ],
)
def test_server_errors_and_strange_answers_are_unknown(answer):
    calls = (
        one(),
        changed(),
        ship(PARCEL),
        lambda account: CONNECTOR.stock.find(account, "X"),
        lambda account: CONNECTOR.stock.write(account, COKE, 1),
        lambda account: CONNECTOR.stock.read(account, COKE),
    )
    for call in calls:
        error, _ = run(call, answer)
        assert isinstance(error, PlatformUnknown)


def test_empty_parameters_are_not_signed():
    """As TOP's own SDKs do: a parameter without a name or without a value is left out of the text."""
    plain = {"method": "taobao.time.get", "app_key": "1"}
    for method in SignMethod:
        assert sign({**plain, "session": "", "": "x"}, "secret", method) == sign(plain, "secret", method)
