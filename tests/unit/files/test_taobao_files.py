from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hutong.connectors.taobao.order_files import ORDER_FILES
from hutong.platforms.files import FileContext, FileLine, RowRefused
from hutong.platforms.tables.cells import CHINA
from hutong.platforms.tables.headers import normal_header

D = Decimal
TAIL_2018 = (
    "运送方式,联系电话 ,联系手机,订单创建时间,订单付款时间 ,宝贝标题 ,宝贝种类 ,"
    "物流单号 ,物流公司,订单备注,宝贝总数量,店铺Id,店铺名称,"
    "订单关闭原因,卖家服务费,买家服务费,发票抬头,是否手机订单,分阶段订单信息,特权订金订单id,是否上传合同照片,是否上传小票,是否代付,"
    "定金排名,修改后的sku,修改后的收货地址,异常信息,天猫卡券抵扣,集分宝抵扣,是否是O2O交易,新零售交易类型,新零售导购门店名称,"
    "新零售导购门店id,新零售发货门店名称,新零售发货门店id,退款金额,预约门店,确认收货时间,打款商家金额,含应开票给个人的个人红包"
)
ORDERS_2018 = (
    "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,买家实际支付金额,买家实际支付积分,订单状态,"
    f"买家留言,收货人姓名,收货地址 ,{TAIL_2018}"
)
ORDERS_2026 = (
    "订单编号,支付单号,支付详情,买家应付货款,买家应付邮费,总金额,买家实付金额,订单创建时间,订单付款时间,商品标题,退款金额,是否主动赔付,"
    "主动赔付金额,主动赔付出账时间,商品属性SKU,C2B小额收款,确认收货打款金额,含应开票给个人红包,总金额(旧版)"
)
LINES_2019 = "订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码"
LINES_2022 = (
    "子订单编号,主订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码,支付单号,买家应付货款,"
    "买家实际支付金额,退款状态,退款金额,订单创建时间,订单付款时间"
)
LINES_2025 = (
    "子订单编号,主订单编号,商品标题,商品价格,购买数量,外部系统编号,商品属性,套餐信息,联系方式备注,订单状态,商家编码,支付单号,买家应付货款,"
    "买家实付金额,退款状态,退款金额,订单创建时间,订单付款时间,淘鲜达渠道,商品ID,分阶段信息,备注标签,商家备注,主订单买家留言,是否主动赔付,"
    "主动赔付金额,主动赔付出账时间"
)
LINES_SUPPLIER = (
    "子订单编号,主订单编号,买家会员名,买家会员ID,支付单号,买家应付货款,买家应付邮费,总金额,买家实际支付金额,子单实际支付金额,订单状态,"
    "收件人姓名,收货地址,联系手机,订单创建时间,订单付款时间,宝贝标题,宝贝数量,物流单号,物流公司,店铺ID,店铺名称,供应商ID,供应商名称,"
    "仓发类型,退款金额,颜色/尺码,商家编码,商品编码"
)
DOUYIN = "主订单编号,子订单编号,选购商品,商品规格,商品数量,商品ID,商家编码,商品单价,订单应付金额,运费"


def row_of(header, **cells):
    """A row by column names."""
    names = header.split(",")
    clean = [name.strip() for name in names]
    assert set(cells) <= set(clean), set(cells) - set(clean)
    return [str(cells.get(name, "")) for name in clean]


@pytest.fixture
def take(read, write):
    def run(header, *rows, encoding="gbk"):
        quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
        return read(write("export.csv", "\r\n".join([header, *quoted, ""]), encoding), ORDER_FILES)

    return run


@pytest.mark.parametrize("header", [ORDERS_2018, ORDERS_2026, LINES_2019, LINES_2022, LINES_2025, LINES_SUPPLIER])
def test_every_generation_of_columns_is_recognised(header):
    assert ORDER_FILES.recognises(normal_header(header.split(",")))


def test_other_platforms_are_not():
    assert not ORDER_FILES.recognises(normal_header(DOUYIN.split(",")))


