from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hutong.platforms.files import FileLine
from hutong.platforms.shops import ShopOrderStatus
from hutong.shops.file_orders import fold
from hutong.shops.states import OrderState
from hutong.workflows.commands.import_spill import Spill

AT = datetime(2026, 1, 5, 2, tzinfo=UTC)
D = Decimal


def line(key, amount="10.00", status="paid", **fields):
    fields.setdefault("created_at", AT)
    return FileLine(
        row_no=2, order_no="1", line_key=key, status=status, raw_status=status, amount=D(amount), quantity=1, **fields
    )


def test_the_orders_sums_count_once_however_many_lines_repeat_them():
    sums = {"order_total": D("30.00"), "order_paid": D("28.00"), "freight": D("10.00"), "refunded": D("28.00")}
    order = fold([line(key, **sums) for key in "ab"], "CNY")
    assert (order.total_minor, order.paid_minor, order.freight_minor, order.refunded_minor) == (3000, 2800, 1000, 2800)
    assert order.state is OrderState.REFUNDED


def test_without_sums_of_its_own_an_order_is_its_lines_and_the_largest_freight():
    order = fold([line("a", freight=D("6.00")), line("b", freight=D("6.00"))], "CNY")
    assert (order.total_minor, order.paid_minor) == (2600, 2600)


def test_what_lines_give_back_adds_up():
    order = fold([line("a", refunded=D("4.00")), line("b", refunded=D("4.00"))], "CNY")
    assert (order.refunded_minor, order.state) == (800, OrderState.PAID)


def test_states_of_lines():
    def state(*statuses):
        return fold([line(str(n), status=status) for n, status in enumerate(statuses)], "CNY").state

    assert state("closed", "shipped") is OrderState.SHIPPED
    assert state("paid", "shipped") is OrderState.PARTLY_SHIPPED
    assert state("completed", "shipped") is OrderState.SHIPPED
    assert state("pending", "paid") is OrderState.PAID
    assert state("pending") is OrderState.PENDING


def test_the_orders_own_row_has_the_last_word():
    own = FileLine(
        row_no=2, order_no="1", line_key="", status="completed", raw_status="交易成功", created_at=AT,
        order_total=D("15.00"), order_paid=D("15.00"), buyer_ref="某人",
    )  # fmt: skip
    order = fold([line("a", status="closed"), own, line("b", status="shipped")], "CNY")
    assert (order.state, order.total_minor, order.paid_minor, order.buyer_ref) == (
        OrderState.COMPLETED, 1500, 1500, "某人",
    )  # fmt: skip


money = st.decimals(min_value=0, max_value=10**6, places=3)
rows = st.lists(
    st.builds(
        line,
        st.sampled_from(["", "a", "b", "c"]),
        money,
        st.sampled_from([status.value for status in ShopOrderStatus]),
        order_total=st.none() | money,
        order_paid=st.none() | money,
        line_paid=st.none() | money,
        freight=st.none() | money,
        refunded=st.none() | money,
        created_at=st.none() | st.just(AT),
    ),
    min_size=1,
    max_size=6,
)


@given(rows)
def test_sums_hold_whatever_the_rows_say(found):
    order = fold(found, "CNY")
    assert 0 <= order.refunded_minor <= order.paid_minor
    assert len(order.lines) == len({row.line_key for row in found if row.line_key})
    assert (order.state is OrderState.REFUNDED) == (order.paid_minor > 0 and order.refunded_minor == order.paid_minor)


def test_rows_of_one_order_come_back_together_and_unchanged():
    chance = random.Random(3)
    lines = [msgspec.structs.replace(line(str(n)), order_no=str(chance.randrange(4_000))) for n in range(12_000)]
    with Spill() as spill:
        for number, each in enumerate(lines):
            spill.add(number % 3, each)
        batches = list(spill.batches())
    assert sorted((row.line for batch in batches for row in batch), key=lambda row: int(row.line_key)) == lines
    orders = [order_no for batch in batches for order_no in {row.line.order_no for row in batch}]
    assert len(orders) == len(set(orders))
    assert len(batches) > 1
    for batch in batches:
        keys = [int(row.line.line_key) for row in batch if row.line.order_no == batch[0].line.order_no]
        assert keys == sorted(keys)
