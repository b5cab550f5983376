from __future__ import annotations

import asyncio
import gzip
import io
import random
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hutong.analytics import queries
from hutong.analytics.queries import last_sale_at
from hutong.core.errors import CurrencyMismatch, PlatformNotThere
from hutong.links.attribution.service import WordKind, add_word
from hutong.links.service import ChannelKind, create_channel, create_link
from hutong.platforms.tables.errors import FileBroken, FileRefused
from hutong.web.console.costs import open_costs
from hutong.web.console.overview import main_currency, open_period

REAL_FILE = Path(__file__).parents[4] / "shared" / "data" / "online_retail_part1.csv.gz"
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
GBP = {"platform": "generic", "currency": "GBP"}


def text_of(*rows):
    return "\n".join([HEADER, *rows, ""])


SALES = (
    "1,A,Mug,2,12/1/10 8:26,1.505,7,UK",
    "1,A,Mug,2,12/1/10 8:26,1.505,7,UK",
    "1,B,Sock,1,12/1/10 8:26,3.00,7,UK",
    "2,B,Sock,3,1/4/11 9:00,3.00,,UK",
    "C3,B,Sock,-1,1/5/11 9:00,3.00,7,UK",
    "4,D,Loss,-5,1/6/11 9:00,0.0,,UK",
)


def test_sales_become_orders_figures_and_customers(hub, check_accounts):
    summary = hub.load(hub.write("a.csv", text_of(*SALES)), **GBP)
    check_accounts(summary)
    assert (summary.rows_read, summary.imported, summary.orders, summary.refunds) == (6, 6, 4, 1)
    assert (summary.lines_without_customer, summary.negative_lines, summary.total) == (2, 2, "15.02")
    one = hub.order("1")
    # 2 × 1.505 = 3.01 for each of the two equal lines: the line's total decides, not the rounded price
    assert (one["total_minor"], one["paid_minor"], one["state"], one["origin"]) == (902, 902, "completed", "file")
    back = hub.order("C3")
    assert (back["is_refund"], back["total_minor"], back["refunded_minor"], back["paid_minor"]) == (True, -300, 300, 0)
    assert hub.rows("SELECT count(*) AS n, sum(amount_minor) AS s FROM order_line WHERE merchant_id = :m") == [
        {"n": 6, "s": 902 + 900 - 300}
    ]
    (bought,) = hub.rows("SELECT orders_count, spent_minor, refunded_minor FROM customer_total WHERE merchant_id = :m")
    assert bought == {"orders_count": 1, "spent_minor": 902, "refunded_minor": 300}
    (whole,) = hub.do(queries.overview).money
    assert (whole.orders_count, whole.gross.amount_minor, whole.net.amount_minor) == (3, 1802, 1502)  # 4 is worth 0
    months = hub.do(lambda unit: queries.revenue_by_month(unit, "GBP", "Asia/Shanghai"))
    assert [(str(m.month), m.money.gross.amount_minor, m.money.refunded.amount_minor) for m in months] == [
        ("2010-12-01", 902, 0),
        ("2011-01-01", 900, 300),
    ]
    assert hub.breaches() == []
    assert hub.counts()["stock_move"] == 0


def test_an_old_history_opens_on_the_figures_it_has_and_says_so(hub):
    """The hub's day is in 2026, the sales are of 2010 and 2011: thirty empty days would look like a failed import."""

    def opened(asked):
        return hub.do(lambda unit: open_period(unit, asked, ZoneInfo("Asia/Shanghai")))

    before = opened("")
    assert (before.period, before.quiet_since, before.figures.money) == ("30d", None, ())
    hub.load(hub.write("a.csv", text_of(*SALES)), **GBP)
    nobody_chose, chosen, everything = opened(""), opened("30d"), opened("all")
    assert (nobody_chose.period, nobody_chose.figures.orders_count) == ("all", 3)
    # "1/6/11 9:00" of the shop, whose clock is China's, is the last sale; the return document is none
    assert nobody_chose.quiet_since == datetime(2011, 1, 6, 1, tzinfo=UTC)
    assert nobody_chose.figures == everything.figures
    assert (chosen.period, chosen.figures.orders_count, chosen.quiet_since) == ("30d", 0, None)
    periods = [
        hub.do(lambda unit, asked=asked: open_costs(unit, asked, "GBP", ZoneInfo("Asia/Shanghai")))[0].name
        for asked in ("", "30d", "all")
    ]
    assert periods == ["all", "30d", "all"]
    assert hub.do(lambda unit: last_sale_at(unit, currency="GBP")) == nobody_chose.quiet_since
    assert hub.do(lambda unit: last_sale_at(unit, currency="CNY")) is None
    assert main_currency(chosen.ever, "CNY") == "GBP"  # nothing sold is nothing in the shop's own money


