"""A creator's page on a running hub: opened by a link, closed by the merchant, figures of the books."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4
from zoneinfo import ZoneInfo

import browser_checks as checks
import httpx
import pytest
from browser_trade import SALES

WECHAT = (
    "Mozilla/5.0 (Linux; Android 13; M2012K11AC) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/116.0.0.0 "
    "Mobile Safari/537.36 XWEB/1160117 MMWEBSDK/20240301 MicroMessenger/8.0.49.2600(0x28003133) WeChat/arm64 "
    "Weixin NetType/WIFI Language/zh_CN ABI/arm64"
)


@pytest.fixture
def party(creator):
    """Whose page it is."""
    return creator


def phone(**wishes) -> httpx.Client:
    """WeChat without a window."""
    return httpx.Client(headers={"user-agent": WECHAT}, timeout=20, **wishes)


def link_of(signed_in, party, size="phone"):
    """Make a link in the console and read it off the page."""
    page = signed_in(size).page
    page.goto("/splits")
    page.click(f"[data-party='{party['party_id']}'] a.btn")
    page.wait_for_url("**/splits/parties/*")
    page.click("#page form:last-child button")
    page.wait_for_selector("[data-made] svg")
    assert checks.overflow(page) == []
    return page.locator("[data-address]").inner_text()


def rest_of(hub, party):
    """A party's commissions, as the API tells them."""
    return hub.api("/commissions", party_id=party["party_id"])


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_the_page_shows_what_the_books_say(signed_in, watch, hub, party, size):
    address = link_of(signed_in, party, size)
    watched = watch(size, base_url=hub.url, user_agent=WECHAT, locale="zh-CN")
    page = watched.page
    page.goto(address)
    assert page.url == f"{hub.url}/me/{party['party_id'].replace('-', '')}", "the token left the address bar"
    (totals,) = [row for row in hub.api(f"/parties/{party['party_id']}/totals") if row["currency"] == "CNY"]
    rows = rest_of(hub, party)
    sums = {name: money["amount_minor"] for name, money in totals.items() if name != "currency"}
    net = sum(row["amount"]["amount_minor"] - row["reversed"]["amount_minor"] for row in rows)
    expected = {
        "[data-sum=CNY] .price [data-figure=earned]": checks.money_text(net),
        "[data-sum=CNY] [data-figure=estimated]": checks.money_text(sums["estimated"]),
        "[data-sum=CNY] [data-figure=due]": checks.money_text(sums["confirmed"] + sums["outside"]),
        "[data-sum=CNY] [data-figure=paid]": checks.money_text(sums["settled"]),
        "[data-figure=orders]": f"{len({row['order_id'] for row in rows}):,}",
    }
    links = [row for row in hub.api("/links") if row["channel_id"] == party["channel_id"]]
    expected["[data-figure=clicks]"] = f"{sum(row['clicks'] for row in links):,}"
    assert checks.differences(page, expected) == []
    assert net > 0
    assert sum(row["clicks"] for row in links) == SALES + 1
    assert len(rows) == SALES
    shown = page.eval_on_selector_all("[data-post] [data-figure=earned]", "all => all.map(e => +e.dataset.minor)")
    assert sum(shown) == net
    assert [*checks.overflow(page), *checks.lying_money(page), *checks.untranslated(page, "zh-Hans")] == []
    assert len(page.content().encode()) < 25_000
    assert page.locator("svg.bars rect").count() >= 1
    page.click("footer a[lang=en]")
    assert checks.untranslated(page, "en") == []


def test_a_new_link_and_switching_off_close_the_page(signed_in, watch, hub, party):
    first = link_of(signed_in, party)
    page = watch("phone", base_url=hub.url, user_agent=WECHAT, locale="zh-CN").page
    page.goto(first)
    page.wait_for_selector("[data-figure=orders]")
    second = link_of(signed_in, party)
    assert first != second
    with phone(follow_redirects=True) as client:
        assert client.get(first).status_code == 410
        opened = client.get(second)
        assert opened.status_code == 200
        mine = str(opened.url)
        assert "data-figure" in opened.text
        assert hub.post(f"/parties/{party['party_id']}/page-links/end", {})["ended"] is True
        assert client.get(mine).status_code == 401
        assert client.get(second).status_code == 410
        assert client.get(f"{hub.url}/m/{'x' * 32}").status_code == 404
        assert client.get(f"{hub.url}/m/{'x' * 4000}").status_code == 404