def test_an_order_row_of_2018(take):
    found = take(
        ORDERS_2018,
        row_of(
            ORDERS_2018,
            订单编号='="2000000000000000011"',
            买家会员名="某人",
            买家应付货款="78.00",
            买家应付邮费="6.00",
            总金额="84.00",
            买家实际支付金额="74.00",
            订单状态="卖家已发货，等待买家确认",
            订单创建时间="2018-09-01 10:00:00",
            订单付款时间="2018/9/1 10:01",
            宝贝总数量="2",
            退款金额="无退款申请",
            打款商家金额="74.00元",
            宝贝标题="示例水杯",
        ),
    )
    assert found == [
        FileLine(
            row_no=2,
            order_no="2000000000000000011",
            line_key="",
            status="shipped",
            raw_status="卖家已发货，等待买家确认",
            created_at=datetime(2018, 9, 1, 2, 0, tzinfo=UTC),
            paid_at=datetime(2018, 9, 1, 2, 1, tzinfo=UTC),
            title="示例水杯",
            quantity=2,
            amount=D("78.00"),
            list_total=D("78.00"),
            order_total=D("84.00"),
            order_paid=D("74.00"),
            freight=D("6.00"),
            refunded=None,
            buyer_ref="某人",
        )
    ]


def test_an_order_row_of_2026_with_masked_buyers(take):
    found = take(
        ORDERS_2026,
        row_of(
            ORDERS_2026,
            订单编号="\t3000000000000000012",
            买家应付货款="¥1,078.00",
            买家应付邮费="0.00",
            买家实付金额="1000",
            订单创建时间="2026-08-11 15:58:00",
            退款金额="500.00",
        ),
        encoding="utf-8",
    )
    assert (found[0].order_total, found[0].refunded, found[0].status) == (D("1078.00"), D("500.00"), "pending")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("等待买家付款", "unpaid"), ("买家已付款,等待卖家发货", "paid"), ("买家已付款，等待卖家发货", "paid"),
        ("卖家已发货，等待买家确认", "shipped"), ("卖家部分发货", "partly_shipped"), ("交易成功", "completed"),
        ("交易关闭", "closed"), ("外星状态", "pending"), ("", "pending"),
    ],
)  # fmt: skip
def test_states(take, words, status):
    found = take(LINES_2019, row_of(LINES_2019, 订单编号="1000000000000000001", 价格="1", 购买数量="1", 订单状态=words))
    assert found[0].status == status


def test_the_oldest_lines_have_no_number_and_no_time_of_their_own(take):
    line = {"订单编号": "1000000000000000001", "标题": "杯", "价格": "39.00", "购买数量": "2", "外部系统编号": "SB-01"}
    first, second, other = take(
        LINES_2019,
        row_of(LINES_2019, **line),
        row_of(LINES_2019, **line),
        row_of(LINES_2019, **{**line, "商家编码": "SB-01-BL"}),
    )
    assert len({first.line_key, second.line_key, other.line_key}) == 3
    assert (first.created_at, first.seller_code, other.seller_code) == (None, "SB-01", "SB-01-BL")
    assert first.amount == D("78.00")


def test_a_line_of_2022(take):
    found = take(
        LINES_2022,
        row_of(
            LINES_2022,
            子订单编号='="5000000000000000001"',
            主订单编号='="5000000000000000001"',
            标题="示例水杯",
            价格="39.00",
            购买数量="2",
            外部系统编号="SB-01",
            商品属性="颜色分类:蓝色",
            订单状态="买家已付款,等待卖家发货",
            商家编码="SB-01-BL",
            买家应付货款="78.00",
            买家实际支付金额="70.00",
            退款状态="没有申请退款",
            退款金额="无退款申请",
            订单创建时间="2026-01-05 10:00:00",
            订单付款时间="2026-01-05 10:01:00",
        ),
    )
    line = found[0]
    assert (line.order_no, line.line_key) == ("5000000000000000001", "5000000000000000001")
    assert (line.amount, line.line_paid, line.list_total, line.refunded) == (D("78.00"), D("70.00"), D("78.00"), None)
    assert (line.seller_code, line.variant, line.quantity) == ("SB-01-BL", "颜色分类:蓝色", 2)


def two_lines(**of_both):
    both = {"主订单编号": "'5000000000000000002", "购买数量": "1", "订单创建时间": "2026-01-05 10:00:00", **of_both}
    return (
        row_of(LINES_2022, 子订单编号="'5000000000000000003", 价格="60.00", **both),
        row_of(LINES_2022, 子订单编号="'5000000000000000004", 价格="40.00", **both),
    )


