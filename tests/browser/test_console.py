"""The console of a running hub: every page, every language, and figures that are the API's."""

from __future__ import annotations

from collections import Counter

import browser_checks as checks
import pytest
from browser_hub import RunningHub
from browser_trade import sale

pytestmark = pytest.mark.slow

PAGES = [
    "/", "/?period=today", "/?period=all", "/links", "/channels", "/promotions", "/promotions?show=void",
    "/orders", "/orders?source=taobao", "/orders?short=1",
    "/orders?search=does-not-exist", "/orders?page=2", "/stock", "/stock?search=CUP", "/payments",
    "/payments?payment_state=closed", "/payments?number=nothing", "/refunds", "/books", "/books?day=2026-01-01",
    "/books/journal", "/books/journal?kind=sale", "/books/journal?number=0", "/books/batches/1", "/books/days",
    "/bills", "/bills?month=2026-01",
    "/statements", "/splits", "/splits?amount=99.99", "/splits?order=none", "/splits/new", "/splits/new?kind=tier",
    "/tickets", "/tickets?show=resolved", "/connections", "/imports",
    "/settings", "/counter", "/codes", "/costs", "/costs?period=all", "/costs?currency=GBP&period=all",
]  # fmt: skip
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


def faults(watched, locale: str) -> list[str]:
    return checks.faults(watched.settle(), locale)


def one_of_each(hub: RunningHub) -> list[str]:
    """Pages of single things: one order of every state and source, one payment of every state, one link."""
    kinds = {(order["source"], order["state"], order["is_short"]): order["order_id"] for order in hub.api("/orders")}
    payments = {payment["shown_state"]: payment["payment_id"] for payment in hub.api("/payments")}
    return [
        *(f"/orders/{order_id}" for order_id in kinds.values()),
        *(f"/payments/{payment_id}" for payment_id in payments.values()),
        f"/links/{hub.api('/links')[0]['code']}",
        f"/books/account?path={hub.api('/accounts')[0]['account']}&day=2026-01-01",
        f"/splits/parties/{hub.api('/parties')[0]['party_id']}",
    ]


@pytest.mark.parametrize(
    "locale", ["zh-Hans", *(pytest.param(one, marks=pytest.mark.long) for one in ("en", "zh-Hant"))]
)
def test_every_page_fits_and_is_translated(signed_in, hub, locale):
    watched = signed_in("phone", locale)
    wrong = []
    for path in [*PAGES, *one_of_each(hub)]:
        watched.page.set_viewport_size(PHONE)
        answer = watched.page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        for size in (PHONE, DESK) if locale == "zh-Hans" else (PHONE,):
            watched.page.set_viewport_size(size)
            wrong += [f"{size['width']} {path}: {fault}" for fault in faults(watched, locale)]
    assert wrong == []


def test_overview_adds_up_to_the_orders(signed_in, hub):
    page = signed_in().page
    page.goto("/?period=all")
    orders = [o for o in hub.api("/orders") if o["paid_at"]]
    sales: Counter[str] = Counter()
    refunded: Counter[str] = Counter()
    for order in orders:
        sales[order["currency"]] += order["paid_minor"] - order["refunded_minor"]
        refunded[order["currency"]] += order["refunded_minor"]
    links = hub.api("/links")
    expected = {f"[data-figure=sales_{cur}]": checks.money_text(amount, cur) for cur, amount in sales.items()} | {
        f"[data-figure=refunded_{cur}]": checks.money_text(amount, cur) for cur, amount in refunded.items() if amount
    }
    expected |= {
        "[data-figure=orders]": f"{len(orders):,}",
        "[data-figure=visits]": f"{sum(link['clicks'] for link in links):,}",
    }
    customers = Counter(o["customer_id"] for o in orders if o["customer_id"])
    repeat = sum(1 for count in customers.values() if count > 1)
    expected |= {
        "[data-figure=customers]": f"{len(customers):,}",
        "[data-figure=repeat_customers]": f"{repeat:,}",
        "[data-figure=repeat_rate]": f"{repeat * 100 / len(customers):.1f}%",
    }
    assert checks.differences(page, expected) == []