def test_the_total_is_of_all_rows_whatever_was_refused(hub, check_accounts):
    refused = (
        "2.3E+18,A,Mug,2,12/1/10 8:26,1.50,7,UK",
        "5,A,Mug,2,yesterday,1.50,7,UK",
        ",A,Mug,2,12/1/10 8:26,1.50,7,UK",
        "6,A,Mug,2,12/1/10 8:26,1.50," + "7" * 600 + ",UK",
        "7,A,Mug,two,12/1/10 8:26,1.50,7,UK",  # quantity × price is not known
    )
    summary = hub.load(hub.write("a.csv", text_of(*SALES, *refused)), **GBP)
    check_accounts(summary)
    assert (summary.rejected, summary.total) == (5, "27.02")  # 15.02 of the sales, 3.00 of each of the first four


GIFTS = (
    "1,A,Mug,1,12/1/10 8:26,2.00,7,UK",
    "2,B,Gift,1,1/4/11 9:00,0.00,7,UK",
    "3,B,Gift,1,1/5/11 9:00,0.00,8,UK",
)


def test_an_order_of_nothing_is_an_order(hub):
    hub.load(hub.write("a.csv", text_of(*GIFTS)), **GBP)
    (whole,) = hub.do(queries.overview).money
    assert (whole.orders_count, whole.gross.amount_minor, whole.net.amount_minor) == (3, 200, 200)
    back = hub.do(queries.repeat_rate)
    assert (back.customers_count, back.repeat_customers_count, back.orders_without_customer) == (2, 1, 0)
    totals = hub.rows("SELECT orders_count, spent_minor FROM customer_total WHERE merchant_id = :m ORDER BY 1")
    assert totals == [{"orders_count": 1, "spent_minor": 0}, {"orders_count": 2, "spent_minor": 200}]
    products = {
        p.title: (p.quantity, p.amount.amount_minor) for p in hub.do(lambda unit: queries.best_products(unit, 9))
    }
    assert products == {"Mug": (1, 200), "Gift": (2, 0)}
    assert hub.order("2")["paid_at"] == hub.order("2")["placed_at"]
    before = hub.contents()
    hub.load(hub.write("a.csv", text_of(*GIFTS)), **GBP)
    assert hub.contents() == before
    assert hub.breaches() == []


def test_an_order_that_is_known_without_its_price_counts_once_when_the_price_comes(hub):
    header = "order_no,created_at,title,quantity,amount,status,order_paid,customer\n"
    states = ("2011-01-02 10:00:00,Mug,1,5.00,unpaid,0,7", "2011-01-02 10:00:00,Mug,1,5.00,paid,0,7")
    for row in (*states, "2011-01-02 10:00:00,Mug,1,5.00,completed,5.00,7"):
        hub.load(hub.write("a.csv", f"{header}9,{row}\n"), **GBP)
    (whole,) = hub.do(queries.overview).money
    assert (whole.orders_count, whole.gross.amount_minor) == (1, 500)
    (bought,) = hub.rows("SELECT orders_count, spent_minor FROM customer_total WHERE merchant_id = :m")
    assert bought == {"orders_count": 1, "spent_minor": 500}
    assert hub.rows("SELECT count(*) AS n FROM sale_line_fact WHERE merchant_id = :m") == [{"n": 1}]
    assert hub.breaches() == []


def test_importing_again_changes_nothing(hub, check_accounts):
    path = hub.write("a.csv", text_of(*SALES))
    first = hub.load(path, **GBP)
    before = hub.contents()
    again = hub.load(path, **GBP)
    assert check_accounts(again) == check_accounts(first)
    assert (again.imported, again.merged, again.orders_new, again.orders_changed) == (0, 6, 0, 0)
    assert hub.contents() == before


