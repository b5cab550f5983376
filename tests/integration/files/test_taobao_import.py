from __future__ import annotations

import itertools
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import pytest

from hutong.core.money import Money
from hutong.db.keyring import Keyring
from hutong.db.keystore import PassingKeyStore
from hutong.db.vault import Vault
from hutong.platforms.shops import ShopOrder, ShopOrderLine, ShopOrderStatus
from hutong.shops.platform_orders import ShopRef, merge_order
from hutong.workflows.commands.import_orders import import_orders
from hutong.workflows.commands.open_shop import plan_shop

CONNECTION = uuid4()

ORDERS = (
    "订单编号,买家会员名,买家应付货款,买家应付邮费,总金额,买家实际支付金额,订单状态,订单创建时间,订单付款时间,宝贝标题,"
    "退款金额,确认收货时间"
)
LINES = (
    "子订单编号,主订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码,买家应付货款,买家实际支付金额,退款状态,"
    "退款金额,订单创建时间,订单付款时间"
)
NO = "3000000000000000011"
UNPAID, PAID, SHIPPED, DONE, CLOSED = (
    "等待买家付款", "买家已付款,等待卖家发货", "卖家已发货，等待买家确认", "交易成功", "交易关闭",
)  # fmt: skip
AT = "2026-01-05 10:00:00"


def order_row(status=PAID, *, paid="96.00", refund="无退款申请", no=NO, done="", paid_at="2026-01-05 10:01:00"):
    return f'"=""{no}""",某人,90.00,6.00,96.00,{paid},"{status}",{AT},{paid_at},杯子等,{refund},{done}'


def line_rows(status=PAID, *, no=NO):
    return (
        f"'{no[:-2]}21,'{no},杯子,60.00,1,CUP,颜色:蓝,,,\"{status}\",CUP-BL,54.00,54.00,没有申请退款,无退款申请,{AT},",
        f"'{no[:-2]}22,'{no},勺子,20.00,2,SPN,,,,\"{status}\",SPN-1,36.00,36.00,没有申请退款,无退款申请,{AT},",
    )


def orders_file(hub, *rows, name="ExportOrderList.csv"):
    return hub.write(name, "\r\n".join([ORDERS, *rows, ""]), "gbk")


def lines_file(hub, *rows, name="ExportOrderDetailList.csv"):
    return hub.write(name, "\r\n".join([LINES, *rows, ""]), "gbk")


def figures(hub):
    order = hub.order(NO)
    lines = hub.rows("SELECT count(*) AS n, sum(amount_minor) AS s FROM order_line WHERE merchant_id = :m")[0]
    fact = hub.rows("SELECT count(*) AS n, sum(gross_minor) AS g FROM sale_fact WHERE merchant_id = :m")[0]
    sold = hub.rows("SELECT count(*) AS n, sum(amount_minor) AS s FROM sale_line_fact WHERE merchant_id = :m")[0]
    return (order["total_minor"], order["freight_minor"], order["paid_minor"], lines, fact, sold)


WHOLE = (9600, 600, 9600, {"n": 2, "s": 9000}, {"n": 1, "g": 9600}, {"n": 2, "s": 9000})


def test_order_file_and_line_file_are_joined_and_sums_count_once(hub, check_accounts):
    summary = hub.load(orders_file(hub, order_row()), lines_file(hub, *line_rows()))
    check_accounts(summary)
    assert (summary.rows_read, summary.imported, summary.merged, summary.orders) == (3, 2, 1, 1)
    assert (summary.total, summary.lines_without_customer, summary.refunds) == ("100.00", 0, 0)
    assert figures(hub) == WHOLE
    assert hub.order(NO)["state"] == "paid"
    assert hub.breaches() == []


