"""Alipay end to end: the connector over real sockets against the sandbox, in key mode and in certificate mode."""

import asyncio
import datetime as dt
import http.server
import threading
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest

from hutong.connectors.alipay import CONNECTOR as ALIPAY
from hutong.connectors.alipay.downloads import MEMORY
from hutong.core.errors import InvalidSignature, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.account import Account
from hutong.platforms.codes import ChargeCode
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import CreatePayment, PayMethod, RefundStatus, RequestRefund, TradeStatus
from hutong.platforms.refusals import PlatformRefused
from hutong.platforms.sharing import (
    FinishSharing,
    ReceiverKind,
    ShareLine,
    ShareOut,
    ShareReceiver,
    ShareStatus,
    TakeBack,
)
from hutong.transport.client import HttpPool, HttpSettings
from hutong.transport.pacing import Pace

KEY_MODE = {"app_cert": "", "alipay_cert": "", "alipay_root_cert": ""}
CERTIFICATE_MODE = {"alipay_public_key": ""}
WAIT_S = 10
ANNA = ShareReceiver(kind=ReceiverKind.PERSON, account_ref="2088123412341234")
CREATOR = ShareReceiver(kind=ReceiverKind.MERCHANT, account_ref="creator@example.com", name="测试创作者")


class Inbox:
    """A merchant's callback address: keeps raw bytes, answers what it is told."""

    def __init__(self):
        self.got = []
        self.answer = b"success"
        inbox = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                inbox.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(200)
                self.send_header("content-length", str(len(inbox.answer)))
                self.end_headers()
                self.wfile.write(inbox.answer)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/callbacks/alipay/1"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def wait_for(self, count):
        deadline = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=WAIT_S)
        while len(self.got) < count and dt.datetime.now(dt.UTC) < deadline:
            threading.Event().wait(0.05)
        assert len(self.got) >= count, f"only {len(self.got)} of {count} callbacks came"
        return self.got

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def inbox():
    made = Inbox()
    yield made
    made.close()


class Hub:
    """Calls the connector as the hub would: real pool, real pace, the sandbox's clock."""

    def __init__(self, sandbox, mode):
        self.sandbox = sandbox
        self.mode = mode
        given = sandbox.platform("alipay")
        self.base_url, self.credentials = given["base_url"], given["credentials"]

    def now(self):
        return dt.datetime.fromisoformat(self.sandbox.get("/clock")["now"])

    def account(self, http=None, **changes):
        return Account(
            platform="alipay",
            base_url=self.base_url,
            credentials={**self.credentials, **self.mode, **changes},
            http=http,
            clock=self,
        )

    def run(self, call, *, settings=None, **changes):
        async def main():
            async with HttpPool(settings or HttpSettings(read_timeout_s=5)) as pool:
                http = pool.account("alipay", "a", Pace(calls=1000, seconds=1))
                return await call(self.account(http, **changes))

        return asyncio.run(main())

    def fails(self, call, **more):
        with pytest.raises((PlatformRefused, PlatformUnknown)) as caught:
            self.run(call, **more)
        return caught.value

    def create(self, inbox, number, method=PayMethod.NATIVE, fen=990, **more):
        command = CreatePayment(
            out_trade_no=number,
            amount=Money.fen(fen),
            description="小面包 + 水/2=1&1",
            method=method,
            notify_url=inbox.url,
            expires_at=self.now() + dt.timedelta(minutes=30),
            **more,
        )
        return self.run(lambda account: ALIPAY.payments.create(account, command))

    def charge(self, inbox, number, code, fen=990, **more):
        command = ChargeCode(
            out_trade_no=number,
            amount=Money.fen(fen),
            description="小面包",
            auth_code=code,
            expires_at=self.now() + dt.timedelta(minutes=30),
            notify_url=inbox.url,
        )
        return self.run(lambda account: ALIPAY.codes.charge(account, command), **more)

    def query(self, number):
        return self.run(lambda account: ALIPAY.payments.query(account, number))

    def close(self, number):
        return self.run(lambda account: ALIPAY.payments.close(account, number))

    def refund(self, number, refund_no, fen, paid_fen=990, **more):
        command = RequestRefund(
            out_trade_no=number,
            out_refund_no=refund_no,
            amount=Money.fen(fen),
            paid_amount=Money.fen(paid_fen),
            reason="不要了",
            notify_url="http://unused.example/",
        )
        return self.run(lambda account: ALIPAY.payments.refund(account, command), **more)

    def query_refund(self, refund_no, number):
        return self.run(lambda account: ALIPAY.payments.query_refund(account, refund_no, number))

    def verify(self, got, **changes):
        headers, body = got
        return ALIPAY.callbacks.verify(self.account(**changes), headers, body)

    def paid(self, inbox, number, fen=990, **more):
        """An order that was scanned and paid; its trade number."""
        code = self.create(inbox, number, fen=fen, **more).code_url
        return self.sandbox.post("/pay", {"platform": "alipay", "code_url": code})["trade_no"]

    def faults(self, **rates):
        self.sandbox.put("/faults", [{"platform": "alipay", "kind": kind, **how} for kind, how in rates.items()])


