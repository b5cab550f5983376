"""Payment codes, abnormal refunds, apps, service providers and combined orders: our connector against the sandbox."""

import datetime as dt

import pytest

from hutong.connectors.wechatpay import CONNECTOR as WECHAT
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.codes import ChargeCode
from hutong.platforms.combined import CombinedPart, CreateCombined
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import CreatePayment, PayMethod, RefundStatus, RequestRefund, RescueRefund, TradeStatus
from hutong.platforms.refusals import PlatformRefused

CERTIFICATES_ONLY = {"public_key_id": "", "public_key": ""}
PASSWORD_S_MAX = 60


@pytest.fixture(params=["v3", "V2 by HMAC", "V2 by MD5", "v3 of a provider", "V2 of a provider"])
def till(request, wechat):
    """The same till in every mode."""
    more = wechat.sandbox.platform("wechatpay")["more_credentials"]
    changes = {}
    if "V2" in request.param:
        changes |= {name: more[name] for name in ("api_key", "client_certificate", "line_url", "line_authority")}
    if "MD5" in request.param:
        changes["api_sign_type"] = "MD5"
    if "provider" in request.param:
        changes |= {"sub_mchid": more["sub_mchid"], "sub_appid": more["sub_appid"]}
    wechat.changes = changes
    return wechat


def run(hub, call):
    return hub.run(call, **hub.changes)


def fails(hub, call):
    with pytest.raises((PlatformRefused, PlatformUnknown)) as caught:
        run(hub, call)
    return caught.value


def code(hub, buyer=1):
    return hub.sandbox.post("/codes", {"platform": "wechatpay", "buyer": buyer})["auth_code"]


def charge(hub, number, auth_code, fen=990):
    command = ChargeCode(
        out_trade_no=number,
        amount=Money.fen(fen),
        description="可乐 <330ml> & 1",
        auth_code=auth_code,
        expires_at=hub.clock.now() + dt.timedelta(minutes=5),
        notify_url="http://127.0.0.1:9/none",
        attach="till-1",
    )
    return lambda account: WECHAT.codes.charge(account, command)


def reverse(number):
    return lambda account: WECHAT.codes.reverse(account, number)


def query(number):
    return lambda account: WECHAT.payments.query(account, number)


def advance(hub, seconds):
    hub.sandbox.post("/clock/advance", {"seconds": seconds})
    hub.clock.follow()


def faults(hub, *kinds, **more):
    hub.sandbox.put("/faults", [{"platform": "wechatpay", "kind": kind, "rate": 1, **more} for kind in kinds])


def book(hub, number):
    [row] = [row for row in hub.sandbox.get("/books") if row["order_no"] == number]
    return row


def test_a_code_is_charged_once(till):
    scanned = code(till, 3)
    paid = run(till, charge(till, "TILL100001", scanned))
    assert (paid.status, paid.amount, paid.attach) == (TradeStatus.PAID, Money.fen(990), "till-1")
    assert paid.transaction_id
    assert paid.payer_id.startswith("o")
    assert paid.paid_at.tzinfo is not None
    asked = run(till, query("TILL100001"))
    assert (asked.status, asked.transaction_id, asked.amount) == (paid.status, paid.transaction_id, paid.amount)
    assert asked.owner == paid.owner
    again = fails(till, charge(till, "TILL100002", scanned))
    assert again.word is ErrorWord.INVALID_REQUEST
    assert fails(till, charge(till, "TILL100001", code(till))).word is ErrorWord.ALREADY_DONE
    assert book(till, "TILL100001")["amount_fen"] == 990


def test_a_code_is_good_for_a_minute(till):
    scanned = code(till)
    advance(till, 61)
    assert fails(till, charge(till, "TILL100003", scanned)).word is ErrorWord.INVALID_REQUEST


def test_a_large_sum_asks_for_the_password(till):
    waiting = run(till, charge(till, "TILL100004", code(till), fen=100_001))
    assert (waiting.status, waiting.raw_status) == (TradeStatus.PENDING, "USERPAYING")
    assert run(till, query("TILL100004")).raw_status == "USERPAYING"
    advance(till, 29)
    assert run(till, query("TILL100004")).status is TradeStatus.PENDING
    advance(till, 32)
    assert run(till, query("TILL100004")).status is TradeStatus.PAID


def test_a_password_that_is_never_typed_takes_nothing(till):
    faults(till, "code_payerror", seconds=40)
    run(till, charge(till, "TILL100005", code(till)))
    advance(till, 41)
    failed = run(till, query("TILL100005"))
    assert (failed.status, failed.raw_status) == (TradeStatus.PENDING, "PAYERROR")
    assert run(till, reverse("TILL100005")).status is TradeStatus.CLOSED
    assert run(till, query("TILL100005")).status is TradeStatus.CLOSED
    assert [row for row in till.sandbox.get("/books") if row["order_no"] == "TILL100005"] == []