def test_rows_in_another_order_are_the_same_rows(hub):
    hub.load(hub.write("a.csv", text_of(*SALES)), **GBP)
    before = hub.contents()
    again = hub.load(hub.write("b.csv", text_of(*reversed(SALES))), **GBP)
    assert (again.imported, again.merged) == (0, 6)
    assert hub.contents() == before


def test_a_dry_run_prints_the_same_figures_and_writes_nothing(hub, check_accounts):
    path = hub.write("a.csv", text_of(*SALES))
    before = hub.counts()
    dry = hub.load(path, dry_run=True, **GBP)
    assert hub.counts() == before
    real = hub.load(path, **GBP)
    assert (check_accounts(dry), dry.imported, dry.merged) == (check_accounts(real), real.imported, real.merged)
    assert hub.load(path, dry_run=True, **GBP).merged == 6


def test_a_broken_file_leaves_nothing_behind(hub):
    good = hub.write("a.csv", text_of(*SALES))
    bad = hub.write("b.csv", text_of(*SALES) + '9,A,"never closed,1,12/1/10 8:26,1,7,UK\n')
    before = hub.counts()
    with pytest.raises(FileBroken) as refused:
        hub.load(good, bad, **GBP)
    assert refused.value.details["row"] == 8
    assert hub.counts() == before


def test_refused_rows_are_reported_with_formulas_neutralised(hub, check_accounts):
    rows = (*SALES, "2.3E+18,A,x,1,12/1/10 8:26,10,7,UK", "5,A,x,=1+1,12/1/10 8:26,1,7,UK", "Total,,,9,,,,")
    report = io.StringIO()
    summary = hub.load(hub.write("=cmd.csv", text_of(*rows)), report=report, **GBP)
    check_accounts(summary)
    assert summary.rejected_by_reason == {"order_no_damaged": 1, "quantity_bad": 1, "total_row": 1}
    assert summary.total == "25.02"  # the refused row's quantity × unit price is part of all rows read
    lines = report.getvalue().splitlines()
    assert len(lines) == 4
    assert lines[1].startswith("'=cmd.csv,8,")
    assert "2.3E+18" in lines[1]
    assert "damaged by a spreadsheet" in lines[1]
    assert "损坏" in lines[1]


def test_a_list_cut_inside_an_order_is_joined_again(hub):
    hub.load(hub.write("1.csv", text_of(*SALES[:2])), **GBP)
    second = hub.load(hub.write("2.csv", text_of(*SALES[2:])), **GBP)
    assert (second.imported, second.orders_changed) == (4, 1)
    whole = hub.order("1")
    assert (whole["total_minor"], whole["paid_minor"]) == (902, 902)
    (fact,) = hub.rows("SELECT max(gross_minor) AS g FROM sale_fact WHERE merchant_id = :m AND NOT is_refund")
    assert fact["g"] == 902
    (bought,) = hub.rows("SELECT spent_minor FROM customer_total WHERE merchant_id = :m")
    assert bought["spent_minor"] == 902
    assert hub.breaches() == []


def test_another_currency_for_the_same_orders_is_refused(hub):
    path = hub.write("a.csv", text_of(*SALES))
    hub.load(path, **GBP)
    with pytest.raises(CurrencyMismatch):
        hub.load(path, platform="generic", currency="USD")


def test_unknown_platforms_and_platforms_without_files(hub):
    path = hub.write("a.csv", text_of(*SALES))
    for platform in ("nowhere", "wechatpay"):
        with pytest.raises(PlatformNotThere) as refused:
            hub.load(path, platform=platform)
        assert refused.value.details == {"key": platform, "known": "generic, taobao"}
        for locale in ("zh-Hans", "en"):
            text = refused.value.text(locale)
            assert platform in text.sentence
            assert "generic, taobao" in text.fix
    with pytest.raises(FileRefused):
        hub.load(path, platform="taobao")


