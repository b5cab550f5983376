"""A file of links on a phone: sent with a mistake, corrected, made with one press of two, and downloaded."""

from __future__ import annotations

import re

import browser_checks as checks

from hutong.platforms.tables.export import csv_lines

HEADER = ("名称", "打开后去哪里", "常用渠道", "标签")
GOOD = ("新品·微博", "https://item.taobao.com/item.htm?id=657000000001", "微博", "新品，双十一")


def table(*rows):
    return {"name": "十一月.csv", "mimeType": "text/csv", "buffer": "".join(csv_lines(HEADER, rows)).encode("gb18030")}


def faults(page):
    return [*checks.untranslated(page, "zh-Hans"), *checks.overflow(page)]


def test_a_file_is_corrected_and_made_on_a_phone(signed_in):
    page = signed_in("phone").page
    page.goto("/links")
    page.click("text=批量建链接")
    page.wait_for_url("**/links/bulk")
    page.set_input_files("[name=file]", table(GOOD, ("海报", "no-such-code", "海报", "")))
    page.click("text=上传，先看结果")
    page.wait_for_selector("[data-wrong='3']")
    assert page.locator("text=建这").count() == 0
    assert faults(page) == []
    page.set_input_files("[name=file]", table(GOOD, ("海报", "https://item.jd.com/100.html", "海报", "")))
    page.click("text=上传，先看结果")
    page.wait_for_selector("text=每一行都可以建")
    assert faults(page) == []
    page.dblclick("text=建这 2 条链接")
    page.wait_for_selector("[data-figure=made]")
    assert page.locator("[data-figure=made]").inner_text() == "2"
    assert faults(page) == []
    with page.expect_download() as download:
        page.click("text=下载（CSV）")
    text = download.value.path().read_text("utf-8-sig")
    assert len(re.findall(r"http[^,]*/l/\w{7},", text)) == 2
    assert re.fullmatch(r"hutong-links-\d{8}-\d{4}\.csv", download.value.suggested_filename)
