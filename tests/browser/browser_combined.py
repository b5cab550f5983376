"""Samples of a payment that is a part of a combined one."""

from browser_money import BATCHES, PAYMENT, payment_page
from browser_samples import NOW, fen, uid

from hutong.payments.combined import CombinedView
from hutong.payments.combined_queries import CombinedPartRow, CombinedRow
from hutong.payments.combined_states import CombinedState
from hutong.shops.names import OrderName
from hutong.web.console.payment_views import CombinedItem

ORDERS = {
    PAYMENT.order_id: OrderName(order_no="261126A7QK2M", title="手作陶瓷马克杯"),
    uid(92): OrderName(order_no="261126B8QW3N", title="同城配送（保温箱，两小时内送到门口）"),
    uid(93): OrderName(order_no="261126C9QE4P", title=""),
}


def part(number, payment_id, order_id, amount_fen, state):
    return CombinedPartRow(
        part_no=number,
        payment_id=payment_id,
        order_id=order_id,
        state=state,
        amount=fen(amount_fen),
        refunded=fen(0),
        connection_id=uid(1),
        out_trade_no=f"{number:032}",
        attempt_state="paid",
        transaction_id=None,
    )


def combined(state, *states):
    amount_fen = PAYMENT.amount.amount_minor
    sums = (amount_fen, 1_200, 880)
    ids = ((PAYMENT.payment_id, PAYMENT.order_id), (uid(82), uid(92)), (uid(83), uid(93)))
    parts = tuple(
        part(number, payment_id, order_id, sum_fen, told)
        for number, ((payment_id, order_id), sum_fen, told) in enumerate(zip(ids, sums, states, strict=True), start=1)
    )
    view = CombinedView(
        combined_id=uid(71),
        state=CombinedState(state),
        platform="wechatpay",
        method="jsapi",
        parts_count=3,
        amount=fen(sum(sums)),
        created_at=NOW,
    )
    row = CombinedRow(view=view, number=uid(71).hex, connection_id=uid(1), expires_at=NOW, parts=parts)
    return CombinedItem(combined=row, orders=ORDERS)


COMBINED_GALLERY = {
    "payment-combined": (
        "/payments/8",
        "console/payment.html",
        lambda locale: payment_page(
            PAYMENT, locale, batches=BATCHES, combined=combined("partly_paid", "paid", "open", "paid")
        ),
    ),
}