def test_the_months_are_those_of_the_orders(signed_in, hub):
    page = signed_in().page
    page.goto("/?period=all")
    orders = [o for o in hub.api("/orders") if o["paid_at"]]
    main = Counter(o["currency"] for o in orders).most_common(1)[0][0]
    months: Counter[str] = Counter()
    for order in orders:
        if order["currency"] == main:
            months[order["paid_at"][:7]] += order["paid_minor"] - order["refunded_minor"]
    expected = {
        f"tr[data-month='{month}-01'] [data-minor]": checks.money_text(amount, main) for month, amount in months.items()
    }
    page.click("details summary:has-text('查看数字')")
    assert checks.differences(page, expected) == []
    assert page.locator("tr[data-month]").count() == len(months)
    page.wait_for_selector("[data-drawn] svg")


def test_channels_say_what_the_api_says(signed_in, hub):
    page = signed_in().page
    page.goto("/channels")
    expected = {}
    for channel in hub.api("/channels"):
        if channel["channel_id"] is None:
            continue
        row = f"tr[data-channel='{channel['channel_id']}']"
        expected[f"{row} strong[data-raw]"] = channel["name"]
        expected[f"{row} [data-figure=clicks]"] = f"{channel['clicks']:,}"
        expected[f"{row} [data-figure=orders]"] = f"{channel['orders']:,}"
        money = [checks.money_text(entry["net_minor"], entry["currency"]) for entry in channel["money"]]
        expected[f"{row} [data-figure=revenue]"] = "\n".join(money) or "–"
    assert expected
    assert checks.differences(page, expected) == []


def test_links_say_what_the_api_says(signed_in, hub):
    page = signed_in().page
    page.goto("/links")
    expected = {
        f"tr[data-link='{link['code']}'] [data-figure=clicks]": f"{link['clicks']:,}" for link in hub.api("/links")
    }
    assert checks.differences(page, expected) == []
    link = max(hub.api("/links"), key=lambda item: item["clicks"])
    page.goto(f"/links/{link['code']}")
    by_container = {
        f"tr[data-container={container}] td:nth-child(2)": f"{clicks:,}"
        for container, clicks in link["clicks_by_container"].items()
    }
    assert checks.differences(page, by_container) == []


def test_stock_says_what_the_api_says(signed_in, hub):
    page = signed_in().page
    page.goto("/stock")
    expected = {}
    for sku in hub.api("/stock")[:30]:
        row = f"tr[data-sku='{sku['seller_code']}']"
        for figure in ("on_hand", "reserved", "available"):
            expected[f"{row} [data-figure={figure}]"] = f"{sku[figure]:,}"
    assert checks.differences(page, expected) == []


def test_orders_say_what_the_api_says(signed_in, hub):
    page = signed_in().page
    page.goto("/orders")
    orders = hub.api("/orders")
    expected = {
        f"tr[data-order='{o['order_id']}'] td.side [data-minor] >> nth=0": checks.money_text(
            o["total_minor"], o["currency"]
        )
        for o in orders[:30]
    }
    assert checks.differences(page, expected) == []
    assert f"{len(orders):,}" in page.locator(".ht-pager").inner_text()


def test_orders_are_narrowed_without_a_new_page(signed_in, hub):
    page = signed_in().page
    page.goto("/orders")
    page.evaluate("window.sameDocument = true")
    page.select_option("[name=source]", "taobao")
    page.wait_for_url("**source=taobao**")
    page.wait_for_function("document.querySelectorAll('tbody tr').length > 0")
    shown = page.locator("tbody tr").count()
    assert shown == sum(1 for o in hub.api("/orders") if o["source"] == "taobao")
    assert page.evaluate("window.sameDocument") is True
    page.go_back()
    page.wait_for_url("**/orders")


def test_a_language_is_remembered(signed_in):
    page = signed_in(alone=True).page
    page.goto("/stock?search=CUP&lang=en")
    assert page.url.endswith("/stock?search=CUP")
    assert page.locator("h1").inner_text() == "Stock"
    page.goto("/orders")
    assert page.locator("h1").inner_text() == "Orders"


def test_the_theme_is_switched_and_kept(signed_in):
    page = signed_in(alone=True).page
    page.click("[data-theme-toggle]")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"


