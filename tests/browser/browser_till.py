"""Sample content of the till, the shop codes and what they print."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from browser_samples import fen, uid

from hutong.payments.shop_codes import CodeDay, CodeLimits, ShopCode
from hutong.payments.states import ShopCodeState
from hutong.payments.till import TillRow
from hutong.web.buyer.pages import Receipt, ReceiptRefund
from hutong.web.console.codes import CodeRow, CodesView, CodeView, SheetView
from hutong.web.console.counter import CounterView, ReceiptView
from hutong.web.qr import qr_svg

AT = datetime(2026, 11, 23, 5, 42, 7, tzinfo=UTC)
ADDRESS = "https://shop.example.cn/s/k7Qx1mPa"


def row(number: int, state: str, amount_fen: int, platform: str = "", refunded_fen: int = 0) -> TillRow:
    return TillRow(
        checkout_id=uid(number),
        order_id=uid(number + 50),
        title="收银台" if number % 2 else "门口早餐摊",
        container="store",
        state=state,
        amount=fen(amount_fen),
        refunded=fen(refunded_fen),
        platform=platform,
        at=AT,
    )


TILL = (
    row(1, "paid", 1280, "wechatpay"),
    row(2, "paid", 350, "alipay", 350),
    row(3, "paying", 128000),
    row(4, "expired", 2600),
)


def counter(*, may_take: bool = True, rows: tuple[TillRow, ...] = TILL) -> CounterView:
    return CounterView(currency="CNY", rows=rows, password_s=45, may_take=may_take)


def code(number: int, title: str, amount_fen: int | None, state: ShopCodeState = ShopCodeState.ACTIVE) -> CodeRow:
    made = ShopCode(
        code_id=UUID(int=number),
        code=f"k7Qx1mP{number}",
        state=state,
        title=title,
        channel_id=uid(9),
        amount=None if amount_fen is None else fen(amount_fen),
        currency="CNY",
        limits=CodeLimits(),
        created_at=AT,
    )
    return CodeRow(code=made, address=ADDRESS, today=CodeDay(total=fen(8650 * number), payments_count=7 * number))


CODES = (
    code(1, "门口早餐摊", None),
    code(2, "停车费", 1000),
    code(3, "夜市摊位 十二号", None, ShopCodeState.PAUSED),
)
RECEIPT = Receipt(
    order_no="261123K7QX1MPA",
    platform="alipay",
    transaction_id="2026112322001156781400000001",
    paid_at=AT,
    refunded=fen(300),
    refunds=(ReceiptRefund(amount=fen(300), state="succeeded", is_automatic=False, at=AT),),
)
TILL_GALLERY = {
    "counter": ("/counter", "console/counter.html", counter()),
    "counter-empty": ("/counter", "console/counter.html", counter(may_take=False, rows=())),
    "codes": (
        "/codes",
        "console/codes.html",
        CodesView(rows=CODES, currency="CNY", defaults=CodeLimits(), may_change=True),
    ),
    "codes-empty": (
        "/codes",
        "console/codes.html",
        CodesView(rows=(), currency="CNY", defaults=CodeLimits(), may_change=True),
    ),
    "code": ("/codes/1", "console/code.html", CodeView(row=CODES[0], qr_svg=qr_svg(ADDRESS, "QR"), may_change=True)),
    "code-sheet": (
        "/codes/1/sheet",
        "console/code_sheet.html",
        SheetView(
            shop="老李日用百货",
            title="门口早餐摊",
            amount=None,
            payment_max=fen(50000),
            buyer_day_max=fen(50000),
            code_day_max=fen(2000000),
            qr_svg=qr_svg(ADDRESS, "QR"),
        ),
    ),
    "receipt": (
        "/counter",
        "console/receipt.html",
        ReceiptView(
            shop="老李日用百货", title="收银台", amount=fen(1280), state="paid", receipt=RECEIPT, back_href="/counter"
        ),
    ),
}
