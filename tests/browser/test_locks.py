"""A link's password in a real browser: typed wrong, then right, on a phone; with scripts and without any."""

from __future__ import annotations

import browser_checks as checks
import pytest
from browser_jumps import TAOBAO

PHONE = (
    "Mozilla/5.0 (Linux; Android 14; 23127PN0CC) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 "
    "Mobile Safari/537.36"
)
WECHAT = f"{PHONE} MicroMessenger/8.0.60(0x18003c2f) NetType/WIFI"
NOTES = f"{PHONE} xiaohongshu discover/8.26"
WORD = "早餐2026"


@pytest.fixture
def locked(hub):
    """A link to an item, with a password."""
    channel = {"kind": "post", "platform": "weibo", "name": "去淘宝"}
    return hub.post("/links", {"title": "手工马克杯", "channel": channel, "url": TAOBAO, "password": WORD})["url"]


def typed(page, word):
    page.fill("input[name=password]", word)
    page.click("form button")


def test_wrong_then_right_lands_and_is_not_asked_again(watch, locked):
    watched = watch("phone", user_agent=NOTES, is_mobile=True, has_touch=True)
    watched.forgive("403")
    page = watched.page
    page.goto(f"{locked}?big=1")
    assert page.locator("html.big").count() == 1
    typed(page, "早餐2025")
    page.wait_for_selector("text=密码不对")
    assert [*checks.untranslated(page, "zh-Hans"), *checks.overflow(page)] == []
    assert page.input_value("input[name=password]") == "", "what was typed is not sent back"
    typed(page, f" {WORD} ")
    page.wait_for_url("**/j/**")
    assert "小红书里打不开" in page.inner_text("#now")
    page.goto(locked)
    page.wait_for_url("**/j/**")


def test_without_any_script_it_leads_on_to_another_site(browser, locked):
    """A form's redirect there would be stopped by the page's own policy."""
    page = browser.new_page(user_agent=WECHAT, java_script_enabled=False)
    page.goto(locked)
    with page.expect_request(TAOBAO, timeout=10_000):
        typed(page, WORD)
    page.context.close()
