"""A report about a link in a real browser: from the page of ways to the word that it came, and to the shop's desk."""

from __future__ import annotations

import browser_checks as checks
from browser_jumps import TAOBAO

NOTES = (
    "Mozilla/5.0 (Linux; Android 14; 23127PN0CC) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 "
    "Mobile Safari/537.36 xiaohongshu discover/8.26"
)
WORDS = "卖家让我加微信转账"


def test_a_visitor_reports_a_link_and_the_shop_reads_it(watch, hub):
    channel = {"kind": "post", "platform": "weibo", "name": "被举报的帖子"}
    link = hub.post("/links", {"title": "手工马克杯", "channel": channel, "url": TAOBAO})
    page = watch("phone", user_agent=NOTES, is_mobile=True, has_touch=True).page
    page.goto(link["url"])
    page.click("footer a")
    page.wait_for_url(f"**/r/{link['code']}")
    page.check("[name=reason] >> nth=0")
    page.fill("[name=words]", WORDS)
    page.click("form button")
    page.wait_for_load_state("load")
    assert "谢谢，已经告诉商家" in page.inner_text("main")
    assert [*checks.untranslated(page, "zh-Hans"), *checks.overflow(page)] == []
    told = hub.answer(f"/links/{link['code']}/guard")
    assert [report["words"] for report in told["reports"]] == [WORDS]
