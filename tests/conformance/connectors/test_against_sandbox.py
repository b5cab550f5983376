"""Every capability end to end: our connectors over real sockets against the sandbox, which was written apart from them.

Nothing is shared but byte-level primitives; where both agree, two readings of the same documents agree.
"""

import datetime as dt
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from hutong.connectors.taobao import CONNECTOR as TAOBAO
from hutong.connectors.wechatpay import CONNECTOR as WECHAT
from hutong.core.errors import InvalidSignature, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import CreatePayment, PayMethod, RefundStatus, RequestRefund, TradeStatus
from hutong.platforms.refusals import PlatformRefused
from hutong.platforms.shops import Shipment, ShopOrderStatus
from hutong.transport.client import HttpSettings

CERTIFICATES_ONLY = {"public_key_id": "", "public_key": ""}
DOWNLOAD_ONLY = {**CERTIFICATES_ONLY, "platform_certificates": ""}
PUBLIC_KEY_ONLY = {"platform_certificates": ""}


def order(hub, inbox, number, method=PayMethod.NATIVE, fen=990, **more):
    return CreatePayment(
        out_trade_no=number,
        amount=Money.fen(fen),
        description="可乐 330ml × 1",
        method=method,
        notify_url=inbox.url,
        expires_at=hub.clock.now() + dt.timedelta(minutes=30),
        **more,
    )


def create(command):
    return lambda account: WECHAT.payments.create(account, command)


def query(number):
    return lambda account: WECHAT.payments.query(account, number)


def verify(hub, headers, body, **changes):
    async def call(account):
        await WECHAT.callbacks.prepare(account, headers)
        return WECHAT.callbacks.verify(account, headers, body)

    return hub.run(call, **changes)


def sign_in(hub):
    """A visitor's openid by the silent sign-in, as a browser walks it."""

    async def call(account):
        url = WECHAT.identity.authorise_url(account, "http://127.0.0.1:1/c/1?x=y", "state1")
        async with httpx.AsyncClient() as browser:
            page = await browser.get(url.partition("#")[0])
        back = urlsplit(page.headers["location"])
        fields = parse_qs(back.query)
        assert fields["state"] == ["state1"]
        assert fields["x"] == ["y"]
        return fields["code"][0], await WECHAT.identity.visitor_id(account, fields["code"][0])

    return hub.run(call)


@pytest.mark.parametrize("mode", [{}, CERTIFICATES_ONLY, DOWNLOAD_ONLY, PUBLIC_KEY_ONLY], ids=str)
def test_a_payment_from_order_to_callback_in_every_key_mode(wechat, inbox, mode):
    created = wechat.run(create(order(wechat, inbox, "HT1000001")), **mode)
    assert created.code_url.startswith("weixin://")
    assert wechat.run(query("HT1000001"), **mode).status is TradeStatus.PENDING
    wechat.sandbox.post("/pay", {"platform": "wechatpay", "out_trade_no": "HT1000001"})
    report = wechat.run(query("HT1000001"), **mode)
    assert (report.status, report.amount) == (TradeStatus.PAID, Money.fen(990))
    headers, body = inbox.wait_for(1)[0]
    if "platform_certificates" in mode and "public_key" in mode:
        wechat.run(query("HT1000001"), **mode)
    notice = verify(wechat, headers, body, **mode)
    assert notice.trade == report
    assert report.owner == {name: wechat.credentials()[name] for name in ("mchid", "appid")}


def test_jsapi_with_the_silent_sign_in(wechat, inbox):
    code, openid = sign_in(wechat)
    again = wechat.fails(lambda account: WECHAT.identity.visitor_id(account, code))
    assert again.word is ErrorWord.ALREADY_DONE
    created = wechat.run(create(order(wechat, inbox, "HT1000002", PayMethod.JSAPI, payer_id=openid)))
    assert set(created.invoke) == {"appId", "timeStamp", "nonceStr", "package", "signType", "paySign"}
    wechat.sandbox.post("/pay", {"platform": "wechatpay", "out_trade_no": "HT1000002"})
    assert wechat.run(query("HT1000002")).payer_id == openid


