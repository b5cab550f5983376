"""Profit sharing (分账): our connector against the sandbox, which keeps the rules of the official guide."""

import datetime as dt

import pytest

from hutong.connectors.wechatpay import CONNECTOR as WECHAT
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.core.money import Money
from hutong.platforms.contract import ErrorWord
from hutong.platforms.payments import CreatePayment, PayMethod, RequestRefund
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
from hutong.transport.client import HttpSettings

DAY = 86_400
TOTAL_FEN = 10_000
FEE_FEN = 60
AGENT = ShareReceiver(kind=ReceiverKind.MERCHANT, account_ref="1900000109", name="互通测试商户")
SECOND = ShareReceiver(kind=ReceiverKind.MERCHANT, account_ref="1900000110", name="第二商户", relation="代理商")


class Sharer:
    """A merchant (or a provider for one) with an order whose money is frozen."""

    def __init__(self, hub, changes):
        self.hub = hub
        self.changes = changes
        self.settings = None
        self.person = ShareReceiver(
            kind=ReceiverKind.PERSON,
            account_ref=hub.sandbox.get(f"/buyers?appid={hub.credentials()['appid']}")[6]["openid"],
        )

    def run(self, call):
        return self.hub.run(call, settings=self.settings, **self.changes)

    def fails(self, call):
        with pytest.raises((PlatformRefused, PlatformUnknown)) as caught:
            self.run(call)
        return caught.value

    def advance(self, seconds):
        self.hub.sandbox.post("/clock/advance", {"seconds": seconds})
        self.hub.clock.follow()

    def faults(self, *kinds, **more):
        self.hub.sandbox.put("/faults", [{"platform": "wechatpay", "kind": k, "rate": 1, **more} for k in kinds])

    def add(self, *receivers):
        for receiver in receivers:
            self.run(lambda account, r=receiver: WECHAT.share_receivers.add(account, r))

    def paid(self, number, *, shared=True, wait_s=60, total_fen=TOTAL_FEN):
        command = CreatePayment(
            out_trade_no=number,
            amount=Money.fen(total_fen),
            description="可乐",
            method=PayMethod.NATIVE,
            notify_url="http://127.0.0.1:9/none",
            expires_at=self.hub.clock.now() + dt.timedelta(minutes=30),
            shared=shared,
        )
        self.run(lambda account: WECHAT.payments.create(account, command))
        self.hub.sandbox.post("/pay", {"platform": "wechatpay", "out_trade_no": number})
        self.advance(wait_s)
        return self.run(lambda account: WECHAT.payments.query(account, number))

    def out(self, trade, share_no, *lines, finish=False):
        return ShareOut(
            out_trade_no=trade.out_trade_no,
            transaction_id=trade.transaction_id,
            out_share_no=share_no,
            lines=tuple(ShareLine(receiver=r, amount=Money.fen(fen), description="分账") for r, fen in lines),
            finish=finish,
        )

    def share(self, command):
        return lambda account: WECHAT.sharing.share(account, command)

    def done(self, command):
        """Ask, wait, and see what became of it."""
        assert self.run(self.share(command)).status is ShareStatus.PENDING
        self.advance(5)
        return self.run(lambda account: WECHAT.sharing.query(account, command))

    def finish(self, trade, share_no):
        command = FinishSharing(
            out_trade_no=trade.out_trade_no,
            transaction_id=trade.transaction_id,
            out_share_no=share_no,
            reason="分账已完成",
        )
        return lambda account: WECHAT.sharing.finish(account, command)

    def back(self, trade, share_no, return_no, receiver, fen):
        command = TakeBack(
            out_trade_no=trade.out_trade_no,
            out_share_no=share_no,
            out_return_no=return_no,
            receiver=receiver,
            amount=Money.fen(fen),
            reason="用户退款",
        )
        return lambda account: WECHAT.sharing.take_back(account, command)

    def refund(self, trade, number, fen):
        command = RequestRefund(
            out_trade_no=trade.out_trade_no,
            out_refund_no=number,
            amount=Money.fen(fen),
            paid_amount=trade.amount,
            reason="退货",
            notify_url="http://127.0.0.1:9/none",
        )
        return lambda account: WECHAT.payments.refund(account, command)

    def book(self, trade):
        [row] = [row for row in self.hub.sandbox.get("/books") if row["order_no"] == trade.out_trade_no]
        return row["shared_fen"], row["returned_fen"], row["refunded_fen"] + row["refunding_fen"]