def test_an_empty_account_is_a_clear_no(till):
    faults(till, "code_not_enough")
    refused = fails(till, charge(till, "TILL100006", code(till)))
    assert (type(refused), refused.word) == (PlatformRefused, ErrorWord.INSUFFICIENT_FUNDS)


def test_a_reversal_gives_the_money_back_whatever_became_of_the_charge(till):
    run(till, charge(till, "TILL100007", code(till)))
    for _ in range(2):  # repeating is safe
        assert run(till, reverse("TILL100007")).status is TradeStatus.CLOSED
    assert run(till, query("TILL100007")).raw_status == "REVOKED"
    row = book(till, "TILL100007")
    assert (row["amount_fen"], row["refunded_fen"], row["status"]) == (990, 990, "REVOKED")
    assert run(till, reverse("TILL999999")).status is TradeStatus.NOT_FOUND


def test_the_race_between_password_and_reversal_leaves_no_money_taken(till):
    faults(till, "code_userpaying", "reverse_race", seconds=45)
    run(till, charge(till, "TILL100008", code(till)))
    assert run(till, reverse("TILL100008")).status is TradeStatus.CLOSED
    advance(till, PASSWORD_S_MAX)
    assert run(till, query("TILL100008")).status is TradeStatus.CLOSED
    assert book(till, "TILL100008")["refunded_fen"] == 990


def test_a_lost_answer_is_unknown_and_the_query_tells(till):
    faults(till, "create_timeout", "reverse_timeout", limit=1)
    assert isinstance(fails(till, charge(till, "TILL100009", code(till))), PlatformUnknown)
    assert run(till, query("TILL100009")).status is TradeStatus.PAID
    # The reversal may be repeated, and transport does so by itself.
    assert run(till, reverse("TILL100009")).status is TradeStatus.CLOSED
    assert book(till, "TILL100009")["refunded_fen"] == 990


def test_a_foreign_code_is_not_sent(till):
    with pytest.raises(InvalidInput):
        run(till, charge(till, "TILL100010", "284567890123456789"))


def test_a_wrong_key_of_the_older_api_is_named(wechat):
    def wrong(account):
        return charge(wechat, "TILL100011", "134567890123456789")(account)

    shown = wechat.sandbox.platform("wechatpay")["more_credentials"]["client_certificate"]
    with pytest.raises(PlatformRefused) as caught:
        wechat.run(wrong, api_key="0" * 32, client_certificate=shown)
    assert caught.value.word is ErrorWord.BAD_SIGNATURE


def order(hub, inbox, number, method, **more):
    return CreatePayment(
        out_trade_no=number,
        amount=Money.fen(990),
        description="可乐",
        method=method,
        notify_url=inbox.url,
        expires_at=hub.clock.now() + dt.timedelta(minutes=30),
        **more,
    )


def verify(hub, headers, body):
    async def call(account):
        await WECHAT.callbacks.prepare(account, headers)
        return WECHAT.callbacks.verify(account, headers, body)

    return hub.run(call, **getattr(hub, "changes", {}))


@pytest.mark.parametrize("provider", [False, True], ids=["merchant", "provider"])
@pytest.mark.parametrize("method", [PayMethod.APP, PayMethod.MINI, PayMethod.JSAPI])
def test_what_the_client_is_told_opens_the_cash_desk(wechat, inbox, method, provider):
    more = wechat.sandbox.platform("wechatpay")["more_credentials"]
    wechat.changes = {"sub_mchid": more["sub_mchid"]} if provider else {}
    credentials = wechat.credentials()
    app = credentials["mini_appid" if method is PayMethod.MINI else "appid"]
    [buyer] = [row for row in wechat.sandbox.get(f"/buyers?appid={app}") if row["buyer"] == 4]
    payer = {} if method is PayMethod.APP else {"payer_id": buyer["openid"]}
    command = order(wechat, inbox, f"INVOKE{method.value}{int(provider)}", method, **payer)
    invoke = run(wechat, lambda account: WECHAT.payments.create(account, command)).invoke
    spoilt = {**invoke, "nonceStr": "x" * 32}
    assert wechat.sandbox.http.post("/bridge/pay", json={"platform": "wechatpay", "invoke": spoilt}).status_code == 401
    wechat.sandbox.post("/bridge/pay", {"platform": "wechatpay", "invoke": dict(invoke)})
    report = run(wechat, query(command.out_trade_no))
    assert report.status is TradeStatus.PAID
    if payer:
        assert report.payer_id == buyer["openid"]
    notice = verify(wechat, *inbox.wait_for(1)[0])
    assert notice.trade == report
    kept = {**credentials, **wechat.changes}
    assert report.owner
    assert {name: kept[name] for name in report.owner} == report.owner