def test_the_orders_sum_repeated_on_its_lines_counts_once(take):
    found = take(LINES_2022, *two_lines(买家应付货款="90.01", 买家实际支付金额="90.01"))
    assert [line.amount for line in found] == [D("54.01"), D("36.00")]
    assert [(line.line_paid, line.order_paid) for line in found] == [(None, D("90.01"))] * 2


def test_sums_of_the_lines_stay_theirs(take):
    first, second = two_lines()
    due = LINES_2022.split(",").index("买家应付货款")
    first[due], second[due] = "55.00", "35.00"
    assert [line.amount for line in take(LINES_2022, first, second)] == [D("55.00"), D("35.00")]


def test_the_suppliers_file_has_the_lines_payment_apart(take):
    found = take(
        LINES_SUPPLIER,
        *(
            row_of(
                LINES_SUPPLIER,
                子订单编号=f"'600000000000000000{n}",
                主订单编号="'6000000000000000009",
                买家应付货款="90",
                买家应付邮费="10",
                总金额="100",
                买家实际支付金额="100",
                子单实际支付金额=paid,
                宝贝数量="1",
                订单创建时间="2026-01-05 10:00:00",
                商品编码="P-1",
            )
            for n, paid in ((1, "60"), (2, "40"))
        ),
    )
    assert [(line.amount, line.line_paid, line.order_paid, line.freight) for line in found] == [
        (D(60), D(60), D(100), D(10)),
        (D(40), D(40), D(100), D(10)),
    ]


def test_an_orders_sum_on_lines_without_a_price_is_never_said_once_per_line(take):
    """The supplier's file has no prices; before the lines are paid all its sums are the order's."""
    rows = [
        row_of(
            LINES_SUPPLIER,
            子订单编号=f"'600000000000000000{n}",
            主订单编号="'6000000000000000009",
            买家应付货款="90.01",
            总金额="100.01",
            买家实际支付金额="0",
            子单实际支付金额=paid,
            宝贝数量=pieces,
            订单创建时间="2026-01-05 10:00:00",
        )
        for n, pieces, paid in ((1, "1", ""), (2, "2", ""), (3, "1", "30"))
    ]
    found = take(LINES_SUPPLIER, *rows[:2])
    assert [(line.list_total, line.amount) for line in found] == [(D("30.00"), D("30.00")), (D("60.01"), D("60.01"))]
    found = take(LINES_SUPPLIER, *rows)
    assert [(line.list_total, line.amount) for line in found] == [
        (D("20.00"), D("20.00")),
        (D("40.01"), D("40.01")),
        (D(30), D(30)),
    ]


@pytest.mark.parametrize(
    ("cells", "listed"),
    [
        ({"订单编号": "2.3E+18"}, D("78.00")),
        ({"订单创建时间": "昨天"}, D("78.00")),
        ({"买家实际支付金额": "免费"}, D("78.00")),
        ({"退款金额": "很多"}, D("78.00")),
        ({"买家实际支付金额": "-78.00"}, D("78.00")),
        ({"买家应付货款": "", "总金额": "84.00", "订单编号": "2.3E+18"}, D("78.00")),
        ({"买家应付货款": "免费"}, D(0)),
        ({"订单编号": "合计"}, D(0)),
    ],
)
def test_a_refused_order_still_says_what_its_goods_cost(take, cells, listed):
    good = {
        "订单编号": "'2000000000000000011",
        "买家应付货款": "78.00",
        "买家应付邮费": "6.00",
        "订单创建时间": "2018-09-01 10:00:00",
    }
    (refused,) = take(ORDERS_2018, row_of(ORDERS_2018, **{**good, **cells}))
    assert (refused.list_total, refused.is_whole) == (listed, refused.reason != "total_row")
    assert refused.order_no == ("2000000000000000011" if cells.get("订单编号") is None else "")


@pytest.mark.parametrize(
    "cells",
    [
        {"主订单编号": "2.3E+18"},
        {"子订单编号": "2.3E+18"},
        {"订单创建时间": "昨天"},
        {"退款金额": "很多"},
        {"买家应付货款": "免费"},
    ],
)
def test_a_refused_line_still_says_what_it_lists(take, cells):
    first, _ = two_lines(**{"购买数量": "3", **{k: v for k, v in cells.items() if k != "子订单编号"}})
    if "子订单编号" in cells:
        first[0] = cells["子订单编号"]
    (refused,) = take(LINES_2022, first)
    assert (refused.list_total, refused.is_whole) == (D("180.00"), False)