@pytest.fixture(params=[KEY_MODE, CERTIFICATE_MODE], ids=["key", "certificate"])
def hub(request, sandbox):
    return Hub(sandbox, request.param)


@pytest.fixture
def key_hub(sandbox):
    return Hub(sandbox, KEY_MODE)


def test_a_code_is_scanned_paid_and_told(hub, inbox):
    created = hub.create(inbox, "A1000001", attach="0123abcd")
    assert created.code_url.startswith("https://qr.alipay.com/")
    before = hub.query("A1000001")
    assert (before.status, before.raw_status) == (TradeStatus.NOT_FOUND, "ACQ.TRADE_NOT_EXIST")
    told = hub.sandbox.post("/pay", {"platform": "alipay", "code_url": created.code_url, "buyer": 3})
    after = hub.query("A1000001")
    assert (after.status, after.amount, after.transaction_id) == (TradeStatus.PAID, Money.fen(990), told["trade_no"])
    assert (after.attach, after.payer_id) == ("0123abcd", told["buyer_user_id"])
    assert after.owner == {"app_id": hub.credentials["app_id"], "seller_id": hub.credentials["seller_id"]}
    [got] = inbox.wait_for(1)
    notice = hub.verify(got)
    assert notice.kind == "trade_status_sync TRADE_SUCCESS"
    assert notice.trade == after


def test_an_order_inside_alipay_is_paid_by_its_number(hub, inbox):
    for payer in ("2088101117955611", "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5"):
        created = hub.create(inbox, f"A2{payer[:8]}", PayMethod.JSAPI, payer_id=payer)
        again = hub.create(inbox, f"A2{payer[:8]}", PayMethod.JSAPI, payer_id=payer)
        assert created == again
        assert hub.query(f"A2{payer[:8]}").status is TradeStatus.PENDING
        hub.sandbox.http.post("/bridge/pay", json={"platform": "alipay", "invoke": created.invoke}).raise_for_status()
        assert hub.query(f"A2{payer[:8]}").payer_id == payer


@pytest.mark.parametrize("method", [PayMethod.H5, PayMethod.PAGE])
def test_a_browser_is_sent_to_the_cash_desk_and_back(hub, inbox, method):
    number = f"A3{method.value}"
    back = "https://shop.example/c/1?x=1"
    created = hub.create(inbox, number, method, return_url=back)
    assert hub.query(number).status is TradeStatus.NOT_FOUND
    with httpx.Client(trust_env=False) as browser:
        page = browser.get(created.redirect_url)
        assert page.status_code == 200, page.text
        assert "9.90" in page.text
        assert hub.query(number).status is TradeStatus.PENDING
        action = page.text.partition('action="')[2].partition('"')[0]
        done = browser.post(hub.base_url + action)
        spoilt = browser.get(created.redirect_url.replace("9.90", "0.10"))
    assert done.headers["location"].startswith(back + "&")
    assert dict(parse_qsl(urlsplit(done.headers["location"]).query))["out_trade_no"] == number
    assert hub.query(number).status is TradeStatus.PAID
    assert hub.verify(inbox.wait_for(1)[0]).trade.status is TradeStatus.PAID
    assert spoilt.status_code == 400