def test_a_mini_programs_login_gives_the_id_that_pays_there(wechat, inbox):
    code = wechat.sandbox.post("/logins", {"platform": "wechatpay", "buyer": 6})["login_code"]
    assert wechat.fails(lambda account: WECHAT.identity.visitor_id(account, code)).word is ErrorWord.INVALID_REQUEST
    openid = wechat.run(lambda account: WECHAT.identity.mini_visitor_id(account, code))
    [buyer] = [
        row for row in wechat.sandbox.get(f"/buyers?appid={wechat.credentials()['mini_appid']}") if row["buyer"] == 6
    ]
    assert openid == buyer["openid"]
    again = wechat.fails(lambda account: WECHAT.identity.mini_visitor_id(account, code))
    assert again.word is ErrorWord.ALREADY_DONE
    wechat.run(create(order(wechat, inbox, "HT1000102", PayMethod.MINI, payer_id=openid)))
    refused = wechat.fails(create(order(wechat, inbox, "HT1000103", PayMethod.JSAPI, payer_id=openid)))
    assert refused.details["platform_code"] == "PARAM_ERROR"


def test_h5(wechat, inbox):
    created = wechat.run(create(order(wechat, inbox, "HT1000003", PayMethod.H5, client_ip="203.0.113.7")))
    assert created.redirect_url.startswith("http")


def test_the_same_number_twice_is_one_order_and_never_another_sum(wechat, inbox):
    first = wechat.run(create(order(wechat, inbox, "HT1000004")))
    assert wechat.run(create(order(wechat, inbox, "HT1000004"))) == first
    other = wechat.fails(create(order(wechat, inbox, "HT1000004", fen=991)))
    assert isinstance(other, PlatformRefused)
    assert other.word is ErrorWord.INVALID_REQUEST


def test_close_before_and_after_payment(wechat, inbox):
    for number in ("HT1000005", "HT1000006"):
        wechat.run(create(order(wechat, inbox, number)))

    def close(number):
        return wechat.run(lambda account: WECHAT.payments.close(account, number))

    assert close("HT1000005").status is TradeStatus.CLOSED
    assert close("HT1000005").status is TradeStatus.CLOSED
    assert wechat.run(query("HT1000005")).status is TradeStatus.CLOSED
    wechat.sandbox.post("/pay", {"platform": "wechatpay", "out_trade_no": "HT1000006"})
    paid = close("HT1000006")
    assert (paid.status, paid.amount) == (TradeStatus.PAID, Money.fen(990))
    assert close("HT9999999").status is TradeStatus.NOT_FOUND
    assert wechat.run(query("HT9999999")).status is TradeStatus.NOT_FOUND


def refund_of(inbox, number, part, fen=90, paid_fen=990):
    return RequestRefund(
        out_trade_no=number,
        out_refund_no=part,
        amount=Money.fen(fen),
        paid_amount=Money.fen(paid_fen),
        reason="七天无理由",
        notify_url=inbox.url,
    )


def paid_order(wechat, inbox, number):
    wechat.run(create(order(wechat, inbox, number)))
    wechat.sandbox.post("/pay", {"platform": "wechatpay", "out_trade_no": number})
    inbox.wait_for(1)


def test_refunds_are_asked_once_however_often_they_are_asked(wechat, inbox):
    paid_order(wechat, inbox, "HT1000007")

    def ask(command):
        return lambda account: WECHAT.payments.refund(account, command)

    first = wechat.run(ask(refund_of(inbox, "HT1000007", "R1000007")))
    again = wechat.run(ask(refund_of(inbox, "HT1000007", "R1000007")))
    assert first.refund_id == again.refund_id
    assert first.status in {RefundStatus.PENDING, RefundStatus.SUCCEEDED}
    wechat.sandbox.post("/clock/advance", {"seconds": 60})
    wechat.clock.follow()
    done = wechat.run(lambda account: WECHAT.payments.query_refund(account, "R1000007"))
    assert (done.status, done.amount) == (RefundStatus.SUCCEEDED, Money.fen(90))
    assert wechat.run(query("HT1000007")).status is TradeStatus.REFUNDED
    headers, body = inbox.wait_for(2)[-1]
    notice = verify(wechat, headers, body)
    assert notice.refund.status is RefundStatus.SUCCEEDED
    assert (notice.refund.amount, notice.refund.out_refund_no) == (Money.fen(90), "R1000007")
    (book,) = [row for row in wechat.sandbox.get("/books") if row["order_no"] == "HT1000007"]
    assert (book["amount_fen"], book["refunded_fen"]) == (990, 90)
    unknown = wechat.run(lambda account: WECHAT.payments.query_refund(account, "R9999999"))
    assert unknown.status is RefundStatus.NOT_FOUND
    error = wechat.fails(ask(refund_of(inbox, "HT9999999", "R1000008")))
    assert error.word is ErrorWord.NOT_FOUND


