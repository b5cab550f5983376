"""Sample views of the bills pages."""

from __future__ import annotations

from datetime import date, timedelta

from browser_samples import NOW, SINGLE, fen, uid
from msgspec import structs

from hutong.payments.bill_queries import BillDay, Difference
from hutong.web.console.bill_views import BillAccount, BillDate, BillsView, BillView
from hutong.web.console.bill_words import reason_of

ACCOUNTS = (
    BillAccount(connection_id=uid(81), platform="wechatpay", title=""),
    BillAccount(connection_id=uid(82), platform="alipay", title=""),
    BillAccount(connection_id=uid(83), platform="wechatpay", title="二店的微信支付商户号"),
)
DAY = date(2026, 11, 22)


def bill(account: int, back: int, state: str = "read", **more) -> BillDay:
    return BillDay(
        **{
            "connection_id": ACCOUNTS[account].connection_id,
            "platform": ACCOUNTS[account].platform,
            "day": DAY - timedelta(days=back),
            "state": state,
            "tries_count": 0,
            "problem": "",
            "rows_count": 318,
            "matched_count": 318,
            "awaited_count": 0,
            "traded": fen(1_284_305),
            "refunded": fen(99_800),
            "fees": fen(7_106),
            "read_at": NOW if state in ("read", "empty") else None,
            "open_count": 0,
            "ended_count": 0,
            "off": fen(0),
            **more,
        }
    )


OFF = bill(0, 1, open_count=4, matched_count=314, off=fen(6_993))
WAITING = bill(1, 0, "expected", tries_count=3, problem="bill_changed")
DAYS = (
    BillDate(day=DAY, bills=(bill(0, 0, awaited_count=2, matched_count=316), WAITING, None)),
    BillDate(day=OFF.day, bills=(OFF, bill(1, 1), bill(2, 1, "empty", rows_count=0, matched_count=0))),
    BillDate(day=DAY - timedelta(days=2), bills=(bill(0, 2), bill(1, 2, "missing", tries_count=16), bill(2, 2))),
)
BILLS = BillsView(
    accounts=ACCOUNTS,
    days=DAYS,
    month="2026-11",
    month_before="2026-10",
    month_after="2026-12",
    agreed_count=5,
    open_count=4,
    waiting_count=1,
    off=fen(6_993),
)
QUIET = structs.replace(
    BILLS,
    accounts=ACCOUNTS[:2],
    days=tuple(BillDate(day=DAY - timedelta(days=back), bills=(bill(0, back), bill(1, back))) for back in range(12)),
    open_count=0,
    waiting_count=0,
    agreed_count=24,
    off=fen(0),
    month_after="",
)


def difference(number: int, kind: str, ours: int | None, told: int | None, row_kind: str = "trade", **more):
    return Difference(
        **{
            "difference_id": uid(900 + number),
            "connection_id": OFF.connection_id,
            "day": OFF.day,
            "kind": kind,
            "row_kind": row_kind,
            "number": f"{number:02}9a7c41e8b24f6d8c0e13f5a7b9d1{number:02}",
            "wallet_no": "" if told is None else f"42000026112026112200000000{number:02}",
            "payment_id": uid(500 + number) if ours is not None else None,
            "ours": None if ours is None else fen(ours),
            "told": None if told is None else fen(told),
            "state": "open",
            "note": "",
            "actor": "",
            "opened_at": NOW,
            "ended_at": None,
            **more,
        }
    )


DIFFERENCES = (
    difference(1, "amount_differs", 1_990, 1_991),
    difference(2, "fee_differs", -67, -90, "refund"),
    difference(3, "missing_in_bill", 4_990, None),
    difference(4, "unknown_to_us", None, 1_978),
    difference(5, "missing_in_bill", 880, None, state="explained", ended_at=NOW),
    difference(6, "unknown_to_us", None, 5_000, state="settled", note="老系统收的款，已核实", actor="staff:1"),
)
ONE_BILL = BillView(
    account=ACCOUNTS[0],
    bill=OFF,
    reason="",
    differences=DIFFERENCES,
    kinds={"amount_differs": 1, "fee_differs": 312, "missing_in_bill": 1, "unknown_to_us": 1},
    staff={"staff:1": "林小满"},
    paging=SINGLE,
    asked=False,
)
BILLS_GALLERY = {
    "bills": ("/bills", "console/bills.html", BILLS),
    "bills-agree": ("/bills", "console/bills.html", QUIET),
    "bills-none": ("/bills", "console/bills.html", structs.replace(QUIET, days=(), agreed_count=0)),
    "bills-no-wallet": ("/bills", "console/bills.html", structs.replace(QUIET, days=(), accounts=())),
    "bill": ("/bills/1/2026-11-21", "console/bill.html", ONE_BILL),
    "bill-agrees": (
        "/bills/1/2026-11-20",
        "console/bill.html",
        structs.replace(ONE_BILL, bill=bill(0, 2), differences=(), kinds={}),
    ),
    "bill-waiting": (
        "/bills/2/2026-11-22",
        "console/bill.html",
        structs.replace(
            ONE_BILL,
            account=ACCOUNTS[1],
            bill=WAITING,
            reason=reason_of(WAITING.problem),
            differences=(),
            kinds={},
            asked=True,
        ),
    ),
    "bill-missing": (
        "/bills/2/2026-11-20",
        "console/bill.html",
        structs.replace(
            ONE_BILL, account=ACCOUNTS[1], bill=bill(1, 2, "missing", tries_count=16), differences=(), kinds={}
        ),
    ),
}