def test_the_total_is_of_all_rows_whatever_was_refused(hub, check_accounts):
    """100.00 stand on the two lines, 90.00 on the order as a whole; a refused row still says what it lists."""
    order, lines = order_row(), line_rows()
    damaged_order = order.replace(f'"=""{NO}"""', "3.00000E+18")
    damaged_lines = [line.replace(f"'{NO},", "3.00000E+18,") for line in lines]
    late_order = order.replace(f"{AT},2026", "昨天,2026")
    late_lines = [line.replace(f"{AT},", "昨天,") for line in lines]
    other = order.replace(NO, "3000000000000000019")
    assert damaged_order != order != late_order
    cases = [
        ([damaged_order], [], "90.00", 1),
        ([damaged_order, damaged_order], [], "90.00", 2),  # the order's sum, said on each of its lines
        ([late_order], [], "90.00", 1),
        ([order, late_order], [], "90.00", 1),
        ([late_order, late_order.replace("昨天", "前天")], [], "90.00", 2),
        ([], damaged_lines, "100.00", 2),
        ([], late_lines, "100.00", 2),
        ([order], damaged_lines[:1] + list(lines[1:]), "100.00", 1),
        ([damaged_order], lines, "100.00", 1),
        ([damaged_order], damaged_lines, "100.00", 3),
        ([late_order], lines, "100.00", 1),
        ([late_order], late_lines, "100.00", 3),
        ([order.replace("某人", "某" * 600)], lines, "100.00", 1),
        ([order.replace("某人", "某" * 600)], [], "90.00", 1),
        ([late_order, other], lines, "190.00", 1),
    ]
    for number, (orders, parts, total, rejected) in enumerate(cases):
        files = [orders_file(hub, *orders, name=f"o{number}.csv")] if orders else []
        files += [lines_file(hub, *parts, name=f"l{number}.csv")] if parts else []
        for paths in (files, files[::-1]):
            summary = hub.load(*paths, dry_run=True)
            check_accounts(summary)
            assert (summary.total, summary.rejected) == (total, rejected), number


def test_the_total_is_of_all_rows_of_old_lines_whose_order_was_refused(hub, check_accounts):
    """The oldest lines know no time of their own: without their order's row none of them is taken."""
    old = "订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码"
    lines = hub.write("old.csv", f"{old}\r\n'{NO},杯,60,1,A,,,,{DONE},\r\n'{NO},勺,20,2,B,,,,{DONE},\r\n", "gbk")
    summary = hub.load(orders_file(hub, order_row().replace(f"{AT},2026", "昨天,2026")), lines)
    check_accounts(summary)
    assert (summary.total, summary.rejected, summary.imported) == ("100.00", 3, 0)


def test_files_in_any_order_and_one_by_one_end_the_same(hub):
    orders, lines = orders_file(hub, order_row()), lines_file(hub, *line_rows())
    hub.load(lines, orders)
    assert figures(hub) == WHOLE
    for path in (orders, lines, orders):
        assert hub.load(path).imported == 0
    assert figures(hub) == WHOLE


def test_the_order_file_first_and_its_lines_later(hub, check_accounts):
    alone = hub.load(orders_file(hub, order_row()))
    assert (alone.imported, alone.total) == (1, "90.00")  # no lines are known: what the goods cost
    later = hub.load(lines_file(hub, *line_rows()))
    check_accounts(later)
    assert (later.imported, later.merged) == (2, 0)
    assert figures(hub) == WHOLE
    assert hub.breaches() == []


def test_the_lines_first_and_the_order_file_later(hub):
    hub.load(lines_file(hub, *line_rows()))
    assert hub.order(NO)["total_minor"] == 9000
    later = hub.load(orders_file(hub, order_row()))
    assert (later.imported, later.merged, later.orders_changed) == (0, 1, 1)
    assert figures(hub) == WHOLE
    assert hub.breaches() == []


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)], ids=["sample", "all"])
def test_older_exports_never_move_an_order_back(hub, every):
    """In whatever order exports of an order's life come, it ends where the latest one left it."""
    life = (
        order_row(UNPAID, paid="0.00", paid_at=""),
        order_row(PAID),
        order_row(SHIPPED),
        order_row(DONE, done="2026-01-09 08:00:00"),
    )
    for number, turn in list(enumerate(itertools.permutations(life)))[::every]:
        no = f"40000000000000{number:02d}011"
        for place, row in enumerate(turn):
            hub.load(orders_file(hub, row.replace(NO, no), name=f"{number}-{place}.csv"))
        order = hub.order(no)
        assert (order["state"], order["paid_minor"], order["total_minor"]) == ("completed", 9600, 9600), turn
    assert hub.breaches() == []


def test_an_unknown_word_moves_nothing(hub):
    hub.load(orders_file(hub, order_row(SHIPPED)))
    hub.load(orders_file(hub, order_row("外星状态"), name="b.csv"))
    assert (hub.order(NO)["state"], hub.order(NO)["paid_minor"]) == ("shipped", 9600)