def test_a_refused_orders_sum_is_said_once_however_many_lines_repeat_it(take):
    rows = [
        row_of(ORDERS_2018, 订单编号="2.3E+18", 买家应付货款="90", 订单创建时间=at, 宝贝标题=title)
        for at, title in (
            ("2018-09-01 10:00:00", "杯"), ("2018-09-01 10:00:00", "勺"), ("2018-09-01 10:00:07", "盘"),
        )
    ]  # fmt: skip
    assert [row.list_total for row in take(ORDERS_2018, *rows)] == [D(90), D(0), D(90)]


@pytest.mark.parametrize(
    ("state", "amount", "refunded"),
    [
        ("退款成功", "30.00", D("30.00")),
        ("买家已经申请退款,等待卖家同意", "30.00", D(0)),
        ("没有申请退款", "无退款申请", None),
    ],
)
def test_an_open_claim_is_no_refund(take, state, amount, refunded):
    first, _ = two_lines(退款状态=state, 退款金额=amount, 买家应付货款="60", 买家实际支付金额="60")
    assert take(LINES_2022, first)[0].refunded == refunded


def test_a_discount_in_the_refund_column_is_no_refund(take):
    cells = {
        "订单编号": "'2000000000000000011",
        "买家应付货款": "78",
        "买家应付邮费": "0",
        "订单创建时间": "2018-09-01 10:00:00",
    }
    found = take(ORDERS_2018, row_of(ORDERS_2018, **cells, 买家实际支付金额="70", 退款金额="8"))
    assert found[0].refunded == D(0)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"主订单编号": "2.3E+18"}, "order_no_damaged"),
        ({"主订单编号": "2300000000000000000"}, "order_no_damaged"),
        ({"主订单编号": "2300000000000000.0"}, "order_no_damaged"),
        ({"子订单编号": "2.3E+18"}, "line_no_damaged"),
        ({"主订单编号": ""}, "order_no_missing"),
        ({"购买数量": ""}, "quantity_missing"),
        ({"价格": "免费"}, "money_bad"),
        ({"订单创建时间": "昨天"}, "time_bad"),
        ({"子订单编号": "合计"}, "total_row"),
        ({"买家实际支付金额": "-60.00"}, "paid_negative"),
    ],
)
def test_rows_are_refused_with_their_reason(take, cells, reason):
    good = {
        "子订单编号": "'5000000000000000003",
        "主订单编号": "'5000000000000000002",
        "购买数量": "1",
        "价格": "60.00",
        "订单创建时间": "2026-01-05 10:00:00",
    }
    found = take(LINES_2022, row_of(LINES_2022, **{**good, **cells}), row_of(LINES_2022, **good))
    assert (found[0].row_no, found[0].reason) == (2, reason)
    assert isinstance(found[1], FileLine)


def test_numbers_in_a_workbook_are_damage_and_text_is_not(read, write):
    header = LINES_2022.split(",")
    rows = [row_of(LINES_2022, 购买数量=1, 价格=60, 订单创建时间="2026-01-05 10:00:00") for _ in range(2)]
    rows[0][:2] = [5000000000000000001, 5000000000000000001]
    rows[1][:2] = ["5000000000000000000", "5000000000000000000"]
    found = read(write("export.xlsx", [header, *rows]), ORDER_FILES)
    assert found[0].reason == "order_no_damaged"
    assert found[1].order_no == "5000000000000000000"


cells = st.one_of(
    st.text(max_size=10),
    st.sampled_from(
        ["'5000000000000000002", "12.50", "3", "2026-01-05 10:00:00", "合计", "", "-", "2.3E+18", "退款成功"]
    ),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=150)
@given(st.sampled_from([ORDERS_2026, LINES_2019, LINES_2022, LINES_SUPPLIER]), st.data())
def test_every_row_is_accounted_for_whatever_its_cells_hold(header, data):
    names = normal_header(header.split(","))
    rows = data.draw(st.lists(st.lists(cells, min_size=len(names), max_size=len(names)), max_size=6))
    numbered = list(enumerate(rows, 2))
    found = list(ORDER_FILES.read(names, iter(numbered), FileContext(currency="CNY", zone=CHINA)))
    assert [row.row_no for row in found] == [row_no for row_no, _ in numbered]
    assert all(isinstance(row, FileLine | RowRefused) for row in found)