def test_more_than_is_left_is_refused(wechat, inbox):
    paid_order(wechat, inbox, "HT1000008")
    for part, fen in (("R1", 600), ("R2", 390)):
        wechat.run(lambda account, part=part, fen=fen: WECHAT.payments.refund(
            account, refund_of(inbox, "HT1000008", part, fen)))  # fmt: skip
    error = wechat.fails(lambda account: WECHAT.payments.refund(account, refund_of(inbox, "HT1000008", "R3", 1)))
    assert isinstance(error, PlatformRefused)


BROKEN = ("body", "timestamp", "serial", "nonce", "signature", "stale", "probe")


def test_no_tampered_copy_of_a_real_callback_verifies_and_a_replay_keeps_its_id(wechat, inbox):
    paid_order(wechat, inbox, "HT1000009")
    headers, body = inbox.got[0]
    for count, change in enumerate(BROKEN, 2):
        wechat.sandbox.post("/callbacks/tamper", {"out_trade_no": "HT1000009", "change": change})
        tampered = inbox.wait_for(count)[-1]
        with pytest.raises(InvalidSignature):
            verify(wechat, *tampered)
    wechat.sandbox.post("/callbacks/replay", {"out_trade_no": "HT1000009"})
    replayed = inbox.wait_for(len(BROKEN) + 2)[-1]
    assert verify(wechat, *replayed).notice_id == verify(wechat, headers, body).notice_id
    with pytest.raises(InvalidSignature):
        verify(wechat, headers, body, api_v3_key="0" * 32)


@pytest.mark.parametrize("kind", ["sign_probe", "callback_tampered", "callback_stale"])
def test_the_bad_copy_that_precedes_a_callback_is_refused(wechat, inbox, kind):
    wechat.sandbox.put("/faults", [{"platform": "wechatpay", "kind": kind, "rate": 1}])
    paid_order(wechat, inbox, "HT1000010")
    (bad_headers, bad), (headers, body) = inbox.wait_for(2)[:2]
    with pytest.raises(InvalidSignature):
        verify(wechat, bad_headers, bad)
    assert verify(wechat, headers, body).trade.status is TradeStatus.PAID


@pytest.mark.parametrize(
    ("kind", "differs"),
    [("foreign_appid", "appid"), ("foreign_mchid", "mchid"), ("amount_mismatch", "amount"), ("foreign_currency", "")],
)
def test_validly_signed_but_wrong_callbacks_show_what_is_wrong(wechat, inbox, kind, differs):
    wechat.sandbox.put("/faults", [{"platform": "wechatpay", "kind": kind, "rate": 1}])
    paid_order(wechat, inbox, "HT1000011")
    headers, body = inbox.got[-1]
    trade = verify(wechat, headers, body).trade
    credentials = wechat.credentials()
    found = {
        "appid": trade.owner["appid"] != credentials["appid"],
        "mchid": trade.owner["mchid"] != credentials["mchid"],
        "amount": trade.amount.amount_minor != 990,
    }
    assert found == {name: name == differs for name in found}
    assert (trade.amount.currency != "CNY") == (kind == "foreign_currency")


def test_a_rotated_certificate_is_fetched_when_it_shows_up(wechat, inbox):
    wechat.run(create(order(wechat, inbox, "HT1000012")), **DOWNLOAD_ONLY)
    wechat.sandbox.post("/certificates/rotate", {})
    wechat.sandbox.post("/clock/advance", {"seconds": 61})
    wechat.clock.follow()
    wechat.sandbox.post("/pay", {"platform": "wechatpay", "out_trade_no": "HT1000012"})
    assert wechat.run(query("HT1000012"), **DOWNLOAD_ONLY).status is TradeStatus.PAID
    headers, body = inbox.wait_for(1)[0]
    assert verify(wechat, headers, body, **DOWNLOAD_ONLY).trade.status is TradeStatus.PAID