def test_refunds_rise_and_reach_figures_and_customers(hub):
    hub.load(orders_file(hub, order_row(SHIPPED)), lines_file(hub, *line_rows()))
    hub.load(orders_file(hub, order_row(DONE, refund="20.00"), name="b.csv"))
    hub.load(orders_file(hub, order_row(SHIPPED), name="older.csv"))
    assert (hub.order(NO)["state"], hub.order(NO)["refunded_minor"]) == ("completed", 2000)
    hub.load(orders_file(hub, order_row(CLOSED, refund="96.00"), name="c.csv"))
    assert (hub.order(NO)["state"], hub.order(NO)["refunded_minor"]) == ("refunded", 9600)
    assert hub.rows("SELECT refunded_minor FROM sale_fact WHERE merchant_id = :m") == [{"refunded_minor": 9600}]
    assert hub.rows("SELECT refunded_minor FROM customer_total WHERE merchant_id = :m") == [{"refunded_minor": 9600}]
    assert hub.breaches() == []


def test_closed_unpaid_is_no_sale(hub):
    hub.load(orders_file(hub, order_row(CLOSED, paid="0.00", paid_at="")))
    assert hub.order(NO)["state"] == "closed"
    assert hub.counts()["sale_fact"] == 0


def test_a_refunded_line_is_closed_while_the_order_lives(hub):
    first, second = line_rows(SHIPPED)
    first = first.replace(SHIPPED, CLOSED).replace("没有申请退款,无退款申请", "退款成功,54.00")
    summary = hub.load(lines_file(hub, first, second))
    assert (hub.order(NO)["state"], hub.order(NO)["refunded_minor"], summary.refunds) == ("shipped", 5400, 1)


def test_the_oldest_lines_need_the_order_file_for_their_time(hub, check_accounts):
    old = "订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码"
    path = hub.write("old.csv", f'{old}\r\n="{NO}",杯子,90.00,1,CUP,,,,{DONE},CUP-BL\r\n', "gbk")
    alone = hub.load(path)
    check_accounts(alone)
    assert alone.rejected_by_reason == {"order_time_unknown": 1}
    assert hub.counts()["sales_order"] == 0
    both = hub.load(path, orders_file(hub, order_row(DONE)))
    assert (both.imported, both.merged, both.rejected) == (1, 1, 0)
    assert hub.load(path).merged == 1


def test_buyers_names_are_sealed_and_masked(hub):
    hub.load(orders_file(hub, order_row()))
    (person,) = hub.rows("SELECT name_masked FROM customer WHERE merchant_id = :m")
    assert person["name_masked"]
    assert "某人" not in str(hub.contents())


def test_a_file_without_states_says_so_and_makes_nothing_up(hub):
    header = ORDERS.replace("订单状态,", "")
    row = order_row().replace(f'"{PAID}",', "")
    told = []
    summary = hub.load(hub.write("ExportOrderList.csv", f"{header}\r\n{row}\r\n", "gbk"), progress=told.append)
    assert [news.lacking_columns for news in told if news.lacking_columns] == [("订单状态",)]
    assert (summary.orders_pending, summary.lacking_columns) == (1, ("ExportOrderList.csv: 订单状态",))
    assert (hub.order(NO)["state"], hub.order(NO)["paid_minor"]) == ("pending", 0)
    better = hub.load(orders_file(hub, order_row()))
    assert (better.orders_pending, better.lacking_columns) == (0, ())
    assert (hub.order(NO)["state"], hub.order(NO)["paid_minor"]) == ("paid", 9600)
    strange = hub.load(orders_file(hub, order_row("前所未见", no="3000000000000000099")))
    assert (strange.orders_pending, strange.lacking_columns) == (1, ())
    assert hub.breaches() == []


def test_a_number_in_full_width_digits_is_the_same_order(hub, check_accounts):
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    hub.load(orders_file(hub, order_row(UNPAID)))
    summary = hub.load(orders_file(hub, order_row(no=NO.translate(wide))))
    check_accounts(summary)
    assert (summary.orders_new, summary.orders_changed, hub.order(NO)["state"]) == (0, 1, "paid")


def test_a_payment_below_nothing_is_refused_by_its_own_words(hub, check_accounts):
    summary = hub.load(orders_file(hub, order_row(DONE, paid="-44.00"), order_row(no="3000000000000000019")))
    check_accounts(summary)
    assert (summary.imported, summary.rejected_by_reason) == (1, {"paid_negative": 1})


