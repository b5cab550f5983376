from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hutong.connectors.generic import CONNECTOR
from hutong.connectors.generic.order_files import ORDER_FILES
from hutong.platforms.files import FileContext, FileLine, RowRefused
from hutong.platforms.tables.cells import CHINA

REAL_FILE = Path(__file__).parents[4] / "shared" / "data" / "online_retail_part1.csv.gz"
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


def test_the_connector_is_found_by_its_capability():
    assert CONNECTOR.capabilities() == ("order_files",)


@pytest.mark.skipif(not REAL_FILE.exists(), reason=f"the real order history is not there: {REAL_FILE}")
def test_a_real_shops_history_gives_its_known_figures(read):
    rows = read(REAL_FILE, ORDER_FILES, "GBP")
    lines = [row for row in rows if isinstance(row, FileLine)]
    assert len(rows) == len(lines) == 120_000
    assert len({line.order_no for line in lines}) == 5_713
    assert sum(not line.buyer_ref for line in lines) == 39_073
    assert sum(line.quantity < 0 for line in lines) == 2_444
    assert sum(line.is_refund for line in lines) == 2_179
    assert sum(line.list_total for line in lines) == Decimal("2078903.88")
    assert len({(line.order_no, line.line_key) for line in lines}) == 120_000


def test_equal_lines_are_two_lines_and_their_keys_do_not_hang_on_the_order_of_rows(read, write):
    lines = ["1,A,x,1,12/1/10 8:26,1,7,UK", "1,A,x,1,12/1/10 8:26,1,7,UK", "1,B,y,2,12/1/10 8:26,1,7,UK"]
    there = read(write("a.csv", "\n".join([HEADER, *lines, ""])), ORDER_FILES)
    back = read(write("b.csv", "\n".join([HEADER, *reversed(lines), ""])), ORDER_FILES)
    assert len({line.line_key for line in there}) == 3
    assert {line.line_key for line in there} == {line.line_key for line in back}


def test_a_cancellation_is_a_refund_document_of_its_own(read, write):
    rows = ["C7,A,x,-2,12/1/10 8:26,1.5,7,UK", "C8,A,x,2,12/1/10 8:26,1.5,7,UK", "9,A,x,-2,12/1/10 8:26,0,,UK"]
    lines = read(write("a.csv", "\n".join([HEADER, *rows, ""])), ORDER_FILES)
    assert [line.is_refund for line in lines] == [True, False, False]
    assert lines[0].list_total == Decimal("-3.0")


def test_chinese_columns_states_and_order_level_sums(read, write):
    text = (
        "销售清单\n\n订单号,商品编码,商品名称,规格,数量,单价,订单金额,运费,下单时间,订单状态,会员编号\n"
        "A1,SB-1,杯子,蓝,2,￥39.00,83.00,5.00,2026-01-05 10:00:00,已发货,M7\n"
        "A1,SB-2,勺子,,1,\"1,000\",83.00,5.00,2026-01-05 10:00:00,外星状态,M7\n合计,,,,3,,,,,,\n"
    )  # fmt: skip
    first, second, foot = read(write("a.csv", text, "gbk"), ORDER_FILES)
    assert (first.order_total, first.freight, first.amount) == (Decimal("83.00"), Decimal("5.00"), Decimal("78.00"))
    assert (first.status, second.status, second.raw_status) == ("shipped", "pending", "外星状态")
    assert foot == RowRefused(row_no=6, reason="total_row")


@pytest.mark.parametrize(
    ("words", "status", "refunded"),
    [
        (("待付款", "未支付", "Pending payment", "awaiting_payment"), "unpaid", None),
        (("已付款", "待发货", "未发货", "买家已付款，等待卖家发货", "Processing", "退款中", "申请退款"), "paid", None),
        (("部分发货", "partially_fulfilled"), "partly_shipped", None),
        (
            ("已发货", "待收货", "配送中", "卖家已发货，等待买家确认", "Shipped", "in transit", "已出库"),
            "shipped",
            None,
        ),
        (("已完成", "交易成功", "已签收", "确认收货", "Completed", "delivered", "待评价"), "completed", None),
        (("已取消", "已关闭", "交易关闭", "Cancelled", "canceled", "已作废"), "closed", None),
        (("已退款", "退款成功", "全额退款", "Refunded", "已退货退款"), "closed", Decimal("9.00")),
        (("外星状态", "pending", "部分退款", "已退货", ""), "pending", None),
    ],
)
def test_the_words_that_shops_use_for_states(read, write, words, status, refunded):
    rows = [f"S{number},杯,2,4.50,2026-03-01,{word}" for number, word in enumerate(words)]
    found = read(write("a.csv", "\n".join(["订单编号,商品名称,数量,单价,下单时间,订单状态", *rows, ""])), ORDER_FILES)
    assert [(line.status, line.refunded) for line in found] == [(status, refunded)] * len(words)


