"""Sample views of the money pages."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
from browser_samples import NONE, NOW, PAGING, PAYMENT, SINGLE, TICKET_ROWS, fen, uid

from hutong.analytics.costs import ChannelCost, cost_total, held_against_agent
from hutong.analytics.dependence import Dependence, Part
from hutong.core.money import Money
from hutong.ledger.account_queries import BalanceRow
from hutong.ledger.queries import BatchRow, ChainEnd, LegRow, PartyRow, StatementRow
from hutong.ledger.roots import SealedDay
from hutong.ledger.statement_seals import StatementSeal
from hutong.payments.queries import AttemptRow, PaymentRow, PaymentSums, RefundRow
from hutong.shops.names import OrderName
from hutong.web.console.book_views import AccountChoice, AccountsView, BatchView, JournalFilters, JournalView
from hutong.web.console.book_words import account_name, batch_in_words
from hutong.web.console.books import sheets_of
from hutong.web.console.cost_views import CostsView, FeeRate
from hutong.web.console.costs import cost_row, rate_chart, reliance
from hutong.web.console.payment_page import steps_of
from hutong.web.console.payment_views import (
    AttemptItem,
    PaymentFilters,
    PaymentItem,
    PaymentsView,
    PaymentView,
    RefundItem,
    RefundsView,
    StateTab,
)
from hutong.web.console.periods import PERIODS, Period
from hutong.web.console.refunds import refund_tabs
from hutong.web.console.statement_views import Finding, StatementLine, StatementsView, StatementView
from hutong.web.console.ticket_items import ticket_items
from hutong.web.format import Formats
from hutong.web.i18n import Catalogues, Locale
from hutong.web.papers.answers import FileForm

PERIOD = Period(name="30d", days=30)


def cost(
    number: int,
    source: str,
    gross: int,
    refunded: int,
    fee: int,
    commission: int,
    platform_fee: int = 0,
    unbilled: int = 0,
):
    return ChannelCost(
        channel_id=uid(number) if number else None,
        source=source,
        orders_count=gross // 4990,
        gross=fen(gross),
        refunded=fen(refunded),
        wallet_fee=fen(fee),
        commission=fen(commission),
        platform_fee=fen(platform_fee),
        unbilled=fen(unbilled),
    )


COSTS = (
    cost(2, "", 4_545_890, 90_800, 26_730, 445_509),
    cost(1, "", 3_003_980, 60_000, 17_663, 441_597),
    cost(0, "taobao", 1_180_450, 9_900, 0, 0, unbilled=1_170_550),
    cost(4, "", 320_000, 0, 1_920, 121_600, 6_400, unbilled=29_900),
    cost(3, "", 204_590, 0, 1_227, 0),
    cost(0, "own", 184_630, 4_990, 1_077, 0),
    cost(5, "", 9_900, 9_900, 0, 0),
    cost(0, "", 0, 0, 0, 0, 1_999),
)
NAMES = {
    uid(1): "老李的微博",
    uid(2): "快手直播间",
    uid(3): "门店海报",
    uid(4): "小王带货团（代运营，按成交额抽佣金和坑位费）",
    uid(5): "试投的小红书笔记",
}


def dependence(*parts: tuple[str, bool, int], hhi: int) -> Dependence:
    total = sum(kept for _, _, kept in parts)
    return Dependence(
        total=fen(total),
        parts=tuple(
            Part(
                key=key,
                is_platform=is_platform,
                orders_count=kept // 4990,
                kept=fen(kept),
                share_bps=round(kept * 10_000 / total),
            )
            for key, is_platform, kept in parts
        ),
        hhi=hhi,
    )


TRAFFIC = dependence(
    ("kuaishou", True, 6_455_090),
    ("weibo", True, 1_943_980),
    ("taobao", True, 1_170_550),
    ("other", False, 204_590),
    ("direct", False, 179_640),
    hhi=4_717,
)
SHOPS = dependence(("own", False, 8_100_000), ("taobao", True, 1_170_550), hhi=160)


def costs(locale: Locale) -> CostsView:
    """The channel cost page in the reader's language."""
    rows = tuple(cost_row(row, NAMES) for row in COSTS)
    return CostsView(
        period="30d",
        periods=PERIODS,
        currency="CNY",
        currencies=("CNY", "GBP"),
        rows=rows,
        total=cost_total(COSTS, "CNY"),
        agent=held_against_agent(COSTS, "CNY", 3_500),
        chart=rate_chart(rows, 3_500, Formats(locale), Catalogues()),
        reliances=(reliance("traffic", TRAFFIC, PERIOD), reliance("shops", SHOPS, PERIOD)),
        unbilled=("taobao",),
        fees=(
            FeeRate(connection_id=uid(1), platform="taobao", title="陶里旗舰店", rate_bps=None),
            FeeRate(connection_id=uid(2), platform="taobao", title="陶里折扣店", rate_bps=60),
        ),
    )