def test_a_refund_above_what_was_paid_is_taken_as_all_of_it_and_told(hub, check_accounts):
    row = order_row(DONE, paid="44.00", refund="60.00")
    summary = hub.load(orders_file(hub, row))
    check_accounts(summary)
    assert (summary.imported, summary.rejected, summary.refunds_cut) == (1, 0, 1)
    order = hub.order(NO)
    assert (order["state"], order["paid_minor"], order["refunded_minor"]) == ("refunded", 4400, 4400)
    within = hub.load(orders_file(hub, order_row(DONE, paid="96.00", refund="60.00", no="3000000000000000019")))
    assert within.refunds_cut == 0
    assert hub.breaches() == []


def test_a_trial_needs_no_merchant_and_leaves_none(hub):
    """A dry run in an empty home: the same figures, and neither shop nor customer nor key afterwards."""
    known = hub.load(orders_file(hub, order_row()), dry_run=True)
    nobody = uuid4()

    async def main(runtime):
        trial = msgspec.structs.replace(
            runtime, vault=Vault(Keyring.create(hub.folder / "trial.key"), PassingKeyStore(), hub.clock)
        )
        files = [orders_file(hub, order_row())]
        planned = msgspec.structs.replace(await plan_shop(trial, "铺子", "owner"), merchant_id=nobody)
        return await import_orders(trial, nobody, files, "taobao", "CNY", True, lambda _: None, founding=planned)

    fresh = hub.run(main)
    assert msgspec.structs.replace(fresh, seconds=0.0) == msgspec.structs.replace(known, seconds=0.0)
    hub.merchant_id = nobody
    assert set(hub.counts().values()) == {0}
    assert hub.rows("SELECT count(*) AS n FROM merchant_key WHERE merchant_id = :m") == [{"n": 0}]
    assert hub.rows("SELECT count(*) AS n FROM merchant WHERE merchant_id = :m") == [{"n": 0}]


def pulled(status, *, modified_at=datetime(2026, 1, 9, 4, tzinfo=UTC)):
    """The same order as the platform tells it."""
    line = ShopOrderLine(
        line_id=f"{NO[:-2]}21",
        seller_code="CUP-BL",
        title="杯子",
        quantity=1,
        unit_price=Money(9000),
        amount=Money(9000),
    )
    return ShopOrder(
        platform_order_id=NO, status=status, raw_status=status.value, total=Money(9600), freight=Money(600),
        paid=Money(9600), created_at=datetime(2026, 1, 5, 2, tzinfo=UTC), modified_at=modified_at, lines=(line,),
    )  # fmt: skip


def merged(hub, told):
    shop = ShopRef(connection_id=CONNECTION, platform="taobao", shop_ref="shop-7")
    return hub.do(lambda unit: merge_order(unit, shop, told, None, "pull"))


def test_an_order_imported_before_its_shop_is_connected_is_the_one_that_is_pulled_later(hub):
    hub.load(orders_file(hub, order_row()))
    merged(hub, pulled(ShopOrderStatus.SHIPPED))
    order = hub.order(NO)  # one, not two
    assert (order["shop_ref"], order["origin"], order["connection_id"], order["state"]) == (
        "shop-7", "file", None, "shipped",
    )  # fmt: skip
    assert hub.rows("SELECT count(*) AS n FROM sale_fact WHERE merchant_id = :m") == [{"n": 1}]
    hub.load(orders_file(hub, order_row(DONE)))  # the list once more, now that the shop is known
    assert hub.order(NO)["state"] == "completed"
    assert hub.breaches() == []


def test_an_unpaid_order_of_a_file_becomes_the_platforms_when_it_is_pulled(hub):
    hub.load(orders_file(hub, order_row(UNPAID, paid="0.00", paid_at="")))
    merged(hub, pulled(ShopOrderStatus.PAID))
    order = hub.order(NO)
    assert (order["shop_ref"], order["origin"], order["connection_id"], order["state"], order["paid_minor"]) == (
        "shop-7", "pull", CONNECTION, "paid", 9600,
    )  # fmt: skip
    told = hub.rows("SELECT name FROM outbox WHERE merchant_id = :m AND name = 'shops.order_paid'")
    assert len(told) == 1
