"""Bills: our connectors read what the sandbox made from its own books; each planted fault is just that row."""

import datetime as dt

import pytest

from hutong.connectors.alipay import CONNECTOR as ALIPAY
from hutong.connectors.wechatpay import CONNECTOR as WECHAT
from hutong.core.money import Money
from hutong.platforms.bill_errors import BillChanged
from hutong.platforms.bills import BILL_ZONE, BillKind, BillStatus, bill_day
from hutong.platforms.payments import CreatePayment, PayMethod, RequestRefund

NOON = dt.time(12)
EXPIRES = dt.timedelta(minutes=30)


class Seller:
    """A merchant with a day of trade behind him; the clock is his."""

    def __init__(self, hub, connector, changes):
        self.hub = hub
        self.connector = connector
        self.changes = changes
        self.day = bill_day(hub.clock.now()) + dt.timedelta(days=1)
        self.go_to(self.day, NOON)

    def run(self, call):
        return self.hub.run(call, **self.changes)

    def go_to(self, day, time):
        """Move on to an hour in China."""
        self.hub.clock.follow()
        wait = dt.datetime.combine(day, time, BILL_ZONE) - self.hub.clock.now()
        self.hub.sandbox.post("/clock/advance", {"seconds": max(0, int(wait.total_seconds()) + 1)})
        self.hub.clock.follow()

    def faults(self, **rates):
        rules = [{"platform": self.connector.name, "kind": kind, "rate": rate} for kind, rate in rates.items()]
        self.hub.sandbox.put("/faults", rules)

    def pay(self, number, fen):
        command = CreatePayment(
            out_trade_no=number,
            amount=Money.fen(fen),
            description="可乐, 330ml",
            method=PayMethod.NATIVE,
            notify_url="http://127.0.0.1:9/none",
            expires_at=self.hub.clock.now() + EXPIRES,
        )
        code = self.run(lambda account: self.connector.payments.create(account, command)).code_url
        self.hub.sandbox.post("/pay", {"platform": self.connector.name, "code_url": code})

    def refund(self, number, refund_no, fen, paid_fen):
        command = RequestRefund(
            out_trade_no=number,
            out_refund_no=refund_no,
            amount=Money.fen(fen),
            paid_amount=Money.fen(paid_fen),
            reason="退货",
            notify_url="http://127.0.0.1:9/none",
        )
        self.run(lambda account: self.connector.payments.refund(account, command))
        self.hub.sandbox.post("/clock/advance", {"seconds": 5})

    def trade(self):
        """Three payments, one of them with two refunds."""
        for number, fen in (("BILL000001", 1990), ("BILL000002", 50), ("BILL000003", 33333)):
            self.pay(number, fen)
        self.refund("BILL000003", "BILLREF001", 11111, 33333)
        self.refund("BILL000003", "BILLREF002", 22222, 33333)

    def bill(self, day=None):
        async def fetch(account):
            found = await self.connector.bills.fetch(account, day or self.day)
            return found, [row async for row in found.rows()]

        return self.run(fetch)

    def next_morning(self, days=1):
        self.go_to(self.day + dt.timedelta(days=days), dt.time(10, 30))

    def rows(self, day=None):
        bill, rows = self.bill(day)
        assert bill.status is BillStatus.READY
        assert bill.totals.rows_count == len(rows)
        return {row.own_no: (row.kind, row.amount.amount_minor, row.fee.amount_minor) for row in rows}


TRUE = {
    "BILL000001": (BillKind.TRADE, 1990, 12),
    "BILL000002": (BillKind.TRADE, 50, 0),
    "BILL000003": (BillKind.TRADE, 33333, 200),
    "BILLREF001": (BillKind.REFUND, 11111, -67),
    "BILLREF002": (BillKind.REFUND, 22222, -133),
}