@pytest.fixture(params=["merchant", "provider"])
def sharer(request, wechat):
    more = wechat.sandbox.platform("wechatpay")["more_credentials"]
    return Sharer(wechat, {"sub_mchid": more["sub_mchid"]} if request.param == "provider" else {})


def test_shares_go_to_each_receiver_and_back(sharer):
    sharer.add(AGENT, AGENT, SECOND, sharer.person)
    trade = sharer.paid("SHARE00001")
    command = sharer.out(trade, "S1", (AGENT, 1000), (sharer.person, 500))
    report = sharer.done(command)
    assert (report.status, report.raw_status) == (ShareStatus.SUCCEEDED, "FINISHED")
    assert [(line.account_ref, line.amount.amount_minor, line.status) for line in report.lines] == [
        (AGENT.account_ref, 1000, ShareStatus.SUCCEEDED),
        (sharer.person.account_ref, 500, ShareStatus.SUCCEEDED),
    ]
    assert all(line.detail_id for line in report.lines)
    assert sharer.run(sharer.share(command)) == report, "the same number is the same request"
    assert sharer.book(trade) == (1500, 0, 0)
    taken = sharer.run(sharer.back(trade, "S1", "B1", AGENT, 400))
    assert (taken.status, taken.amount) == (ShareStatus.SUCCEEDED, Money.fen(400))
    assert sharer.run(sharer.back(trade, "S1", "B1", AGENT, 400)) == taken
    assert sharer.book(trade) == (1500, 400, 0)
    assert sharer.fails(sharer.back(trade, "S1", "B2", AGENT, 601)).word is ErrorWord.INVALID_REQUEST
    with pytest.raises(InvalidInput):
        sharer.run(sharer.back(trade, "S1", "B3", sharer.person, 1))
    unknown = sharer.out(trade, "S9", (AGENT, 1))
    assert sharer.run(lambda account: WECHAT.sharing.query(account, unknown)).status is ShareStatus.NOT_FOUND


def test_one_number_is_one_request(sharer):
    sharer.add(AGENT)
    trade = sharer.paid("SHARE00002")
    sharer.done(sharer.out(trade, "S1", (AGENT, 100)))
    assert sharer.fails(sharer.share(sharer.out(trade, "S1", (AGENT, 101)))).word is ErrorWord.INVALID_REQUEST
    assert sharer.book(trade) == (100, 0, 0)


def test_the_cap_counts_all_requests_together(sharer):
    sharer.add(AGENT, SECOND)
    trade = sharer.paid("SHARE00003")
    sharer.done(sharer.out(trade, "S1", (AGENT, 2000)))
    assert (
        sharer.fails(sharer.share(sharer.out(trade, "S2", (AGENT, 900), (SECOND, 101)))).word is ErrorWord.NOT_PERMITTED
    )
    sharer.done(sharer.out(trade, "S3", (AGENT, 900), (SECOND, 100)))
    assert sharer.book(trade) == (3000, 0, 0)


@pytest.mark.parametrize(
    ("shared", "wait_s", "receivers"), [(False, 60, True), (True, 58, True), (True, 60, False)], ids=str
)
def test_what_the_guide_forbids_is_refused(sharer, shared, wait_s, receivers):
    """No flag on the order; within a minute of the payment; a receiver who was not added."""
    if receivers:
        sharer.add(AGENT)
    trade = sharer.paid("SHARE00004", shared=shared, wait_s=wait_s)
    assert sharer.fails(sharer.share(sharer.out(trade, "S1", (AGENT, 100)))).word is ErrorWord.INVALID_REQUEST
    assert sharer.book(trade) == (0, 0, 0)