def test_two_imports_at_once_count_each_order_once(hub):
    path = hub.write("a.csv", text_of(*SALES))

    async def both(runtime):
        from hutong.workflows.commands.import_orders import import_orders

        run = (import_orders(runtime, hub.merchant_id, [path], "generic", "GBP", False, lambda _: None) for _ in "12")
        return await asyncio.gather(*run)

    summaries = hub.run(both)
    assert sorted(summary.imported for summary in summaries) == [0, 6]
    assert hub.breaches() == []


def test_absurd_amounts_are_refused_and_crash_nothing(hub, check_accounts):
    rows = ("1,A,x,999999999,12/1/10 8:26,99999999999,7,UK", f"2,{'A' * 3000},x,1,12/1/10 8:26,1,{'7' * 900},UK")
    summary = hub.load(hub.write("a.csv", text_of(*rows, *SALES)), **GBP)
    check_accounts(summary)
    assert summary.rejected_by_reason == {"amount_too_large": 1, "cell_too_long": 1}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not REAL_FILE.exists(), reason=f"the real order history is not there: {REAL_FILE}")
def test_a_real_shops_history(hub, check_accounts):
    summary = hub.load(REAL_FILE, **GBP)
    check_accounts(summary)
    assert (summary.rows_read, summary.imported, summary.orders) == (120_000, 120_000, 5_713)
    assert (summary.lines_without_customer, summary.negative_lines, summary.refunds) == (39_073, 2_444, 2_179)
    assert summary.total == "2078903.88"
    months = hub.do(lambda unit: queries.revenue_by_month(unit, "GBP", "Asia/Shanghai"))
    assert sum(m.money.gross.amount_minor - m.money.refunded.amount_minor for m in months) == 207_890_388
    assert [str(m.month) for m in months] == ["2010-12-01", "2011-01-01", "2011-02-01", "2011-03-01"]
    assert hub.breaches() == []


def test_what_an_import_costs_grows_with_its_rows_and_not_with_their_square(hub):
    rows = [f"9{number},A,Mug,1,12/1/10 8:26,1.00,{number % 900},UK" for number in range(20_000)]
    path = hub.write("many.csv", text_of(*rows))
    before = rows_walked(hub)
    assert hub.load(path, **GBP).orders_new == 20_000
    assert hub.load(path, **GBP).merged == 20_000
    assert rows_walked(hub) - before < 100 * len(rows)  # looking at all for each order of a batch walks 10,000 each
    assert hub.rows("SELECT current_setting('enable_nestloop') AS now")[0]["now"] == "on"  # off in imports only


def rows_walked(hub):
    """Rows and index entries that the database has looked at so far; sessions tell when they end."""
    (tables,) = hub.rows("SELECT sum(seq_tup_read) AS n FROM pg_stat_user_tables")
    (indexes,) = hub.rows("SELECT sum(idx_tup_read) AS n FROM pg_stat_user_indexes")
    return int(tables["n"] + indexes["n"])


def test_damaged_files_leave_nothing_half_imported(hub, check_accounts):
    """Good files beside a damaged one, and rows before the damage: all of it stays out, and the hub works on."""
    hub.load(hub.write("before.csv", text_of(*SALES)), **GBP)
    contents, counts = hub.contents(), hub.counts()
    chance = random.Random(5)
    good = hub.write("good.csv", text_of("77,A,Mug,1,12/1/10 8:26,1.50,7,UK"))
    many = text_of(*(f"{n},A,Mug{n * 7919},1,12/1/10 8:26,1.50,7,UK" for n in range(100, 400)))
    packed = gzip.compress(many.encode(), mtime=0)
    refused = 0
    for number in range(8):
        bad = bytearray(packed)
        bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        path = hub.write("bad.csv.gz", bytes(bad[: chance.randrange(len(bad))] if number % 2 else bad))
        try:
            hub.load(good, path, dry_run=True, **GBP)  # most flips change nothing that is read back, or all of it
        except FileRefused:
            refused += 1
            with pytest.raises(FileRefused):
                hub.load(good, path, **GBP)
            assert (hub.contents(), hub.counts()) == (contents, counts)
    assert refused >= 4
    check_accounts(hub.load(good, **GBP))
    assert hub.breaches() == []


def states_file(hub, name, *rows):
    return hub.write(name, "\n".join(["订单编号,商品名称,数量,单价,运费,下单时间,客户编号,订单状态", *rows, ""]))