def test_faults_are_unknown_or_named_and_never_a_result(wechat, inbox):
    def with_fault(kind, call, **more):
        wechat.sandbox.put("/faults", [{"platform": "wechatpay", "kind": kind, "rate": 1}])
        try:
            return wechat.fails(call, **more)
        finally:
            wechat.sandbox.put("/faults", [])

    quick = HttpSettings(read_timeout_s=3, total_timeout_s=6)
    lost = with_fault("create_timeout", create(order(wechat, inbox, "HT1000013")), settings=quick)
    assert isinstance(lost, PlatformUnknown)
    assert wechat.run(query("HT1000013")).status is TradeStatus.PENDING, "the order exists: read back, do not assume"
    assert isinstance(with_fault("server_error", create(order(wechat, inbox, "HT1000014"))), PlatformUnknown)
    limited = with_fault("rate_limited", create(order(wechat, inbox, "HT1000015")))
    assert limited.word is ErrorWord.THROTTLED
    paid_order(wechat, inbox, "HT1000016")
    command = refund_of(inbox, "HT1000016", "R1000016")
    poor = with_fault("not_enough", lambda account: WECHAT.payments.refund(account, command))
    assert poor.word is ErrorWord.INSUFFICIENT_FUNDS
    lost = with_fault("refund_timeout", lambda account: WECHAT.payments.refund(account, command), settings=quick)
    assert isinstance(lost, PlatformUnknown)
    known = wechat.run(lambda account: WECHAT.payments.query_refund(account, "R1000016"))
    assert known.status is not RefundStatus.NOT_FOUND


def test_an_abnormal_refund_is_reported_as_such(wechat, inbox):
    paid_order(wechat, inbox, "HT1000017")
    rule = {"platform": "wechatpay", "kind": "refund_stuck", "rate": 1, "seconds": 30}
    wechat.sandbox.put("/faults", [rule])
    wechat.run(lambda account: WECHAT.payments.refund(account, refund_of(inbox, "HT1000017", "R1000017")))
    wechat.sandbox.post("/clock/advance", {"seconds": 120})
    wechat.clock.follow()
    report = wechat.run(lambda account: WECHAT.payments.query_refund(account, "R1000017"))
    assert report.status is RefundStatus.ABNORMAL
    assert verify(wechat, *inbox.wait_for(2)[-1]).refund.status is RefundStatus.ABNORMAL


@pytest.mark.parametrize(
    ("change", "word"),
    [({"serial_no": "ABCDEF"}, ErrorWord.BAD_SIGNATURE), ({"mchid": "1900000000"}, None), ({"appid": "wx0"}, None)],
)
def test_wrong_credentials_are_named(wechat, inbox, change, word):
    error = wechat.fails(create(order(wechat, inbox, "HT1000018")), **change)
    assert isinstance(error, PlatformRefused)
    assert word in {None, error.word}


# Taobao


@pytest.fixture
def coke(shop):
    shop_id = shop.credentials()["shop_id"]
    record = {"platform": "taobao", "shop_id": shop_id, "sku": "COKE-330", "quantity": 10, "price_fen": 350}
    shop.sandbox.post("/shops/stock", {**record, "title": "可乐 330ml"})
    return shop_id


def buy(shop, shop_id, quantity=1):
    return shop.sandbox.post(
        "/buy", {"platform": "taobao", "shop_id": shop_id, "sku": "COKE-330", "quantity": quantity}
    )["order_no"]


def changed(start, end, cursor=None):
    return lambda account: TAOBAO.orders.changed(account, start, end, cursor)


def pull(shop, start, end):
    """All orders of a window, as the hub pages through it."""
    found, cursor, pages = [], None, 0
    while True:
        page = shop.run(changed(start, end, cursor))
        found += page.orders
        pages += 1
        cursor = page.next_cursor
        if cursor is None:
            return found, pages


def test_an_order_is_pulled_read_shipped_and_told_only_once(shop, coke):
    number = buy(shop, coke, 2)
    now = shop.clock.now()
    (order,), _ = pull(shop, now - dt.timedelta(hours=1), now + dt.timedelta(seconds=5))
    assert order.platform_order_id == number
    assert order.status is ShopOrderStatus.PAID
    assert (order.total, order.paid) == (Money.fen(700), Money.fen(700))
    (line,) = order.lines
    assert (line.seller_code, line.quantity, line.unit_price, line.amount) == (
        "COKE-330",
        2,
        Money.fen(350),
        Money.fen(700),
    )
    assert abs(order.created_at - now) < dt.timedelta(seconds=30)
    assert "*" in order.receiver.phone
    assert order.buyer_ref
    assert shop.run(lambda account: TAOBAO.orders.one(account, number)) == order
    parcel = Shipment(platform_order_id=number, carrier_code="SF", tracking_no="SF1234567890123")
    for _ in range(2):
        assert shop.run(lambda account: TAOBAO.orders.ship(account, parcel)) is None
    assert shop.run(lambda account: TAOBAO.orders.one(account, number)).status is ShopOrderStatus.SHIPPED


