"""The money pages of a running hub: figures are the API's, forms do what they say."""

from __future__ import annotations

import browser_checks as checks

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
    known = sum(item["kept_minor"] for item in told["items"] if not item["unbilled"])
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