def test_a_refunded_order_gives_back_all_of_its_money_and_a_line_its_own(hub):
    sold = (
        "S1,杯,2,5.00,3.00,2026-03-01,C1,已发货",
        "S2,杯,1,5.00,,2026-03-01,C1,已完成",
        "S2,勺,1,2.00,,2026-03-01,C1,已完成",
    )
    hub.load(states_file(hub, "a.csv", *sold), platform="generic")
    back = (
        "S1,杯,2,5.00,3.00,2026-03-01,C1,已退款",
        "S2,杯,1,5.00,,2026-03-01,C1,已完成",
        "S2,勺,1,2.00,,2026-03-01,C1,已退款",
    )
    summary = hub.load(states_file(hub, "b.csv", *back), platform="generic")
    assert (summary.orders_pending, summary.orders_changed, summary.refunds) == (0, 2, 2)
    one, two = hub.order("S1"), hub.order("S2")
    assert (one["state"], one["paid_minor"], one["refunded_minor"]) == ("refunded", 1300, 1300)
    assert (two["state"], two["paid_minor"], two["refunded_minor"]) == ("completed", 700, 200)
    (whole,) = hub.do(queries.overview).money
    assert (whole.gross.amount_minor, whole.net.amount_minor) == (2000, 500)
    assert hub.breaches() == []
    hub.load(states_file(hub, "c.csv", "S9,杯,2,5.00,3.00,2026-03-01,C1,已退款"), platform="generic")  # at once
    assert (hub.order("S9")["paid_minor"], hub.order("S9")["refunded_minor"]) == (1300, 1300)
    assert hub.breaches() == []


def test_an_unknown_state_of_a_known_order_is_told_as_what_it_is(hub, check_accounts):
    """It moves nothing back: the summary says that the order stays as it was, not that it waits unpaid."""
    hub.load(states_file(hub, "a.csv", "S1,杯,2,5.00,,2026-03-01,C1,已发货"), platform="generic")
    strange = states_file(hub, "b.csv", "S1,杯,2,5.00,,2026-03-01,C1,外星", "S2,杯,1,5.00,,2026-03-01,C1,异界")
    first = hub.load(strange, platform="generic")
    assert (first.orders_pending, first.orders_kept, first.states_unknown) == (2, 1, ("外星", "异界"))
    assert (hub.order("S1")["state"], hub.order("S1")["paid_minor"]) == ("shipped", 1000)
    assert (hub.order("S2")["state"], hub.order("S2")["paid_minor"]) == ("pending", 0)
    assert check_accounts(hub.load(strange, platform="generic")) == check_accounts(first)


def test_a_word_in_a_remark_or_coupon_column_ties_the_order_to_its_link(hub):
    async def prepare(unit):
        channel_id = await create_channel(unit, ChannelKind.POST, "weibo", "帖子")
        made = await create_link(unit, channel_id, "面包", url="https://item.taobao.com/item.htm?id=657")
        await add_word(unit, made.link_id, WordKind.CODE, "K7Q2")
        await add_word(unit, made.link_id, WordKind.COUPON, "SAVE20")
        return made.link_id

    link_id = hub.do(prepare)
    rows = [
        "1,A,Mug,2,12/1/10 8:26,1.5,7,UK,暗号k7q2,",
        "2,A,Mug,2,12/1/10 8:26,1.5,7,UK,,save20",
        "3,A,Mug,2,12/1/10 8:26,1.5,7,UK,SF12345678K7Q2,",
        "4,A,Mug,2,12/1/10 8:26,1.5,7,UK,,",
    ]
    text = "\n".join([f"{HEADER},备注,优惠码", *rows, ""])
    hub.load(hub.write("a.csv", text), **GBP)
    ties = hub.rows(
        "SELECT o.order_no, t.evidence, t.link_id FROM order_tie t JOIN sales_order o USING (merchant_id, order_id) "
        "WHERE merchant_id = :m ORDER BY o.order_no"
    )
    assert ties == [
        {"order_no": "1", "evidence": "code", "link_id": link_id},
        {"order_no": "2", "evidence": "coupon", "link_id": link_id},
    ]