@pytest.fixture(params=["wechatpay", "wechatpay provider", "alipay keys", "alipay certificates"])
def seller(request, wechat, sandbox):
    platform, _, mode = request.param.partition(" ")
    if platform == "wechatpay":
        more = sandbox.platform("wechatpay")["more_credentials"]
        return Seller(wechat, WECHAT, {"sub_mchid": more["sub_mchid"]} if mode else {})
    hub = type(wechat)(sandbox, "alipay")
    keys = {"app_cert": "", "alipay_cert": "", "alipay_root_cert": ""}
    return Seller(hub, ALIPAY, keys if mode == "keys" else {"alipay_public_key": ""})


def test_a_bill_says_what_the_books_say(seller):
    seller.trade()
    seller.next_morning()
    bill, rows = seller.bill()
    assert {row.own_no: (row.kind, row.amount.amount_minor, row.fee.amount_minor) for row in rows} == TRUE
    assert all(bill_day(row.happened_at) == seller.day and row.wallet_no and row.is_final for row in rows)
    assert {row.trade_no for row in rows if row.kind is BillKind.REFUND} == {"BILL000003"}
    assert (bill.totals.rows_count, bill.totals.traded, bill.totals.refunded) == (
        5,
        Money.fen(1990 + 50 + 33333),
        Money.fen(33333),
    )
    again, _ = seller.bill()
    assert again.digest == bill.digest


def test_not_yet_and_nothing_are_told_apart(seller):
    seller.trade()
    assert seller.bill()[0].status is BillStatus.NOT_READY  # the day has not ended
    seller.go_to(seller.day + dt.timedelta(days=1), dt.time(8))
    assert seller.bill()[0].status is BillStatus.NOT_READY
    assert seller.bill(seller.day - dt.timedelta(days=1))[0].status is BillStatus.EMPTY
    seller.next_morning()
    assert seller.bill()[0].status is BillStatus.READY
    seller.next_morning(2)
    assert seller.bill(seller.day + dt.timedelta(days=1))[0].status is BillStatus.EMPTY


def test_a_late_bill_is_waited_for(seller):
    seller.trade()
    seller.faults(bill_late=1)
    seller.next_morning()
    # Alipay does not tell a day without trade from a bill that is late: the hub knows what it took that day.
    late = BillStatus.NOT_READY if seller.connector is WECHAT else BillStatus.EMPTY
    assert seller.bill()[0].status is late
    seller.next_morning(2)
    assert seller.rows() == TRUE


def test_each_planted_row_is_just_that(seller):
    seller.trade()
    seller.faults(bill_row_missing=0.2, bill_amount=0.4, bill_fee=0.4, bill_row_extra=0.6, bill_row_late=0.3)
    seller.next_morning(2)
    first, second = seller.rows(), seller.bill(seller.day + dt.timedelta(days=1))
    struck = {kind: set(names) for kind, names in _struck(seller).items()}
    expected = {number: row for number, row in TRUE.items() if number not in struck.get("bill_row_missing", ())}
    for number in struck.get("bill_amount", ()):
        kind, fen, fee_fen = expected[number]
        expected[number] = (kind, fen + 1, fee_fen)
    for number in struck.get("bill_fee", ()):
        kind, fen, fee_fen = expected[number]
        expected[number] = (kind, fen, fee_fen + (3 if fee_fen >= 0 else -3))
    late = {number: expected.pop(number) for number in struck.get("bill_row_late", ())}
    expected |= {f"{number[:-1]}X": TRUE[number] for number in struck.get("bill_row_extra", ())}
    assert first == expected
    assert {row.own_no for row in second[1]} == set(late)
    assert seller.rows() == first  # read again, it is the same bill


def _struck(seller):
    found = seller.hub.sandbox.get("/faults/struck").get(seller.connector.name, {})
    assert found, "the seed planted nothing"
    return found


def test_another_files_digest_is_refused(wechat):
    seller = Seller(wechat, WECHAT, {})
    seller.trade()
    seller.faults(bill_hash=1)
    seller.next_morning()
    with pytest.raises(BillChanged) as caught:
        seller.bill()
    assert caught.value.details == {"platform": "wechatpay", "day": seller.day.isoformat()}