NO_COSTS = CostsView(
    period="7d",
    periods=PERIODS,
    currency="CNY",
    currencies=("CNY",),
    rows=(),
    total=cost_total((), "CNY"),
    agent=held_against_agent((), "CNY", 3_500),
    chart=None,
    reliances=(),
    unbilled=(),
)
MUG = OrderName(order_no="28710144206170331", title="手工陶瓷马克杯 釉下彩")
BASKET = OrderName(order_no="28710144206170347", title="竹编收纳篮 大号 带盖 可折叠 客厅卧室通用")


def attempt(number: int, state: str, **changes: object) -> AttemptRow:
    values: dict[str, object] = {
        "attempt_id": uid(number),
        "connection_id": uid(1),
        "platform": "wechatpay",
        "method": "jsapi",
        "out_trade_no": f"019aa1f0c2{number:022d}",
        "transaction_id": f"42000021872026112300987654{number:02d}" if state == "paid" else None,
        "state": state,
        "amount": fen(10_080),
        "refusal": "NOAUTH" if state == "refused" else "",
        "queries_count": number,
        "created_at": NOW,
        "expires_at": NOW + timedelta(minutes=30),
        "paid_at": NOW + timedelta(seconds=30 + number) if state == "paid" else None,
    }
    return AttemptRow(**{**values, **changes})  # type: ignore[arg-type]


def refund(number: int, state: str, **changes: object) -> RefundRow:
    values: dict[str, object] = {
        "refund_id": uid(number),
        "payment_id": uid(1),
        "order_id": uid(1),
        "platform": "wechatpay",
        "out_refund_no": f"019aa1f0d9{number:022d}",
        "state": state,
        "cause": "requested",
        "reason": "买家申请退款",
        "actor": "staff:1",
        "problem": "USER_ACCOUNT_ABNORMAL" if state == "abnormal" else "",
        "amount": fen(number * 1_230),
        "created_at": NOW + timedelta(hours=1),
        "finished_at": NOW + timedelta(hours=2) if state == "succeeded" else None,
    }
    return RefundRow(**{**values, **changes})  # type: ignore[arg-type]


def payment(number: int, state: str, **changes: object) -> PaymentRow:
    values = msgspec.structs.asdict(PAYMENT) | {"payment_id": uid(number), "state": state, "refunded": fen(0)}
    return PaymentRow(**{**values, "refunds": (), **changes})  # type: ignore[arg-type]