def test_a_failed_receivers_money_is_the_payers_again(sharer):
    sharer.add(AGENT, SECOND)
    trade = sharer.paid("SHARE00005")
    sharer.faults("share_failed", limit=1)
    report = sharer.done(sharer.out(trade, "S1", (AGENT, 2000), (SECOND, 1000)))
    assert [line.status for line in report.lines] == [ShareStatus.FAILED, ShareStatus.SUCCEEDED]
    assert (report.status, report.lines[0].reason) == (ShareStatus.SUCCEEDED, "ACCOUNT_ABNORMAL")
    assert sharer.book(trade) == (1000, 0, 0)
    assert sharer.done(sharer.out(trade, "S2", (AGENT, 2000))).status is ShareStatus.SUCCEEDED
    assert sharer.book(trade) == (3000, 0, 0)


def test_a_receiver_who_was_removed_meanwhile_gets_nothing(sharer):
    sharer.add(AGENT)
    trade = sharer.paid("SHARE00006")
    command = sharer.out(trade, "S1", (AGENT, 100))
    sharer.run(sharer.share(command))
    for _ in range(2):  # one that is not there is no error
        sharer.run(lambda account: WECHAT.share_receivers.remove(account, AGENT))
    sharer.advance(5)
    report = sharer.run(lambda account: WECHAT.sharing.query(account, command))
    assert (report.status, report.lines[0].reason) == (ShareStatus.FAILED, "NO_RELATION")


def test_the_end_of_the_freeze_is_the_end_of_sharing(sharer):
    sharer.add(AGENT)
    trade = sharer.paid("SHARE00007")
    sharer.done(sharer.out(trade, "S1", (AGENT, 100)))
    # A number that was used before is answered, and unfreezes nothing.
    sharer.run(sharer.finish(trade, "S1"))
    sharer.done(sharer.out(trade, "S2", (AGENT, 100)))
    assert sharer.run(sharer.finish(trade, "F1")).status is ShareStatus.PENDING
    sharer.advance(5)
    assert sharer.run(sharer.finish(trade, "F1")).status is ShareStatus.SUCCEEDED
    assert sharer.fails(sharer.share(sharer.out(trade, "S3", (AGENT, 100)))).word is ErrorWord.INVALID_REQUEST
    assert sharer.run(sharer.back(trade, "S2", "B1", AGENT, 100)).status is ShareStatus.SUCCEEDED
    assert sharer.book(trade) == (200, 100, 0)


def test_a_share_may_finish_the_order(sharer):
    sharer.add(AGENT)
    trade = sharer.paid("SHARE00008")
    report = sharer.done(sharer.out(trade, "S1", (AGENT, 100), finish=True))
    assert [line.account_ref for line in report.lines] == [AGENT.account_ref], "the merchant's own rest is no share"
    assert sharer.fails(sharer.share(sharer.out(trade, "S2", (AGENT, 100)))).word is ErrorWord.INVALID_REQUEST


def test_thirty_days_end_the_freeze(sharer):
    sharer.add(AGENT)
    trade = sharer.paid("SHARE00009")
    sharer.advance(30 * DAY - 120)
    sharer.done(sharer.out(trade, "S1", (AGENT, 100)))
    sharer.advance(120)
    assert sharer.fails(sharer.share(sharer.out(trade, "S2", (AGENT, 100)))).word is ErrorWord.INVALID_REQUEST


def test_refunds_of_a_frozen_order_take_what_is_left(sharer):
    sharer.add(AGENT)
    trade = sharer.paid("SHARE00010")
    sharer.done(sharer.out(trade, "S1", (AGENT, 3000)))
    assert sharer.fails(sharer.refund(trade, "R1", 7001)).word is ErrorWord.INSUFFICIENT_FUNDS
    sharer.run(sharer.refund(trade, "R2", 2000))
    sharer.run(sharer.back(trade, "S1", "B1", AGENT, 3000))
    # What came back is in the balance: the order must be unfrozen before a refund can use it.
    assert sharer.fails(sharer.refund(trade, "R3", 8000)).word is ErrorWord.INSUFFICIENT_FUNDS
    sharer.run(sharer.finish(trade, "F1"))
    sharer.advance(5)
    sharer.run(sharer.refund(trade, "R4", 8000))
    assert sharer.book(trade) == (3000, 3000, TOTAL_FEN)