def test_a_provider_opens_orders_for_the_mini_program_of_its_merchant(wechat, inbox):
    more = wechat.sandbox.platform("wechatpay")["more_credentials"]
    app = more["sub_appid"]
    wechat.changes = {"sub_mchid": more["sub_mchid"], "sub_appid": app, "mini_appid": app}
    [buyer] = [row for row in wechat.sandbox.get(f"/buyers?appid={app}") if row["buyer"] == 4]
    command = order(wechat, inbox, "SUBMINI01", PayMethod.MINI, payer_id=buyer["openid"])
    invoke = run(wechat, lambda account: WECHAT.payments.create(account, command)).invoke
    assert invoke["appId"] == app
    wechat.sandbox.post("/bridge/pay", {"platform": "wechatpay", "invoke": dict(invoke)})
    trade = verify(wechat, *inbox.wait_for(1)[0]).trade
    assert trade.status is TradeStatus.PAID
    kept = {**wechat.credentials(), **wechat.changes}
    assert {name: kept[name] for name in trade.owner} == trade.owner


def test_a_providers_notice_is_nobody_elses(wechat, inbox):
    """A provider's order says for whom it is: the provider's own account sees that it is not its own."""
    more = wechat.sandbox.platform("wechatpay")["more_credentials"]
    wechat.changes = {"sub_mchid": more["sub_mchid"]}
    command = order(wechat, inbox, "PROVIDER01", PayMethod.NATIVE)
    run(wechat, lambda account: WECHAT.payments.create(account, command))
    wechat.sandbox.post("/pay", {"platform": "wechatpay", "out_trade_no": "PROVIDER01"})
    wechat.changes = {}
    trade = verify(wechat, *inbox.wait_for(1)[0]).trade
    assert trade.owner["sub_mchid"] == more["sub_mchid"]
    assert "sub_mchid" not in wechat.credentials()
    assert run(wechat, query("PROVIDER01")).status is TradeStatus.NOT_FOUND
    stranger = wechat.sandbox.get("/platforms?merchant=other")["wechatpay"]["more_credentials"]["sub_mchid"]
    wechat.changes = {"sub_mchid": stranger}
    assert fails(wechat, query("PROVIDER01")).word is ErrorWord.NOT_PERMITTED


def abnormal(hub, inbox, number):
    command = order(hub, inbox, number, PayMethod.NATIVE)
    run(hub, lambda account: WECHAT.payments.create(account, command))
    hub.sandbox.post("/pay", {"platform": "wechatpay", "out_trade_no": number})
    faults(hub, "refund_stuck", seconds=10)
    refund = RequestRefund(
        out_trade_no=number,
        out_refund_no=f"R{number}",
        amount=Money.fen(400),
        paid_amount=Money.fen(990),
        reason="退货",
        notify_url=inbox.url,
    )
    run(hub, lambda account: WECHAT.payments.refund(account, refund))
    advance(hub, 11)
    return run(hub, lambda account: WECHAT.payments.query_refund(account, refund.out_refund_no))


@pytest.mark.parametrize("mode", [{}, CERTIFICATES_ONLY, {**CERTIFICATES_ONLY, "platform_certificates": ""}], ids=str)
@pytest.mark.parametrize("provider", [False, True], ids=["merchant", "provider"])
def test_an_abnormal_refund_is_sent_to_a_card(wechat, inbox, mode, provider):
    more = wechat.sandbox.platform("wechatpay")["more_credentials"]
    wechat.changes = {**mode, **({"sub_mchid": more["sub_mchid"]} if provider else {})}
    stuck = abnormal(wechat, inbox, "RESCUE0001")
    assert stuck.status is RefundStatus.ABNORMAL
    assert book(wechat, "RESCUE0001")["refunded_fen"] == 0
    command = RescueRefund(
        out_refund_no=stuck.out_refund_no,
        refund_id=stuck.refund_id,
        card_bank="CMB_DEBIT",
        card_number="6225760012345678",
        card_holder="张三",
    )
    sent = run(wechat, lambda account: WECHAT.refund_rescue.rescue(account, command))
    assert sent.status is RefundStatus.PENDING
    advance(wechat, 10)
    done = run(wechat, lambda account: WECHAT.payments.query_refund(account, stuck.out_refund_no))
    assert (done.status, done.amount) == (RefundStatus.SUCCEEDED, Money.fen(400))
    assert book(wechat, "RESCUE0001")["refunded_fen"] == 400
    assert (
        fails(wechat, lambda account: WECHAT.refund_rescue.rescue(account, command)).word is ErrorWord.INVALID_REQUEST
    )


