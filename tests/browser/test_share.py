"""Cards in a real browser: inside WeChat the page is signed and shared as it says; codes are read from the screen."""

from __future__ import annotations

import base64
from io import BytesIO

import browser_checks as checks
import pytest
import zxingcpp
from PIL import Image

PHONE = (
    "Mozilla/5.0 (Linux; Android 14; 23127PN0CC) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 "
    "Mobile Safari/537.36"
)
WECHAT = f"{PHONE} MicroMessenger/8.0.60(0x18003c2f) NetType/WIFI"
LIVE_SCRIPT = "https://res.wx.qq.com/"


def picture(size=(900, 700), colour="#2f6f5e"):
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return base64.b64encode(out.getvalue()).decode()


@pytest.fixture
def carded(hub):
    """A link with a card and a picture, and the shop's logo."""
    sku = hub.api("/stock")[0]
    channel = {"kind": "post", "platform": "wechat", "name": "朋友圈"}
    made = hub.post("/links", {"title": "分享", "channel": channel, "sku_id": sku["sku_id"]})
    shown = hub.post("/pictures", {"file": picture()})
    logo = hub.post("/pictures", {"file": picture((400, 400), "#b83a2b")})
    hub.post("/logo", {"picture_id": logo["picture_id"]})
    card = {"title": "双十一 <手工杯> & 杯垫", "about": "明天发货", "picture_id": shown["picture_id"]}
    return hub.post(f"/links/{made['code']}/card", card) | {"code": made["code"]}


def shared(hub):
    events = hub.sandbox("/events?platform=wechat_account")
    return [event["detail"] for event in events if event["kind"] == "page_shared"]


def opened(watch, user_agent):
    asked = []
    watched = watch("phone", user_agent=user_agent, is_mobile=True, has_touch=True)
    watched.page.on("request", lambda request: asked.append(request.url))
    return watched, asked


def test_inside_wechat_the_page_is_signed_and_shared_as_its_card(watch, hub, carded):
    before = len(shared(hub))
    watched, asked = opened(watch, WECHAT)
    page = watched.page
    page.goto(f"{carded['share_url']}?from=singlemessage&isappinstalled=0")
    page.wait_for_selector("#ready", state="visible")
    hub.wait(lambda: len(shared(hub)) >= before + 2, "the card in WeChat")
    told = shared(hub)[before:]
    assert {event["name"]: event["errMsg"] for event in told} == {
        "updateAppMessageShareData": "updateAppMessageShareData:ok",
        "updateTimelineShareData": "updateTimelineShareData:ok",
    }
    card = next(event for event in told if event["name"] == "updateAppMessageShareData")
    assert {name: card[name] for name in ("title", "desc", "link", "imgUrl")} == {
        "title": "双十一 <手工杯> & 杯垫",
        "desc": "明天发货",
        "link": carded["url"],
        "imgUrl": carded["picture"]["url"],
    }
    own, phone = hub.url, hub.sandbox("/platforms")["wechat_account"]["base_url"]
    assert {url for url in asked if not url.startswith((own, phone, "data:"))} == set()
    assert page.evaluate("document.querySelector('.pic').naturalWidth") == 900
    assert [*checks.untranslated(page, "zh-Hans"), *checks.overflow(page)] == []
    assert watched.complaints == []


def test_a_page_of_links_is_shared_as_itself(watch, hub, carded):
    hub.post("/bios", {"name": "lao-li-mugs", "title": "老李的杯子"})
    hub.post("/bios/lao-li-mugs/entries", {"label": "买杯子", "url": "https://item.taobao.com/item.htm?id=657"})
    changed = {"title": "老李的杯子", "about": "周五开窑", "state": "live"}
    made = hub.post("/bios/lao-li-mugs", changed)
    before = len(shared(hub))
    watched, _ = opened(watch, WECHAT)
    watched.page.goto(made["url"])
    hub.wait(lambda: len(shared(hub)) >= before + 2, "the page in WeChat")
    told = shared(hub)[before:]
    assert {event["link"] for event in told} == {made["url"]}
    assert all(event["errMsg"].endswith(":ok") for event in told)
    assert [*checks.untranslated(watched.page, "zh-Hans"), *checks.overflow(watched.page)] == []
    assert watched.complaints == []


def test_elsewhere_no_script_of_anybody_else_is_loaded(watch, hub, carded):
    watched, asked = opened(watch, PHONE)
    watched.page.goto(carded["share_url"])
    watched.page.wait_for_selector(".pic")
    assert [url for url in asked if not url.startswith((hub.url, "data:"))] == []
    watched.page.click("text=去看看")
    watched.page.wait_for_url("**/c/**")
    assert watched.complaints == []


def test_a_code_is_read_from_the_screen(watch, hub, carded):
    watched, _ = opened(watch, PHONE)
    page = watched.page
    svg = hub._client.get(f"/links/{carded['code']}/qr.svg", params={"logo": "true"}).text
    head = "<meta name=viewport content=width=device-width><body style='margin:0;background:#eee'>"
    for width in (140, 240, 380):
        page.set_content(f"{head}<div style='width:{width}px'>{svg}</div></body>")
        shot = Image.open(BytesIO(page.screenshot())).convert("RGB")
        found = zxingcpp.read_barcodes(shot, formats=zxingcpp.BarcodeFormat.QRCode)
        assert [one.text for one in found] == [carded["url"]], width