def test_an_app_gets_a_signed_text(hub, inbox):
    created = hub.create(inbox, "A3000009", PayMethod.APP)
    text = created.invoke["orderStr"]
    wrong = hub.sandbox.http.post("/pay", json={"platform": "alipay", "order_string": text.replace("9.90", "0.10")})
    assert wrong.status_code == 401
    hub.sandbox.post("/pay", {"platform": "alipay", "order_string": text})
    assert hub.query("A3000009").status is TradeStatus.PAID


def test_closing(hub, inbox):
    hub.create(inbox, "A4000001")
    assert hub.close("A4000001").status is TradeStatus.NOT_FOUND
    hub.create(inbox, "A4000002", PayMethod.JSAPI, payer_id="2088101117955611")
    assert hub.close("A4000002").status is TradeStatus.CLOSED
    assert hub.close("A4000002").status is TradeStatus.CLOSED
    hub.paid(inbox, "A4000003")
    assert hub.close("A4000003").status is TradeStatus.PAID
    assert hub.close("A4000009").status is TradeStatus.NOT_FOUND


def test_a_code_that_nobody_scanned_ends_at_its_time(hub, inbox):
    created = hub.create(inbox, "A4000011")
    hub.sandbox.post("/clock/advance", {"seconds": 1801})
    late = hub.sandbox.http.post("/pay", json={"platform": "alipay", "code_url": created.code_url})
    assert late.status_code == 400
    assert hub.query("A4000011").status is TradeStatus.NOT_FOUND


def test_refunds_in_parts_are_told_one_by_one(hub, inbox):
    hub.paid(inbox, "A5000001")
    first = hub.refund("A5000001", "R5000001", 90)
    assert (first.status, first.raw_status) == (RefundStatus.SUCCEEDED, "fund_change Y")
    again = hub.refund("A5000001", "R5000001", 90)
    assert (again.status, again.raw_status, again.amount) == (
        RefundStatus.SUCCEEDED,
        "REFUND_SUCCESS",
        Money.fen(90),
    )
    assert hub.query("A5000001").status is TradeStatus.PAID
    hub.refund("A5000001", "R5000002", 900)
    assert hub.query_refund("R5000002", "A5000001").amount == Money.fen(900)
    told = hub.query("A5000001")
    assert (told.status, told.is_all_back) == (TradeStatus.REFUNDED, True)  # TRADE_CLOSED, and never "unpaid"
    hub.sandbox.post("/clock/advance", {"seconds": 5})
    notices = [hub.verify(got) for got in inbox.wait_for(3)]
    assert [n.refund and n.refund.out_refund_no for n in notices] == [None, "R5000001", "R5000002"]
    assert all(n.refund.status is RefundStatus.SUCCEEDED for n in notices[1:])
    [row] = hub.sandbox.get("/books")
    assert (row["amount_fen"], row["refunded_fen"], row["status"]) == (990, 990, "TRADE_CLOSED")


def test_refunds_that_cannot_be(hub, inbox):
    hub.paid(inbox, "A5000011")
    hub.refund("A5000011", "R5000011", 90)
    other = hub.fails(lambda account: ALIPAY.payments.refund(account, _refund("A5000011", "R5000011", 91)))
    assert other.details["platform_code"] == "ACQ.DISCORDANT_REPEAT_REQUEST"
    more = hub.fails(lambda account: ALIPAY.payments.refund(account, _refund("A5000011", "R5000012", 901)))
    assert more.details["platform_code"] == "ACQ.REASON_TRADE_REFUND_FEE_ERR"
    nothing = hub.fails(lambda account: ALIPAY.payments.refund(account, _refund("A5000099", "R5000013", 1)))
    assert nothing.word is ErrorWord.NOT_FOUND
    hub.create(inbox, "A5000012", PayMethod.JSAPI, payer_id="2088101117955611")
    unpaid = hub.fails(lambda account: ALIPAY.payments.refund(account, _refund("A5000012", "R5000014", 1)))
    assert unpaid.word is ErrorWord.ALREADY_DONE
    assert hub.query_refund("R5000099", "A5000011").status is RefundStatus.NOT_FOUND
    assert hub.query_refund("R5000099", "A5000099").status is RefundStatus.NOT_FOUND
    hub.faults(not_enough={})
    poor = hub.fails(lambda account: ALIPAY.payments.refund(account, _refund("A5000011", "R5000015", 1)))
    assert poor.word is ErrorWord.INSUFFICIENT_FUNDS