def test_a_link_is_made_and_shown_with_its_code(signed_in, hub):
    watched = signed_in("phone")
    page = watched.page
    page.goto("/channels")
    page.click("main a:has-text('新建链接')")
    page.wait_for_selector("dialog[open]")
    page.fill("[name=title]", "浏览器里建的链接")
    page.fill("[name=channel_name]", "测试海报")
    page.select_option("[name=channel_kind]", "poster")
    page.click("dialog button.btn-primary")
    page.wait_for_url("**/links/*")
    assert page.locator("h1").inner_text() == "浏览器里建的链接"
    link = next(item for item in hub.api("/links") if item["title"] == "浏览器里建的链接")
    assert page.locator(".ht-copy code").inner_text() == link["url"]
    assert page.locator(".ht-qr svg").count() == 1
    assert checks.overflow(page) == []


def test_a_refund_is_sent_once_from_the_order_page(signed_in, hub):
    page = signed_in().page
    order = sale(hub)
    page.goto(f"/orders/{order['order_id']}")
    page.click("button[data-open-dialog=refund]")
    page.fill("dialog [name=amount]", "1.23")
    page.click("dialog button.btn-danger")
    assert page.url.endswith(order["order_id"]), "without the tick nothing is sent"
    page.check("dialog [name=confirmed]")
    page.click("dialog button.btn-danger")
    page.wait_for_load_state("load")

    def refunded():
        found = next(o for o in hub.api("/orders", source="own") if o["order_id"] == order["order_id"])
        return found["refunded_minor"] == order["refunded_minor"] + 123

    hub.wait(refunded, "the refund")
    page.reload()
    assert checks.differences(page, {"[data-figure=refunded]": "-¥1.23"}) == []


def test_a_ticket_is_resolved(signed_in, hub):
    page = signed_in().page
    before = len([t for t in hub.api("/tickets") if t["state"] == "open"])
    assert before
    page.goto("/tickets")
    assert page.locator("article[data-ticket]").count() == before
    page.fill("article >> nth=0 >> [name=note]", "已补货，明天发出")
    page.click("article >> nth=0 >> button[data-once]")
    page.wait_for_load_state("load")
    assert page.locator("article[data-ticket]").count() == before - 1
    page.goto("/tickets?show=resolved")
    assert "已补货，明天发出" in page.locator("article[data-ticket] >> nth=0").inner_text()


def test_a_file_is_tried_then_imported_then_imported_again(signed_in, hub, tmp_path):
    file = tmp_path / "订单 history.csv"
    rows = ["InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"]
    rows += [f"7000{n},MUG,BLUE MUG,{n + 1},2026-10-0{n + 1} 09:00:00,4.50,18000,UK" for n in range(3)]
    rows.append("2.3E+18,MUG,BLUE MUG,1,2026-10-09 09:00:00,4.50,18000,UK")
    file.write_text("\n".join(rows) + "\n", "utf-8")
    watched = signed_in("phone")
    page = watched.page

    def bring_in(*, only_try: bool) -> dict[str, str]:
        page.goto("/imports")
        page.set_input_files("[name=files]", file)
        page.select_option("[name=platform]", "generic")
        page.select_option("[name=currency]", "GBP")
        page.set_checked("[name=only_try]", only_try)
        page.click("main form button.btn-primary")
        page.wait_for_selector("h1:has-text('导入结果')")
        assert faults(watched, "zh-Hans") == []
        return {name: page.locator(f"[data-figure={name}]").inner_text() for name in ("imported", "merged", "rejected")}

    before = len(hub.api("/orders"))
    assert bring_in(only_try=True) == {"imported": "3", "merged": "0", "rejected": "1"}
    assert len(hub.api("/orders")) == before
    assert bring_in(only_try=False) == {"imported": "3", "merged": "0", "rejected": "1"}
    assert "2.3E+18" in page.locator("tbody").inner_text()
    assert len(hub.api("/orders")) == before + 3
    assert bring_in(only_try=False) == {"imported": "0", "merged": "3", "rejected": "1"}
    assert len(hub.api("/orders")) == before + 3
    page.goto("/imports")
    assert file.name in page.locator("tbody").inner_text()


def test_a_broken_file_is_refused_with_a_sentence(signed_in, tmp_path):
    file = tmp_path / "broken.xlsx"
    file.write_bytes(b"PK\x03\x04 this is no spreadsheet")
    watched = signed_in()
    page = watched.page
    page.goto("/imports")
    page.set_input_files("[name=files]", file)
    page.select_option("[name=platform]", "generic")
    page.click("main form button.btn-primary")
    page.wait_for_selector(".ht-alone-card h1")
    assert "broken.xlsx" in page.locator(".ht-alone-card").inner_text()
    watched.complaints[:] = [c for c in watched.complaints if "status of 4" not in c]
