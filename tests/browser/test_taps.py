"""How many taps from a scan to the wallet's password sheet, beside the five of a picture that is scanned again."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from browser_hub import RunningHub
from browser_wallets import AGENTS, Wallet

DOC = Path(__file__).parents[2] / "docs" / "explanation" / "taps.md"
#: Keep the picture, open WeChat, scan, album, pick the picture: then the password.
BASELINE = 5
TAPS_MAX = 1


@pytest.fixture
def shop_code(signed_in, hub: RunningHub):
    """A shop code made in the console; its public address."""

    def make(title: str, amount: str = "") -> str:
        page = signed_in().page
        page.goto("/codes?new=1")
        page.fill("dialog [name=title]", title)
        page.fill("dialog [name=amount]", amount)
        page.click("dialog button.btn-primary")
        page.wait_for_url(re.compile(r"/codes/[0-9a-f-]{36}$"))
        return page.locator(".ht-copy code").inner_text()

    return make


def written(way: str) -> int:
    """What the page of the documentation says."""
    found = re.search(rf"^\| {re.escape(way)} \|.*\| (\d+) \|$", DOC.read_text("utf-8"), re.MULTILINE)
    assert found, f"{DOC.name} does not tell of {way}"
    return int(found[1])


@pytest.mark.parametrize("platform", ["wechatpay", pytest.param("alipay", marks=pytest.mark.long)])
def test_taps_from_scan_to_password(watch, hub, link, shop_code, platform, record_property):
    counted = {}
    for way, address, amount in (
        ("link", link["url"], ""),
        ("fixed", shop_code(f"停车费 {platform}", "8.00"), ""),
        ("typed", shop_code(f"早餐摊 {platform}"), "12.5"),
    ):
        page = watch("phone", user_agent=AGENTS[platform], is_mobile=True, has_touch=True).page
        buyer = Wallet(page, hub, platform)
        buyer.scan(address)
        if amount:
            buyer.type_amount(amount)
            buyer.tap("#go")
        else:
            page.wait_for_selector("#pay")
            buyer.tap("#pay")
        page.wait_for_selector("[data-checkout=paid]")
        assert len(buyer.asked) == 1, "one password sheet"
        counted[way] = buyer.taps
    sys.stdout.write(f"taps from scan to password in {platform}: {counted}; by a picture scanned again: {BASELINE}\n")
    record_property(f"taps_{platform}", str(counted))
    assert max(counted.values()) <= TAPS_MAX
    assert {way: written(f"{platform} {way}") for way in counted} == counted
    assert written("picture") == BASELINE