UNPAID = {"paid_at": None, "captured_attempt_id": None}
CHECKED = payment(2, "open", attempts=(attempt(3, "unknown"),), **UNPAID)
MISMATCHED = payment(7, "open", attempts=(attempt(5, "mismatched"),), **UNPAID)
TWICE = payment(
    3,
    "paid",
    captured_attempt_id=uid(2),
    attempts=(attempt(2, "paid"), attempt(4, "paid", platform="alipay", method="h5")),
    refunds=(refund(1, "sent", cause="automatic", reason="", amount=fen(10_080), platform="alipay"),),
)
STUCK = payment(
    6,
    "paid",
    attempts=(attempt(1, "refused"), attempt(2, "paid")),
    refunds=(refund(4, "abnormal"), refund(2, "unknown")),
)
PAYMENTS = PaymentsView(
    rows=(
        PaymentItem(payment=CHECKED, order=BASKET, platform="wechatpay"),
        PaymentItem(payment=TWICE, order=MUG, platform="wechatpay"),
        PaymentItem(payment=PAYMENT, order=MUG, platform="wechatpay"),
        PaymentItem(payment=payment(4, "closed", attempts=(), **UNPAID), order=OrderName(), platform=""),
        PaymentItem(payment=payment(5, "paid"), order=MUG, platform="alipay"),
    ),
    sums=(PaymentSums(count=1284, taken=fen(12_843_050), refunded=fen(99_800)),),
    paging=PAGING,
    filters=PaymentFilters(),
    tabs=tuple(
        StateTab(state=state, count=count, href="/payments")
        for state, count in (
            ("", 1284),
            ("open", 12),
            ("checking", 2),
            ("paid", 1201),
            ("refunded", 40),
            ("closed", 29),
        )
    ),
    platforms=("alipay", "wechatpay"),
)
NO_PAYMENTS = PaymentsView(
    rows=(),
    sums=(),
    paging=NONE,
    filters=PaymentFilters(),
    tabs=(StateTab(state="", count=0, href="/payments"),),
    platforms=(),
)
FOUND_NO_PAYMENT = msgspec.structs.replace(NO_PAYMENTS, filters=PaymentFilters(number="28710", first="2026-11-01"))
PARTIES = {uid(1): "老李", uid(2): "小王（抖音探店，粉丝三十万）"}
WALLET, OWED = f"wallet:wechatpay:{uid(1)}", f"payable:party:{uid(1)}"


def booked(number: int, kind: str, *legs: tuple[str, int], hours: int = 0) -> BatchRow:
    return BatchRow(
        batch_id=uid(number),
        sequence=number,
        kind=kind,
        subject_kind="order",
        subject_id=uid(1),
        event_at=NOW + timedelta(hours=hours),
        recorded_at=NOW + timedelta(hours=hours, seconds=1),
        hash=bytes(range(number % 100, number % 100 + 32)),
        legs=tuple(LegRow(path=path, amount=fen(amount)) for path, amount in legs),
    )


SALE = booked(
    1283,
    "sale",
    ("clearing:orders", 10_080),
    ("revenue:sales", -10_080),
    (WALLET, 10_080),
    ("clearing:orders", -10_080),
    ("expense:wallet_fee", 60),
    (WALLET, -60),
    ("expense:commission", 1_008),
    (OWED, -1_008),
)
BACK = booked(
    1284,
    "refund",
    ("revenue:sales", 5_000),
    (WALLET, -5_000),
    ("expense:wallet_fee", -30),
    (WALLET, 30),
    ("expense:commission", -500),
    (OWED, 500),
    hours=2,
)
BATCHES = tuple(batch_in_words(row, PARTIES) for row in (BACK, SALE))


def payment_page(row: PaymentRow, locale: Locale, **changes: object) -> PaymentView:
    values: dict[str, object] = {
        "item": PaymentItem(payment=row, order=MUG, platform="wechatpay"),
        "attempts": tuple(
            AttemptItem(
                attempt=part,
                account="微信商户号 1900000109",
                next_at=NOW + timedelta(seconds=80) if part.state == "unknown" else None,
                is_surplus=part.state == "paid" and part.attempt_id != row.captured_attempt_id,
            )
            for part in row.attempts
        ),
        "steps": steps_of(row),
        "batches": (),
        "tickets": (),
        "fee": None,
        "on_the_way": fen(0),
        "may_refund": row.is_refundable,
        "may_ask": False,
        "is_mismatched": any(part.state == "mismatched" for part in row.attempts),
        "asked": "",
        "may_rescue": True,
        "staff": {"staff:1": "李明"},
    }
    return PaymentView(**{**values, **changes})  # type: ignore[arg-type]


def surplus_page(locale: Locale) -> PaymentView:
    translate = Catalogues().of(locale).ugettext
    told = ticket_items(TICKET_ROWS[2:3], translate, Formats(locale))
    return payment_page(TWICE, locale, batches=BATCHES[1:], fee=fen(60), tickets=told, may_ask=True)