def test_a_refund_is_of_the_sum_that_its_column_tells(read, write):
    head = "订单编号,商品名称,数量,单价,下单时间,订单状态,退款金额"
    rows = [
        "1,杯,2,4.50,2026-03-01,已退款,3.00",
        "2,杯,2,4.50,2026-03-01,部分退款,3.00",
        "3,杯,2,4.50,2026-03-01,已退款,",
    ]
    found = read(write("a.csv", "\n".join([head, *rows, ""])), ORDER_FILES)
    assert [(line.status, str(line.refunded)) for line in found] == [
        ("completed", "3.00"), ("paid", "3.00"), ("closed", "9.00"),
    ]  # fmt: skip


def test_a_purchase_history_without_order_numbers(read, write):
    text = (
        " customer_id  date number_of_cds  dollar_value\r\n 00001 19970101  1   11.77\r\n 00001 19970101  2   20.00\r\n"
    )
    lines = read(write("CDNOW.txt", text), ORDER_FILES, "USD")
    assert [(line.order_no, line.quantity, line.amount) for line in lines] == [
        ("00001-19970101", 1, Decimal("11.77")),
        ("00001-19970101", 2, Decimal("20.00")),
    ]
    bare = read(write("bare.txt", text.split("\r\n", 1)[1]), ORDER_FILES, "USD")
    assert [(line.order_no, line.line_key) for line in bare] == [(line.order_no, line.line_key) for line in lines]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2.3E+18,A,x,1,12/1/10 8:26,1,7,UK", "order_no_damaged"),
        (",A,x,1,12/1/10 8:26,1,7,UK", "order_no_missing"),
        ("1,A,x,1.5,12/1/10 8:26,1,7,UK", "quantity_bad"),
        ("1,A,x,,12/1/10 8:26,1,7,UK", "quantity_missing"),
        ("1,A,x,1,31/31/10 8:26,1,7,UK", "time_bad"),
        ("1,A,x,1,,1,7,UK", "time_missing"),
        ("1,A,x,1,12/1/10 8:26,free,7,UK", "money_bad"),
        ("1,A,x,1,12/1/10 8:26,90000000000000,7,UK", "money_too_large"),
        ("1,A,x,1,12/1/10 8:26,1.000000000000000000001,7,UK", "money_too_fine"),
        ("1,A,x,9000000000000000000,12/1/10 8:26,1,7,UK", "quantity_too_large"),
        ("1,A,x,1,12/1/10 8:26", "money_missing"),
        ("Total,,,9,,,,", "total_row"),
    ],
)
def test_rows_are_refused_with_their_reason_and_the_others_are_taken(read, write, row, reason):
    good = "7,A,x,1,12/1/10 8:26,1,7,UK"
    rows = read(write("a.csv", f"{HEADER}\n{row}\n{good}\n"), ORDER_FILES)
    assert isinstance(rows[0], RowRefused)
    assert (rows[0].row_no, rows[0].reason) == (2, reason)
    assert isinstance(rows[1], FileLine)


@pytest.mark.parametrize(
    "price", ["12.3333333333333", "12.333333333333334", "12.30000000000000", "0.12333333333333334"]
)
def test_a_price_as_a_spreadsheet_divides_it_is_taken(read, write, price):
    """A total shared by its pieces has seventeen digits; the line's total decides."""
    header = "订单编号,商品,数量,单价,金额,下单时间"
    [line] = read(write("a.csv", f"{header}\n1,x,3,{price},37.00,2026-01-05 10:00\n"), ORDER_FILES)
    assert (line.amount, line.unit_price) == (Decimal("37.00"), Decimal(price))


def test_a_refused_row_still_says_its_sum(read, write):
    rows = read(write("a.csv", f"{HEADER}\n2.3E+18,A,x,3,12/1/10 8:26,1.5,7,UK\n"), ORDER_FILES)
    assert rows[0].list_total == Decimal("4.5")


def test_another_currency_is_refused(read, write):
    text = "order_no,date,qty,price,currency\n1,2026-01-05,1,2,USD\n2,2026-01-05,1,2,cny\n"
    rows = read(write("a.csv", text), ORDER_FILES, "CNY")
    assert [type(row) for row in rows] == [RowRefused, FileLine]


cells = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["1", "-3", "2.50", "12/1/10 8:26", "2026-01-05", "C536379", "2.3E+18", "总计", "", "-", "¥3"]),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.lists(cells, max_size=10), max_size=12))
def test_every_row_is_accounted_for_whatever_its_cells_hold(rows):
    numbered = list(enumerate(rows, 2))
    header = tuple(HEADER.lower().split(","))
    found = list(ORDER_FILES.read(header, iter(numbered), FileContext(currency="GBP", zone=CHINA)))
    assert [row.row_no for row in found] == [row_no for row_no, _ in numbered]
