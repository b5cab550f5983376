"""An account's own page and the seals of days on a running hub: guard, reserves and the past, as the API tells them."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import browser_checks as checks
import pytest

ZONE = ZoneInfo("Asia/Shanghai")


def legs(debit, credit, amount):
    return [{"account": debit, "amount_minor": amount}, {"account": credit, "amount_minor": -amount}]


@pytest.fixture
def points(hub):
    """Two accounts of a service provider: guarded, with a reserve and something that was told late."""
    name = uuid4().hex[:8]
    mine, issued = f"external:points:{name}", "external:points:issued"
    early = (datetime.now(ZONE) - timedelta(days=3)).isoformat()
    hub.post("/ledger/batches", {"key": f"{name}-1", "legs": legs(mine, issued, 500), "event_at": early})
    hub.post("/ledger/batches", {"key": f"{name}-2", "legs": legs(mine, issued, 250)})
    hub.post("/ledger/holds", {"key": f"{name}-3", "legs": legs(issued, mine, 300), "expires_in_s": 900})
    hub.post("/ledger/guards", {"account": mine, "guard": "debit"})
    return mine


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_an_account_shows_guard_reserves_and_its_past(signed_in, hub, points, size):
    page = signed_in(size).page
    page.goto("/books")
    page.click(f"li[data-account='{points}'] a")
    page.wait_for_url("**/books/account?*")
    here = "[data-standing=CNY] "
    expected = {
        f"{here}[data-figure=balance]": "¥7.50",
        f"{here}[data-figure=coming]": "¥0.00",
        f"{here}[data-figure=going]": "¥3.00",
        f"{here}[data-figure=headroom]": "¥4.50",
    }
    assert checks.differences(page, expected) == []
    assert page.locator("[data-guard=floor]").count() == 1
    assert page.locator("[data-hold]").count() == 1
    assert checks.overflow(page) == []
    day = datetime.now(ZONE).date() - timedelta(days=1)
    page.fill("input[name=day]", day.isoformat())
    page.wait_for_url(f"**day={day}*")
    past = "[data-past=CNY] "
    assert (
        checks.differences(page, {f"{past}[data-figure=happened]": "¥5.00", f"{past}[data-figure=known]": "¥0.00"})
        == []
    )
    assert [*checks.overflow(page), *checks.lying_money(page), *checks.untranslated(page, "zh-Hans")] == []


def test_an_account_that_does_not_exist_is_not_found(signed_in, hub):
    watched = signed_in()
    watched.forgive("404")
    for path in ("external:nobody", "", "x" * 150):
        answer = watched.page.goto(f"/books/account?path={path}")
        assert answer is not None
        assert answer.status == 404


def test_a_reserve_is_told_from_a_posting(signed_in, hub, points):
    page = signed_in().page
    held = next(item for item in hub.api("/ledger/holds", account=points))
    batch = hub.answer(f"/ledger/batches/{held['hold_id']}")["batch"]
    page.goto(f"/books/batches/{batch['sequence']}")
    assert page.locator(".ht-badge.wait").first.inner_text() == "只是预留，还不算数"


def test_the_seals_are_the_apis(signed_in, hub):
    page = signed_in("phone").page
    page.goto("/books/days")
    shown = page.eval_on_selector_all("[data-root]", "all => all.map(e => e.textContent)")
    assert shown == [item["root"] for item in hub.api("/ledger/days", limit=30)]
    if not shown:
        assert page.locator(".ht-empty").count() == 1
