"""The money pages of a running hub: figures are the API's, forms do what they say."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import browser_checks as checks
from browser_trade import sale

WHOLE_BPS = 10_000


def rate_text(part_bps: int) -> str:
    """A rate as the pages should show it, written here a second time on purpose."""
    tenths, rest = divmod(part_bps, 10)
    tenths += rest > 5 or (rest == 5 and tenths % 2)
    return f"{tenths // 10}.{tenths % 10}%"


def test_channel_costs_are_the_apis_and_the_books(signed_in, hub):
    page = signed_in().page
    page.goto("/costs?period=all&currency=CNY")
    told = hub.answer("/channel-costs", currency="CNY")
    expected = {
        f"[data-figure={figure}] >> nth=0": checks.money_text(told["total"][f"{figure}_minor"])
        for figure in ("cost", "net")
    }
    expected["dd [data-figure=kept]"] = checks.money_text(told["total"]["kept_minor"])
    expected["[data-figure=saved]"] = checks.money_text(abs(told["saved_minor"]))
    for item in told["items"]:
        row = f"tr[data-cost='{item['channel_id'] or item['source'] or 'none'}']"
        for figure in ("kept", "wallet_fee", "commission", "net"):
            expected[f"{row} [data-figure={figure}] [data-minor] >> nth=0"] = checks.money_text(item[f"{figure}_minor"])
        if item["rate_bps"] is not None and not item["unbilled"]:
            expected[f"{row} [data-figure=rate]"] = rate_text(item["rate_bps"])
    assert checks.differences(page, expected) == []
    expenses = sum(
        row["balance_minor"]
        for row in hub.api("/accounts")
        if row["account"].startswith("expense:") and row["currency"] == "CNY"
    )
    assert told["total"]["cost_minor"] == expenses > 0
    known = sum(item["kept_minor"] - item["unbilled_minor"] for item in told["items"])
    assert abs(told["agent_would_take_minor"] * 100 - known * 35) <= 50
    assert any(item["unbilled"] for item in told["items"]), "the demo's Taobao sales"
    page.wait_for_selector("[data-drawn] svg")


def test_dependence_is_that_of_the_orders(signed_in, hub):
    page = signed_in("phone").page
    page.goto("/costs?period=all&currency=CNY")
    told = hub.answer("/dependence", currency="CNY")
    kept: dict[str, int] = {}
    for order in hub.api("/orders"):
        if order["paid_at"] and order["currency"] == "CNY":
            kept[order["source"]] = kept.get(order["source"], 0) + order["paid_minor"] - order["refunded_minor"]
    total = sum(kept.values())
    assert {part["key"]: part["kept_minor"] for part in told["shops"]["parts"]} == kept
    expected = {}
    for kind in ("traffic", "shops"):
        assert told[kind]["total_minor"] == total
        platforms = [part["kept_minor"] for part in told[kind]["parts"] if part["is_platform"]]
        assert abs(told[kind]["hhi"] * total**2 - WHOLE_BPS * sum(k**2 for k in platforms)) <= total**2
        for part in filter(lambda part: part["share_bps"], told[kind]["parts"]):
            row = f"[data-reliance={kind}] li[data-part='{part['key']}']"
            expected[f"{row} [data-figure=kept]"] = checks.money_text(part["kept_minor"])
            expected[f"{row} [data-figure=share]"] = rate_text(part["share_bps"])
    assert checks.differences(page, expected) == []


def test_payments_say_what_the_api_says(signed_in, hub):
    page = signed_in().page
    page.goto("/payments")
    told = hub.answer("/payments", limit=200)
    expected = {}
    for payment in told["items"][:30]:
        row = f"tr[data-payment='{payment['payment_id']}']"
        expected[f"{row} [data-figure=amount]"] = checks.money_text(payment["amount_minor"], payment["currency"])
        if payment["refunded_minor"]:
            expected[f"{row} [data-figure=refunded]"] = checks.money_text(payment["refunded_minor"])
    for entry in told["sums"]:
        expected[f"[data-figure=taken_{entry['currency']}]"] = checks.money_text(entry["taken_minor"])
        taken = [p["amount_minor"] for p in told["items"] if p["paid_at"] and p["currency"] == entry["currency"]]
        assert entry["taken_minor"] == sum(taken)
    assert expected
    assert checks.differences(page, expected) == []
    counts = Counter("refunded" if "refunded" in p["shown_state"] else p["shown_state"] for p in told["items"])
    tabs = {f"[data-tab={state}] .num": f"{count:,}" for state, count in counts.items()}
    assert checks.differences(page, {**tabs, "[data-tab=any] .num": f"{told['total']:,}"}) == []


def test_payments_are_found_by_any_of_their_numbers(signed_in, hub):
    page = signed_in().page
    payment = next(p for p in hub.api("/payments") if p["paid_at"])
    order = next(o for o in hub.api("/orders") if o["order_id"] == payment["order_id"])
    attempt = payment["attempts"][-1]
    for number in (order["order_no"], attempt["out_trade_no"], attempt["transaction_id"]):
        page.goto(f"/payments?number={number}")
        assert page.locator("tbody tr").count() == 1
        assert page.locator(f"tr[data-payment='{payment['payment_id']}']").count() == 1
    page.goto(f"/payments?number={attempt['out_trade_no'][:-1]}")
    assert page.locator(".ht-empty").count() == 1


def test_a_payment_is_refunded_once_from_its_page(signed_in, hub):
    page = signed_in("phone").page
    order = sale(hub)
    payment = next(p for p in hub.api("/payments") if p["order_id"] == order["order_id"])
    path = f"/payments/{payment['payment_id']}"
    page.goto(path)
    assert checks.differences(page, {"[data-figure=left]": checks.money_text(payment["left_minor"])}) == []
    page.click("button[data-open-dialog=refund]")
    page.fill("dialog [name=amount]", "0.50")
    page.check("dialog [name=confirmed]")
    form = page.locator("dialog form").evaluate("form => Object.fromEntries(new FormData(form))")
    page.click("dialog button.btn-danger")
    page.wait_for_load_state("load")
    again = page.request.post(f"{path}/refunds", form=form)
    assert again.status == 409, "the same form a second time finds less left than it says"

    def arrived():
        told = hub.answer(path)
        return told if told["refunded_minor"] == 50 else None

    told = hub.wait(arrived, "the refund")
    assert [refund["amount_minor"] for refund in told["refunds"]] == [50]
    page.reload()
    shown = {
        "[data-figure=refunded]": "-¥0.50",
        "[data-figure=left]": checks.money_text(payment["amount_minor"] - 50),
        "h1 [data-figure=amount]": checks.money_text(payment["amount_minor"]),
    }
    assert checks.differences(page, shown) == []
    page.goto("/refunds")
    number = told["refunds"][0]["out_refund_no"]
    assert checks.differences(page, {f"tr[data-refund='{number}'] [data-figure=amount]": "¥0.50"}) == []


def test_books_say_what_the_api_says_and_balance(signed_in, hub):
    page = signed_in().page
    page.goto("/books")
    sums: Counter[str] = Counter()
    assets: Counter[str] = Counter()
    expected = {}
    for account in hub.api("/accounts"):
        root, currency, balance = account["account"].split(":")[0], account["currency"], account["balance_minor"]
        sums[currency] += balance
        assets[currency] += balance if root in {"wallet", "receivable", "clearing"} else 0
        shown = -balance if root in {"payable", "suspense", "revenue"} else balance
        here = f"[data-sheet={currency}] li[data-account='{account['account']}'] [data-figure=balance]"
        expected[here] = checks.money_text(shown, currency)
    expected |= {f"[data-figure=books_sum_{cur}]": checks.money_text(amount, cur) for cur, amount in sums.items()}
    expected |= {f"[data-figure=assets_{cur}]": checks.money_text(amount, cur) for cur, amount in assets.items()}
    assert set(sums.values()) == {0}
    assert checks.differences(page, expected) == []


def test_books_of_a_past_day_hold_what_had_happened_by_then(signed_in, hub):
    page = signed_in().page
    zone = ZoneInfo("Asia/Shanghai")
    yesterday = datetime.now(zone).date() - timedelta(days=1)
    page.goto(f"/books?day={yesterday}")
    until = datetime.combine(yesterday + timedelta(days=1), datetime.min.time(), zone)
    told = hub.api("/accounts", until=until.isoformat())
    then = [account for account in told if not account["account"].startswith("external:")]
    history = {"GBP": "the imported history is older than the demo"}
    assert {account["currency"] for account in then} <= set(history)
    expected = {
        f"[data-sheet={account['currency']}] li[data-account='{account['account']}'] [data-figure=balance]": (
            checks.money_text(abs(account["balance_minor"]), account["currency"])
        )
        for account in then
    }
    assert checks.differences(page, expected) == []


def test_the_journal_is_exported_to_the_fen(signed_in, hub):
    page = signed_in().page
    page.goto("/books/journal")
    answer = page.request.get("/books/journal.csv")
    assert answer.headers["content-disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(answer.body().decode("utf-8-sig"))))
    sides: Counter[str] = Counter()
    batches: Counter[str] = Counter()
    for row in rows:
        amount = Decimal(row["借"] or 0) - Decimal(row["贷"] or 0)
        batches[row["批次"]] += amount
        sides[row["币种"]] += Decimal(row["借"] or 0)
    postings = hub.api("/postings")
    assert set(batches.values()) == {0}
    assert len(rows) == len(postings)
    for currency, total in sides.items():
        told = sum(p["amount_minor"] for p in postings if p["currency"] == currency and p["amount_minor"] > 0)
        assert total * 100 == told


def test_one_batch_has_two_equal_sides(signed_in, hub):
    page = signed_in("phone").page
    page.goto("/books/journal?kind=sale")
    page.click("ol li >> nth=0 >> strong")
    page.wait_for_url("**/books/batches/*")
    legs = page.eval_on_selector_all(
        ".ht-t > div", "sides => sides.map(s => [...s.querySelectorAll('li [data-minor]')].map(e => +e.dataset.minor))"
    )
    assert sum(legs[0]) == sum(legs[1]) > 0
    assert page.locator(".ht-t p [data-minor]").first.get_attribute("data-minor") == str(sum(legs[0]))


def test_a_sale_is_shared_on_the_page_as_the_api_shares_it(signed_in, hub):
    page = signed_in("phone").page
    order = next(o for o in hub.api("/orders", source="own") if o["paid_at"])
    told = hub.post("/split-preview", {"order_id": order["order_id"]})
    page.goto("/splits")
    page.select_option("[name=order]", order["order_no"])
    page.click("button:has-text('看看怎么分')")
    page.wait_for_selector("[data-picture]")
    shown = page.eval_on_selector_all(
        "li[data-piece=party] [data-figure=piece]", "all => all.map(e => +e.dataset.minor)"
    )
    assert shown == [line["amount_minor"] for line in told["lines"]]
    whole = page.eval_on_selector_all("li[data-piece] [data-figure=piece]", "all => all.map(e => +e.dataset.minor)")
    assert sum(whole) == order["paid_minor"]
    assert checks.overflow(page) == []


def test_a_rule_is_made_refused_with_its_reason_and_ended(signed_in, hub):
    watched = signed_in()
    page = watched.page
    page.goto("/splits")
    page.click("button[data-open-dialog=party]")
    page.fill("dialog [name=name]", "浏览器里的推广人")
    page.click("dialog[open] button.btn-primary")
    page.wait_for_load_state("load")
    page.goto("/splits/new")
    page.select_option("[name=party_id]", label="浏览器里的推广人")
    page.fill("[name=rate]", "90")
    page.click("main form button.btn-primary")
    page.wait_for_selector("[data-refusal]")
    assert "上限" in page.locator("[data-refusal]").inner_text()
    assert page.locator("[name=rate]").input_value() == "90"
    page.fill("[name=rate]", "1.5")
    page.click("main form button.btn-primary")
    page.wait_for_url("**/splits")
    rule = page.locator("[data-rule]", has_text="浏览器里的推广人")
    assert "1.5%" in rule.inner_text()
    before = hub.answer("/split-rules", limit=200)["total"]
    rule.locator("button").click()
    page.wait_for_load_state("load")
    assert hub.answer("/split-rules", limit=200)["total"] == before - 1
    watched.complaints[:] = [complaint for complaint in watched.complaints if "status of 422" not in complaint]


def test_a_statement_is_drawn_and_read(signed_in, hub):
    page = signed_in("phone").page
    page.goto("/statements")
    page.click("button[data-open-dialog=draw]")
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    page.fill("dialog [name=first]", str(today - timedelta(days=2)))
    page.fill("dialog [name=last]", str(today))
    page.click("dialog[open] button.btn-primary")
    page.wait_for_url("**/statements/*")
    drawn = hub.api("/statements")[0]
    expected = {f"[data-figure={name}]": checks.money_text(drawn[name]["amount_minor"]) for name in ("earned", "net")}
    assert checks.differences(page, expected) == []


def test_a_statement_is_downloaded_and_checked(signed_in, hub, creator, tmp_path):
    watched = signed_in("phone")
    page = watched.page
    page.goto("/statements")
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    page.click("button[data-open-dialog=draw]")
    page.select_option("dialog[open] [name=party_id]", creator["party_id"])
    page.fill("dialog [name=first]", str(today - timedelta(days=2)))
    page.fill("dialog [name=last]", str(today))
    page.click("dialog[open] button.btn-primary")
    page.wait_for_url("**/statements/*")
    address = page.url.rsplit("/", 1)[1]
    told = hub.answer(f"/statements/{address}", limit=200)
    assert told["statement"]["lines_count"] == len(told["lines"]) > 0
    assert not told["seal"]["is_sealed"], "today is not over"
    assert page.locator("[data-chain]").inner_text() == told["seal"]["chain_hash"]
    bodies = {}
    for form in ("csv", "xlsx", "pdf"):
        answer = page.request.get(page.locator(f"[data-downloads] a[href$='={form}']").get_attribute("href"))
        assert answer.status == 200
        assert f".{form}" in answer.headers["content-disposition"]
        bodies[form] = answer.body()
    rows = list(csv.DictReader(io.StringIO(bodies["csv"].decode("utf-8-sig"))))[: len(told["lines"])]
    assert [row["订单号"] for row in rows] == [line["order_no"] for line in told["lines"]]
    assert all(row["商品"] and row["渠道"] and row["分成规则"] for row in rows if row["事由"] == "销售")
    shown = [Decimal(row["赚得"] or 0) + Decimal(row["退款冲回"] or 0) for row in rows]
    assert [amount * 100 for amount in shown] == [line["earned_minor"] for line in told["lines"]]
    assert sum(shown) * 100 == told["statement"]["net"]["amount_minor"]
    assert bodies["pdf"].startswith(b"%PDF-")
    assert bodies["xlsx"].startswith(b"PK")
    for form in ("csv", "xlsx"):
        kept = tmp_path / f"statement.{form}"
        kept.write_bytes(bodies[form])
        assert hub.run("statement", "check", str(kept), "--json")["is_sound"] is True
    forged = bodies["csv"].replace(rows[0]["赚得"].encode(), b"99999.99", 1)
    kept.with_suffix(".csv").write_bytes(forged)
    told = hub.run("statement", "check", str(kept.with_suffix(".csv")), "--json", fails=True)
    assert (told["is_sound"], told["changed"]) == (False, [int(rows[0]["账本批次"])])
    page.fill("[name=root]", "ab" * 32)
    page.click("#seal form button")
    page.wait_for_selector("[data-findings]")
    found = page.eval_on_selector_all("[data-finding] .ht-badge", "all => all.map(e => e.className.includes('good'))")
    assert found == [True, True, False], "sums and lines hold; the root is none of ours"
    assert checks.overflow(page) == []