def _refund(number, refund_no, fen):
    return RequestRefund(
        out_trade_no=number,
        out_refund_no=refund_no,
        amount=Money.fen(fen),
        paid_amount=Money.fen(990),
        reason="",
        notify_url="",
    )


def test_a_refund_that_is_not_clear_is_pending_until_it_is(key_hub, inbox):
    hub = key_hub
    hub.paid(inbox, "A5000021")
    hub.faults(refund_stuck={"seconds": 600})
    assert hub.refund("A5000021", "R5000021", 90).status is RefundStatus.PENDING
    assert hub.refund("A5000021", "R5000021", 90).status is RefundStatus.PENDING
    assert hub.query_refund("R5000021", "A5000021").status is RefundStatus.NOT_FOUND
    hub.sandbox.post("/clock/advance", {"seconds": 601})
    assert hub.refund("A5000021", "R5000021", 90).status is RefundStatus.SUCCEEDED
    assert [row["refunded_fen"] for row in hub.sandbox.get("/books")] == [90]


def test_an_answer_that_is_lost_or_unsure_is_unknown_and_asking_again_is_safe(key_hub, inbox):
    hub = key_hub
    quick = HttpSettings(read_timeout_s=1, repeat_within_s=0)
    hub.paid(inbox, "A5000031")
    for n, kind in enumerate(("refund_timeout", "system_error")):
        hub.faults(**{kind: {"limit": 1}})
        with pytest.raises(PlatformUnknown):
            hub.refund("A5000031", f"R500003{n}", 90, settings=quick)
        assert hub.refund("A5000031", f"R500003{n}", 90).status is RefundStatus.SUCCEEDED
    assert [row["refunded_fen"] for row in hub.sandbox.get("/books")] == [180]
    hub.faults(server_error={"limit": 9})
    assert isinstance(hub.fails(lambda account: ALIPAY.payments.query(account, "A5000031")), PlatformUnknown)
    hub.faults(rate_limited={"limit": 9})
    assert hub.fails(lambda account: ALIPAY.payments.query(account, "A5000031")).word is ErrorWord.THROTTLED
    hub.faults(create_timeout={"limit": 1})
    command = CreatePayment(
        out_trade_no="A5000032",
        amount=Money.fen(1),
        description="x",
        method=PayMethod.JSAPI,
        notify_url=inbox.url,
        expires_at=hub.now() + dt.timedelta(minutes=5),
        payer_id="2088101117955611",
    )
    with pytest.raises(PlatformUnknown):
        hub.run(lambda account: ALIPAY.payments.create(account, command), settings=quick)
    assert hub.query("A5000032").status is TradeStatus.PENDING


def test_a_payment_code_is_charged_at_once(hub, inbox):
    report = hub.charge(inbox, "A6000001", "281234567890123456")
    assert (report.status, report.amount) == (TradeStatus.PAID, Money.fen(990))
    assert hub.charge(inbox, "A6000001", "281234567890123456").transaction_id == report.transaction_id
    with pytest.raises(PlatformRefused) as used:
        hub.charge(inbox, "A6000002", "281234567890123456")
    assert used.value.details["platform_code"] == "ACQ.PAYMENT_AUTH_CODE_INVALID"
    hub.sandbox.post("/clock/advance", {"seconds": 5})
    assert hub.verify(inbox.wait_for(1)[0]).trade.out_trade_no == "A6000001"
    assert hub.run(lambda account: ALIPAY.codes.reverse(account, "A6000001")).status is TradeStatus.CLOSED
    assert hub.run(lambda account: ALIPAY.codes.reverse(account, "A6000001")).status is TradeStatus.CLOSED
    assert hub.run(lambda account: ALIPAY.codes.reverse(account, "A6000099")).status is TradeStatus.CLOSED
    assert [row["refunded_fen"] for row in hub.sandbox.get("/books")] == [990]