def test_an_abnormal_refund_is_sent_to_the_merchant(wechat, inbox):
    wechat.changes = {}
    stuck = abnormal(wechat, inbox, "RESCUE0002")
    command = RescueRefund(out_refund_no=stuck.out_refund_no, refund_id=stuck.refund_id)
    run(wechat, lambda account: WECHAT.refund_rescue.rescue(account, command))
    advance(wechat, 10)
    assert book(wechat, "RESCUE0002")["refunded_fen"] == 400


def combined(hub, inbox, number, method, parts, **more):
    return CreateCombined(
        combine_out_trade_no=number,
        parts=parts,
        method=method,
        notify_url=inbox.url,
        expires_at=hub.clock.now() + dt.timedelta(minutes=30),
        **more,
    )


def parts_of(hub, number):
    mine = hub.credentials()["mchid"]
    other = hub.sandbox.get("/platforms?merchant=other")["wechatpay"]["credentials"]["mchid"]
    return tuple(
        CombinedPart(merchant_ref=mchid, out_trade_no=f"{number}{n}", amount=Money.fen(100 * n), description=f"第{n}单")
        for n, mchid in enumerate((mine, other, mine), 1)
    )


@pytest.mark.parametrize("method", WECHAT.combined.methods)
def test_one_tap_pays_every_part(wechat, inbox, method):
    wechat.changes = {}
    parts = parts_of(wechat, "COMBPART")
    openid = wechat.sandbox.get(f"/buyers?appid={wechat.credentials()['appid']}")[0]["openid"]
    command = combined(wechat, inbox, "COMBINED01", method, parts, payer_id=openid, client_ip="203.0.113.7")
    created = run(wechat, lambda account: WECHAT.combined.create(account, command))
    before = run(wechat, lambda account: WECHAT.combined.query(account, "COMBINED01"))
    assert [part.status for part in before] == [TradeStatus.PENDING] * 3
    if created.invoke is not None:
        wechat.sandbox.post("/bridge/pay", {"platform": "wechatpay", "invoke": dict(created.invoke)})
    elif created.code_url is not None:
        wechat.sandbox.post("/pay", {"platform": "wechatpay", "code_url": created.code_url})
    else:
        wechat.sandbox.post("/pay", {"platform": "wechatpay", "h5_url": created.redirect_url})
    after = run(wechat, lambda account: WECHAT.combined.query(account, "COMBINED01"))
    assert [(part.status, part.amount.amount_minor) for part in after] == [
        (TradeStatus.PAID, n) for n in (100, 200, 300)
    ]
    notice = verify(wechat, *inbox.wait_for(1)[0])
    assert (notice.trade, notice.refund, notice.parts) == (None, None, after)
    assert run(wechat, query("COMBPART1")).status is TradeStatus.NOT_FOUND, "a part is asked for with the whole"
    rows = {row["order_no"]: row for row in wechat.sandbox.get("/books")}
    assert [(rows[p.out_trade_no]["merchant"], rows[p.out_trade_no]["amount_fen"]) for p in parts] == [
        ("default", 100),
        ("other", 200),
        ("default", 300),
    ]
    refused = fails(wechat, lambda account: WECHAT.combined.close(account, "COMBINED01", parts))
    assert refused.word is ErrorWord.ALREADY_DONE


def test_a_combined_order_is_closed_whole(wechat, inbox):
    wechat.changes = {}
    parts = parts_of(wechat, "COMBSHUT")
    command = combined(wechat, inbox, "COMBINED02", PayMethod.NATIVE, parts)
    run(wechat, lambda account: WECHAT.combined.create(account, command))
    refused = fails(wechat, lambda account: WECHAT.combined.close(account, "COMBINED02", parts[:2]))
    assert refused.word is ErrorWord.INVALID_REQUEST
    for _ in range(2):
        run(wechat, lambda account: WECHAT.combined.close(account, "COMBINED02", parts))
    found = run(wechat, lambda account: WECHAT.combined.query(account, "COMBINED02"))
    assert {part.status for part in found} == {TradeStatus.CLOSED}
    assert run(wechat, lambda account: WECHAT.combined.query(account, "COMBINED99")) == ()


def test_a_merchant_combines_two_to_ten(wechat, inbox):
    wechat.changes = {}
    one = combined(wechat, inbox, "COMBINED03", PayMethod.NATIVE, parts_of(wechat, "COMBONE")[:1])
    with pytest.raises(InvalidInput):
        run(wechat, lambda account: WECHAT.combined.create(account, one))