REFUND_ROWS = (
    RefundItem(refund=refund(4, "abnormal", reason="银行卡已注销"), order=BASKET),
    RefundItem(refund=refund(3, "sent"), order=MUG),
    RefundItem(refund=refund(2, "succeeded"), order=MUG),
    RefundItem(refund=refund(1, "succeeded", cause="automatic", reason=""), order=OrderName()),
    RefundItem(refund=refund(5, "failed"), order=MUG),
)
REFUNDS = RefundsView(
    rows=REFUND_ROWS,
    paging=SINGLE,
    show="",
    tabs=refund_tabs({"abnormal": 1, "sent": 1, "succeeded": 2, "failed": 1}, ""),
)
NO_REFUNDS = RefundsView(rows=(), paging=NONE, show="", tabs=refund_tabs({}, ""))
BALANCES = tuple(
    BalanceRow(path=path, kind="asset", balance=Money(amount, currency))
    for path, amount, currency in (
        (WALLET, 992_740, "CNY"),
        (f"wallet:alipay:{uid(2)}", 204_590, "CNY"),
        (f"receivable:taobao:{uid(3)}", 117_055, "CNY"),
        ("expense:wallet_fee", 7_220, "CNY"),
        ("expense:commission", 99_873, "CNY"),
        (OWED, -91_873, "CNY"),
        (f"payable:party:{uid(2)}", -8_000, "CNY"),
        ("suspense:payments", -4_990, "CNY"),
        ("revenue:sales", -1_316_615, "CNY"),
        (f"receivable:generic:{uid(4)}", 938_214, "GBP"),
        ("revenue:sales", -938_214, "GBP"),
        ("external:points:customer.42", 50_000, "CNY"),
        ("external:points:issued", -50_000, "CNY"),
    )
)
ACCOUNTS = AccountsView(
    sheets=sheets_of(BALANCES, PARTIES),
    day="",
    today=date(2026, 11, 23),
    batches=1284,
    chain_end="9f86d081884c",
)
OFF = AccountsView(
    sheets=sheets_of(BALANCES[:9][1:], PARTIES), day="2026-11-01", today=date(2026, 11, 23), batches=9, chain_end="9f86"
)
NO_ACCOUNTS = AccountsView(sheets=(), day="", today=date(2026, 11, 23), batches=0, chain_end="")
JOURNAL = JournalView(
    batches=BATCHES,
    paging=PAGING,
    filters=JournalFilters(),
    kinds=("refund", "sale"),
    accounts=tuple(AccountChoice(account=account_name(row.path, PARTIES)) for row in BALANCES),
    export_href="/books/journal.csv",
)
NO_JOURNAL = msgspec.structs.replace(JOURNAL, batches=(), paging=NONE, kinds=())
FOUND_NO_BATCH = msgspec.structs.replace(NO_JOURNAL, filters=JournalFilters(kind="sale", number="7"))
BATCH = BatchView(
    batch=BATCHES[1],
    recorded_at=SALE.recorded_at,
    hash=SALE.hash.hex(),
    totals=SALE.debits,
    previous=1282,
    next=1284,
)
STATEMENT = StatementRow(
    statement_id=uid(1),
    party_id=uid(1),
    party_name="老李",
    period_start_at=NOW - timedelta(days=30),
    period_end_at=NOW,
    earned=fen(100_873),
    reversed=fen(1_000),
    net=fen(99_873),
    lines_count=214,
    created_at=NOW,
)
SEAL = StatementSeal(
    period_last_day=date(2026, 11, 22),
    last_line_sequence=1_284,
    day=SealedDay(
        day=date(2026, 11, 22),
        zone="Asia/Shanghai",
        ends_at=NOW,
        last_sequence=1_290,
        chain_hash=SALE.hash,
        root=bytes(range(200, 232)),
    ),
    chain=ChainEnd(batches_count=1_301, hash=SALE.hash),
)
STATEMENTS = StatementsView(
    rows=(
        STATEMENT,
        msgspec.structs.replace(
            STATEMENT, reversed=fen(0), party_name=PARTIES[uid(2)], created_at=NOW - timedelta(hours=1)
        ),
    ),
    paging=SINGLE,
    parties=tuple(
        PartyRow(party_id=key, name=name, kind="poster", owed=(fen(91_873),) if key == uid(1) else ())
        for key, name in PARTIES.items()
    ),
    party="",
    first="2026-10-01",
    last="2026-10-31",
)
EARLY = msgspec.structs.replace(STATEMENT, created_at=NOW - timedelta(days=2))
NO_STATEMENTS = msgspec.structs.replace(STATEMENTS, rows=(), paging=NONE)
NO_PARTIES = msgspec.structs.replace(NO_STATEMENTS, parties=())
ONE_STATEMENT = StatementView(
    statement=STATEMENT,
    lines=tuple(
        StatementLine(
            kind=kind,
            at=NOW,
            number=number,
            order_id=str(uid(1)),
            order_no=MUG.order_no,
            title=MUG.title,
            earned=earned,
        )
        for number, (kind, earned) in enumerate([("sale", fen(1_008)), ("refund", fen(-500))], start=1283)
    ),
    paging=PAGING,
    seal=SEAL,
    forms=tuple(FileForm),
)
CHECKED_STATEMENT = msgspec.structs.replace(
    ONE_STATEMENT,
    root="ab" * 32,
    findings=tuple(
        Finding(what=what, holds=holds)
        for what, holds in (("totals", True), ("lines", True), ("day", True), ("root", False))
    ),
)
OPEN_STATEMENT = msgspec.structs.replace(
    ONE_STATEMENT, lines=(), paging=NONE, seal=msgspec.structs.replace(SEAL, day=None)
)
#: address in the gallery -> (path shown as current, template, view)
MONEY_GALLERY = {
    "payments": ("/payments", "console/payments.html", PAYMENTS),
    "payments-empty": ("/payments", "console/payments.html", NO_PAYMENTS),
    "payments-not-found": ("/payments", "console/payments.html", FOUND_NO_PAYMENT),
    "payment": (
        "/payments/1",
        "console/payment.html",
        lambda locale: payment_page(PAYMENT, locale, batches=BATCHES, fee=fen(30)),
    ),
    "payment-checking": (
        "/payments/2",
        "console/payment.html",
        lambda locale: payment_page(CHECKED, locale, may_ask=True, asked="silent"),
    ),
    "payment-mismatched": (
        "/payments/7",
        "console/payment.html",
        lambda locale: payment_page(MISMATCHED, locale, may_ask=True),
    ),
    "payment-stuck": (
        "/payments/6",
        "console/payment.html",
        lambda locale: payment_page(STUCK, locale, on_the_way=fen(7_380)),
    ),
    "payment-twice": ("/payments/3", "console/payment.html", surplus_page),
    "refunds": ("/refunds", "console/refunds.html", REFUNDS),
    "refunds-empty": ("/refunds", "console/refunds.html", NO_REFUNDS),
    "accounts": ("/books", "console/accounts.html", ACCOUNTS),
    "accounts-off": ("/books", "console/accounts.html", OFF),
    "accounts-empty": ("/books", "console/accounts.html", NO_ACCOUNTS),
    "journal": ("/books/journal", "console/journal.html", JOURNAL),
    "journal-empty": ("/books/journal", "console/journal.html", NO_JOURNAL),
    "journal-not-found": ("/books/journal", "console/journal.html", FOUND_NO_BATCH),
    "batch": ("/books/batches/1283", "console/batch.html", BATCH),
    "statements": ("/statements", "console/statements.html", STATEMENTS),
    "statements-none": ("/statements", "console/statements.html", NO_STATEMENTS),
    "statements-nobody": ("/statements", "console/statements.html", NO_PARTIES),
    "statement": ("/statements/1", "console/statement.html", ONE_STATEMENT),
    "statement-checked": ("/statements/1", "console/statement.html", CHECKED_STATEMENT),
    "statement-early": (
        "/statements/1",
        "console/statement.html",
        msgspec.structs.replace(ONE_STATEMENT, statement=EARLY, is_again=True),
    ),
    "statement-unsealed": ("/statements/1", "console/statement.html", OPEN_STATEMENT),
    "costs": ("/costs", "console/costs.html", costs),
    "costs-history": (
        "/costs",
        "console/costs.html",
        lambda locale: msgspec.structs.replace(costs(locale), period="all", quiet_since=NOW),
    ),
    "costs-empty": ("/costs", "console/costs.html", NO_COSTS),
}