def test_a_buyer_who_types_a_password_or_gives_up(key_hub, inbox):
    hub = key_hub
    hub.faults(user_paying={"seconds": 40})
    assert hub.charge(inbox, "A6000011", "281234567890123401").status is TradeStatus.PENDING
    assert hub.query("A6000011").status is TradeStatus.PENDING
    hub.sandbox.post("/clock/advance", {"seconds": 41})
    assert hub.query("A6000011").status is TradeStatus.PAID
    hub.faults(user_gives_up={})
    assert hub.charge(inbox, "A6000012", "281234567890123402").status is TradeStatus.PENDING
    undone = hub.run(lambda account: ALIPAY.codes.reverse(account, "A6000012"))
    assert (undone.status, undone.raw_status) == (TradeStatus.CLOSED, "close")
    hub.faults(user_paying={"seconds": 40})
    hub.charge(inbox, "A6000013", "281234567890123403")
    hub.run(lambda account: ALIPAY.codes.reverse(account, "A6000013"))
    hub.sandbox.post("/clock/advance", {"seconds": 60})
    assert hub.query("A6000013").status is TradeStatus.CLOSED
    hub.faults(create_timeout={"limit": 1})
    with pytest.raises(PlatformUnknown):
        hub.charge(inbox, "A6000014", "281234567890123404", settings=HttpSettings(read_timeout_s=1))
    assert hub.query("A6000014").status is TradeStatus.PAID


def test_sign_in_gives_the_id_that_pays(hub, inbox):
    here = "https://shop.example/c/1?a=1"
    url = ALIPAY.identity.authorise_url(hub.account(), here, "abc123")
    with httpx.Client(trust_env=False) as browser:
        answer = browser.get(url, headers={"x-sandbox-buyer": "7"})
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (back["state"], back["a"]) == (["abc123"], ["1"])
    code = back["auth_code"][0]
    visitor = hub.run(lambda account: ALIPAY.identity.visitor_id(account, code))
    assert visitor.startswith("2088")
    again = hub.fails(lambda account: ALIPAY.identity.visitor_id(account, code))
    assert again.details["platform_code"] == "isv.code-invalid"
    hub.create(inbox, "A7000001", PayMethod.JSAPI, payer_id=visitor)


def test_a_mini_programs_login_gives_the_id_that_pays_there(hub, inbox):
    code = hub.sandbox.post("/logins", {"platform": "alipay", "buyer": 7})["login_code"]
    visitor = hub.run(lambda account: ALIPAY.identity.mini_visitor_id(account, code))
    again = hub.fails(lambda account: ALIPAY.identity.mini_visitor_id(account, code))
    assert again.details["platform_code"] == "isv.code-invalid"
    hub.create(inbox, "A7000002", PayMethod.MINI, payer_id=visitor)


def shares(trade_no, number, *lines, finish=False, out_trade_no="A8000001"):
    return ShareOut(
        out_trade_no=out_trade_no,
        transaction_id=trade_no,
        out_share_no=number,
        lines=tuple(ShareLine(receiver=r, amount=Money.fen(fen), description="佣金") for r, fen in lines),
        finish=finish,
    )