def test_what_was_refunded_cannot_be_shared(sharer):
    sharer.add(AGENT)
    trade = sharer.paid("SHARE00011")
    sharer.run(sharer.refund(trade, "R1", 9000))
    refused = sharer.fails(sharer.share(sharer.out(trade, "S1", (AGENT, 1000 - FEE_FEN + 1))))
    assert refused.word is ErrorWord.INSUFFICIENT_FUNDS
    sharer.done(sharer.out(trade, "S2", (AGENT, 1000 - FEE_FEN)))


def test_requests_and_receivers_are_counted(sharer):
    sharer.add(AGENT, SECOND)
    trade = sharer.paid("SHARE00012")
    with pytest.raises(InvalidInput):
        sharer.run(sharer.share(sharer.out(trade, "S0", (AGENT, 1), (AGENT, 2))))
    for n in range(WECHAT.sharing.limits.requests_per_order_max):
        sharer.run(sharer.share(sharer.out(trade, f"S{n}", (AGENT, 1))))
    refused = sharer.fails(sharer.share(sharer.out(trade, "ONE-MORE", (AGENT, 1))))
    assert refused.word is ErrorWord.NOT_PERMITTED


def test_lost_answers_are_unknown_and_repeating_is_safe(sharer):
    sharer.add(AGENT)
    trade = sharer.paid("SHARE00013")
    command = sharer.out(trade, "S1", (AGENT, 100))
    sharer.faults("share_timeout", "return_timeout")
    assert isinstance(sharer.fails(sharer.share(command)), PlatformUnknown)
    sharer.faults()
    sharer.advance(5)
    assert sharer.run(lambda account: WECHAT.sharing.query(account, command)).status is ShareStatus.SUCCEEDED
    sharer.faults("return_timeout")
    assert isinstance(sharer.fails(sharer.back(trade, "S1", "B1", AGENT, 40)), PlatformUnknown)
    sharer.faults()
    assert sharer.run(sharer.back(trade, "S1", "B1", AGENT, 40)).status is ShareStatus.SUCCEEDED
    assert sharer.book(trade) == (100, 40, 0)


def test_a_return_may_fail(sharer):
    sharer.add(AGENT)
    trade = sharer.paid("SHARE00014")
    sharer.done(sharer.out(trade, "S1", (AGENT, 100)))
    sharer.faults("return_failed")
    failed = sharer.run(sharer.back(trade, "S1", "B1", AGENT, 100))
    assert (failed.status, failed.reason) == (ShareStatus.FAILED, "BALANCE_NOT_ENOUGH")
    assert sharer.book(trade) == (100, 0, 0)


def test_a_stuck_share_stays_pending(sharer):
    sharer.add(AGENT)
    trade = sharer.paid("SHARE00015")
    sharer.faults("share_stuck", seconds=600)
    command = sharer.out(trade, "S1", (AGENT, 100))
    assert sharer.done(command).status is ShareStatus.PENDING
    sharer.advance(600)
    assert sharer.run(lambda account: WECHAT.sharing.query(account, command)).status is ShareStatus.SUCCEEDED


def test_the_platforms_key_may_change_in_the_middle(sharer):
    """F13: two answers in a row are signed with the next certificate each, in both key modes side by side."""
    sharer.settings = HttpSettings(read_timeout_s=25)  # a certificate takes a while to be made
    sharer.faults("certificate_rotated", limit=2)
    given = sharer.changes
    sharer.changes = {**given, "public_key_id": "", "public_key": "", "platform_certificates": ""}
    sharer.add(AGENT)
    sharer.changes = given
    trade = sharer.paid("SHARE00016")
    assert sharer.done(sharer.out(trade, "S1", (AGENT, 100))).status is ShareStatus.SUCCEEDED