def test_stock_is_found_read_and_set(shop, coke):
    (target,) = shop.run(lambda account: TAOBAO.stock.find(account, "COKE-330"))
    assert shop.run(lambda account: TAOBAO.stock.read(account, target)) == 10
    for _ in range(2):
        shop.run(lambda account: TAOBAO.stock.write(account, target, 7))
        assert shop.run(lambda account: TAOBAO.stock.read(account, target)) == 7
    buy(shop, coke, 2)
    assert shop.run(lambda account: TAOBAO.stock.read(account, target)) == 5
    assert shop.run(lambda account: TAOBAO.stock.find(account, "NO-SUCH-CODE")) == ()


def test_pages_backwards_miss_nothing_while_rows_shift(shop, coke):
    record = {"platform": "taobao", "shop_id": coke, "sku": "COKE-330", "quantity": 500, "price_fen": 350}
    shop.sandbox.post("/shops/stock", record)
    numbers = {buy(shop, coke) for _ in range(120)}
    end = shop.clock.now() + dt.timedelta(seconds=1)
    start = end - dt.timedelta(hours=1)
    found, pages = pull(shop, start, end)
    assert {order.platform_order_id for order in found} == numbers
    assert pages == 3
    shop.sandbox.post("/clock/advance", {"seconds": 5})
    shop.clock.follow()
    shop.sandbox.put("/faults", [{"platform": "taobao", "kind": "rows_shift", "rate": 1}])
    first, _ = pull(shop, start, end)
    shop.sandbox.put("/faults", [])
    later, _ = pull(shop, end, shop.clock.now() + dt.timedelta(seconds=5))
    assert {order.platform_order_id for order in [*first, *later]} == numbers


def test_the_window_is_half_open_and_in_beijing_time(shop, coke):
    number = buy(shop, coke)
    order = shop.run(lambda account: TAOBAO.orders.one(account, number))
    at = order.modified_at
    inside, _ = pull(shop, at, at + dt.timedelta(seconds=5))
    assert [found.platform_order_id for found in inside] == [number]
    before, _ = pull(shop, at - dt.timedelta(hours=2), at - dt.timedelta(seconds=1))
    assert before == []


@pytest.mark.parametrize("method", ["md5", "hmac", "hmac-sha256"])
def test_every_digest(shop, coke, method):
    number = buy(shop, coke)
    order = shop.run(lambda account: TAOBAO.orders.one(account, number), sign_method=method)
    assert order.platform_order_id == number


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"app_secret": "wrong"}, ErrorWord.BAD_SIGNATURE),
        ({"access_token": "wrong"}, ErrorWord.TOKEN_EXPIRED),
        ({"app_key": "1"}, ErrorWord.BAD_SIGNATURE),
    ],
)
def test_wrong_shop_credentials_are_named(shop, change, word):
    error = shop.fails(lambda account: TAOBAO.orders.one(account, "1"), **change)
    assert error.word is word


def test_shop_faults_are_unknown_or_named(shop, coke):
    (target,) = shop.run(lambda account: TAOBAO.stock.find(account, "COKE-330"))
    number = buy(shop, coke)
    quick = HttpSettings(read_timeout_s=3, total_timeout_s=6)

    def with_fault(kind, call):
        shop.sandbox.put("/faults", [{"platform": "taobao", "kind": kind, "rate": 1}])
        try:
            return shop.fails(call, settings=quick)
        finally:
            shop.sandbox.put("/faults", [])

    def write(account):
        return TAOBAO.stock.write(account, target, 3)

    assert with_fault("throttled", write).word is ErrorWord.THROTTLED
    assert with_fault("invalid_session", write).word is ErrorWord.TOKEN_EXPIRED
    assert isinstance(with_fault("server_error", write), PlatformUnknown)
    assert isinstance(with_fault("lost_answer", write), PlatformUnknown)
    assert shop.run(lambda account: TAOBAO.stock.read(account, target)) == 3, "it was done: read back, do not assume"
    parcel = Shipment(platform_order_id=number, carrier_code="SF", tracking_no="SF1234567890123")
    shop.sandbox.put("/faults", [{"platform": "taobao", "kind": "lost_answer", "rate": 1}])
    told = shop.run(lambda account: TAOBAO.orders.ship(account, parcel), settings=quick)
    assert told is None, "repeated after the lost answer, told that it had left, looked, and found it so"
    shop.sandbox.put("/faults", [])
    unknown = shop.fails(lambda account: TAOBAO.orders.one(account, "1"))
    assert unknown.word is ErrorWord.NOT_FOUND