def test_an_order_is_shared_taken_back_and_finished(hub, inbox):
    trade_no = hub.paid(inbox, "A8000001", fen=10_000, shared=True)
    command = shares(trade_no, "S1", (ANNA, 1000), (CREATOR, 500))
    unbound = hub.fails(lambda account: ALIPAY.sharing.share(account, command))
    assert unbound.word is ErrorWord.NOT_PERMITTED
    for receiver in (ANNA, CREATOR, ANNA):
        hub.run(lambda account, receiver=receiver: ALIPAY.share_receivers.add(account, receiver))
    asked = hub.run(lambda account: ALIPAY.sharing.share(account, command))
    assert asked.status is ShareStatus.PENDING
    assert hub.run(lambda account: ALIPAY.sharing.share(account, command)).share_id == asked.share_id
    assert hub.run(lambda account: ALIPAY.sharing.query(account, command)).status is ShareStatus.PENDING
    hub.sandbox.post("/clock/advance", {"seconds": 3})
    done = hub.run(lambda account: ALIPAY.sharing.query(account, command))
    assert (done.status, [line.amount.amount_minor for line in done.lines]) == (ShareStatus.SUCCEEDED, [1000, 500])
    too_much = shares(trade_no, "S2", (ANNA, 1501))
    over = hub.fails(lambda account: ALIPAY.sharing.share(account, too_much))
    assert over.details["platform_code"] == "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR"
    missing = shares(trade_no, "S9", (ANNA, 1))
    assert hub.run(lambda account: ALIPAY.sharing.query(account, missing)).status is ShareStatus.NOT_FOUND
    back = TakeBack(
        out_trade_no="A8000001",
        out_share_no="S1",
        out_return_no="B1",
        receiver=CREATOR,
        amount=Money.fen(300),
        reason="退款",
    )
    for _ in range(2):
        assert hub.run(lambda account: ALIPAY.sharing.take_back(account, back)).status is ShareStatus.SUCCEEDED
    end = FinishSharing(out_trade_no="A8000001", transaction_id=trade_no, out_share_no="F1", reason="完结")
    assert hub.run(lambda account: ALIPAY.sharing.finish(account, end)).status is ShareStatus.SUCCEEDED
    hub.sandbox.post("/clock/advance", {"seconds": 3})
    late = hub.fails(lambda account: ALIPAY.sharing.share(account, shares(trade_no, "S3", (ANNA, 1))))
    assert late.details["platform_code"] == "ACQ.TRADE_STATUS_ERROR"
    [row] = hub.sandbox.get("/books")
    assert (row["shared_fen"], row["returned_fen"], row["refunded_fen"]) == (1500, 300, 0)
    for _ in range(2):
        hub.run(lambda account: ALIPAY.share_receivers.remove(account, ANNA))


def test_a_line_that_fails_does_not_stop_the_others(key_hub, inbox):
    hub = key_hub
    trade_no = hub.paid(inbox, "A8000001", fen=10_000, shared=True)
    for receiver in (ANNA, CREATOR):
        hub.run(lambda account, receiver=receiver: ALIPAY.share_receivers.add(account, receiver))
    hub.faults(share_failed={"limit": 1})
    command = shares(trade_no, "S1", (ANNA, 1000), (CREATOR, 500))
    hub.run(lambda account: ALIPAY.sharing.share(account, command))
    hub.sandbox.post("/clock/advance", {"seconds": 3})
    done = hub.run(lambda account: ALIPAY.sharing.query(account, command))
    assert [line.status for line in done.lines] == [ShareStatus.FAILED, ShareStatus.SUCCEEDED]
    assert (done.status, done.lines[0].reason) == (ShareStatus.SUCCEEDED, "TXN_RESULT_ACCOUNT_STATUS_NOT_VALID")
    assert [row["shared_fen"] for row in hub.sandbox.get("/books")] == [500]


def test_a_freeze_ends_after_thirty_days(key_hub, inbox):
    hub = key_hub
    trade_no = hub.paid(inbox, "A8000001", fen=10_000, shared=True)
    hub.run(lambda account: ALIPAY.share_receivers.add(account, ANNA))
    hub.sandbox.post("/clock/advance", {"seconds": 30 * 86_400 + 1})
    late = hub.fails(lambda account: ALIPAY.sharing.share(account, shares(trade_no, "S1", (ANNA, 1))))
    assert late.details["platform_code"] == "ACQ.TRADE_STATUS_ERROR"