def test_a_cookie_goes_no_further_than_its_page(hub, party):
    made = hub.post(f"/parties/{party['party_id']}/page-links", {})
    looked = httpx.get(made["url"])
    assert (looked.status_code, "set-cookie" in looked.headers) == (200, False), "a machine that looks ahead stays out"
    with phone() as client:
        answer = client.get(made["url"])
    assert answer.status_code == 303
    assert answer.headers["referrer-policy"] == "no-referrer"
    cookie = answer.headers["set-cookie"].lower()
    path = f"/me/{party['party_id'].replace('-', '')}"
    assert answer.headers["location"] == path
    for needed in ("httponly", "samesite=lax", f"path={path}"):
        assert needed in cookie
    other = hub.post("/parties", {"name": "别人"})["party_id"].replace("-", "")
    value = answer.headers["set-cookie"].split(";")[0].partition("=")[2]
    asked = httpx.get(f"{hub.url}/me/{other}", headers={"cookie": f"hutong_page={value}"})
    assert asked.status_code == 401, "the cookie of one party opens no other party's page"
    assert httpx.get(f"{hub.url}{path}").status_code == 401
    assert httpx.get(f"{hub.url}/splits", headers={"cookie": f"hutong_page={value}"}).status_code == 303


def test_a_repeated_request_tells_no_link_twice(hub, party):
    client, path = hub._client, f"/parties/{party['party_id']}/page-links"
    headers = {"idempotency-key": f"page-{party['party_id']}-{uuid4()}"}
    first, again = (client.post(path, headers=headers).json() for _ in range(2))
    assert first["page_link_id"] == again["page_link_id"]
    assert first["url"]
    assert again["url"] is None
    assert "url" not in client.get(path).json()["items"][0]
    with phone() as client:
        assert client.get(first["url"]).status_code == 303


def test_only_ones_own_statements_can_be_taken(hub, party):
    zone = ZoneInfo("Asia/Shanghai")
    today = datetime.combine(datetime.now(zone).date(), datetime.min.time(), zone)
    period = {"start_at": (today - timedelta(days=40)).isoformat(), "end_at": (today - timedelta(days=9)).isoformat()}
    mine = hub.post("/statements", {"party_id": party["party_id"], **period})["statement_id"]
    other = hub.post("/parties", {"name": "另一个人"})["party_id"]
    theirs = hub.post("/statements", {"party_id": other, **period})["statement_id"]
    made = hub.post(f"/parties/{party['party_id']}/page-links", {})
    with phone(follow_redirects=True) as client:
        home = client.get(made["url"])
        assert f'data-statement="{mine}"' in home.text
        assert theirs not in home.text
        for form, begin in (("pdf", b"%PDF-"), ("xlsx", b"PK"), ("csv", b"\xef\xbb\xbf")):
            taken = client.get(f"{home.url}/{mine}?format={form}")
            assert taken.status_code == 200
            assert taken.content.startswith(begin)
            assert client.get(f"{home.url}/{theirs}?format={form}").status_code == 404
        rows = list(csv.reader(io.StringIO(client.get(f"{home.url}/{mine}?format=csv").text)))
        told = hub.answer(f"/statements/{mine}")["statement"]
        assert {row[0]: row[1] for row in rows if len(row) == 2}["本期净额"] == str(
            Decimal(told["net"]["amount_minor"]) / 100 if told["net"]["amount_minor"] else "0.00"
        )
    assert httpx.get(f"{home.url}/{mine}?format=pdf").status_code == 401


def test_files_and_pages_are_described(hub):
    paths = httpx.get(f"{hub.url}/api/openapi.json").json()["paths"]
    one = paths["/api/v1/statements/{statement_id}"]["get"]
    form = next(parameter for parameter in one["parameters"] if parameter["name"] == "format")
    assert form["schema"]["pattern"] == "^(json|csv|xlsx|pdf)$"
    told = one["responses"]["200"]["content"]
    assert {media.rpartition("/")[2].rpartition(".")[2] for media in told} == {"json", "csv", "sheet", "pdf"}
    assert told["application/json"]["schema"]["$ref"].endswith("/StatementAnswer")
    for path, method in (("page-links", "post"), ("page-links", "get"), ("page-links/end", "post"), ("page", "get")):
        assert method in paths[f"/api/v1/parties/{{party_id}}/{path}"]