@pytest.mark.parametrize("change", ["body", "sign", "sign_type", "charset", "duplicate", "swapped", "stale"])
def test_no_tampered_callback_verifies_and_a_replay_keeps_its_id(hub, inbox, change):
    hub.create(inbox, "A9000001")
    hub.sandbox.post("/callbacks/tamper", {"platform": "alipay", "out_trade_no": "A9000001", "change": change})
    with pytest.raises(InvalidSignature):
        hub.verify(inbox.wait_for(1)[0])
    assert hub.query("A9000001").status is TradeStatus.NOT_FOUND
    hub.sandbox.post("/pay", {"platform": "alipay", "out_trade_no": "A9000001"})
    hub.sandbox.post("/callbacks/replay", {"platform": "alipay", "out_trade_no": "A9000001"})
    first, second = inbox.wait_for(3)[1:]
    assert hub.verify(first).notice_id == hub.verify(second).notice_id


@pytest.mark.parametrize("change", ["other_app_id", "other_seller_id", "other_order", "other_amount"])
def test_a_rightly_signed_callback_of_something_else_says_whose_it_is(hub, inbox, change):
    hub.create(inbox, "A9000011")
    hub.sandbox.post("/callbacks/tamper", {"platform": "alipay", "out_trade_no": "A9000011", "change": change})
    trade = hub.verify(inbox.wait_for(1)[0]).trade
    ours = {"app_id": hub.credentials["app_id"], "seller_id": hub.credentials["seller_id"]}
    found = (trade.owner == ours, trade.out_trade_no == "A9000011", trade.amount == Money.fen(990))
    assert found.count(False) == 1


def test_callbacks_come_eight_times_in_a_day_until_the_answer_is_success(key_hub, inbox):
    hub = key_hub
    inbox.answer = b"Success"
    hub.paid(inbox, "A9000021")
    hub.sandbox.post("/clock/advance", {"seconds": 100_000})
    notices = inbox.wait_for(8)
    assert len(notices) == 8
    assert len({hub.verify(got).notice_id for got in notices[-1:]}) == 1
    inbox.got.clear()
    inbox.answer = b"success"
    hub.paid(inbox, "A9000022")
    hub.sandbox.post("/clock/advance", {"seconds": 100_000})
    assert len(inbox.got) == 1


def test_a_new_certificate_is_fetched_when_an_answer_names_it(sandbox, inbox):
    """Between two answers: the next call learns it, and callbacks signed with it verify from then on."""
    MEMORY.forget_all()
    hub = Hub(sandbox, CERTIFICATE_MODE)
    hub.paid(inbox, "A9000031")
    sandbox.post("/certificates/rotate", {"platform": "alipay"})
    assert hub.query("A9000031").status is TradeStatus.PAID
    hub.paid(inbox, "A9000032")
    assert hub.verify(inbox.wait_for(2)[1]).trade.out_trade_no == "A9000032"
    for _ in range(3):  # key mode keeps its one key, however often the certificate changes
        sandbox.post("/certificates/rotate", {"platform": "alipay"})
    assert Hub(sandbox, KEY_MODE).query("A9000031").status is TradeStatus.PAID
    MEMORY.forget_all()
    with pytest.raises(InvalidSignature):
        hub.verify(inbox.got[1])
    assert Hub(sandbox, CERTIFICATE_MODE).query("A9000031").status is TradeStatus.PAID  # the new file names both


def test_wrong_keys_and_foreign_apps_are_refused(hub, sandbox, inbox):
    other = sandbox.http.get("/platforms?merchant=other").raise_for_status().json()["alipay"]["credentials"]
    foreign_key = {"private_key_pkcs8": other["private_key_pkcs8"]}
    refused = hub.fails(lambda account: ALIPAY.payments.query(account, "A9000041"), **foreign_key)
    assert refused.word is ErrorWord.BAD_SIGNATURE
    refused = hub.fails(lambda account: ALIPAY.payments.query(account, "A9000041"), app_id="2021000000000000")
    assert refused.details["platform_code"] == "isv.invalid-app-id"
    hub.paid(inbox, "A9000042")
    [got] = inbox.wait_for(1)
    assert hub.verify(got, app_id=other["app_id"]).trade.owner["app_id"] == hub.credentials["app_id"]
