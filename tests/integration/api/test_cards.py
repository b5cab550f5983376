"""What links are shared as: what a preview reads, what a person sees, pictures and QR codes."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from datetime import timedelta
from html.parser import HTMLParser
from io import BytesIO
from uuid import UUID, uuid4

import httpx
import pytest
import zxingcpp
from PIL import Image

from hutong.edge.front import LinkFront
from hutong.edge.table import LinkTable
from hutong.links.models import click

ANDROID = "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36"
WECHAT = ANDROID + " MicroMessenger/8.0.46.2540(0x28002E3C) WeChat/arm64"
FETCHERS = [
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Twitterbot/1.0",
    "TelegramBot (like TwitterBot)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "WhatsApp/2.23.20.0 A",
    (
        "Mozilla/5.0 (Linux; U; Android 4.4.2; zh-cn; GT-I9500 Build/KOT49H) AppleWebKit/537.36 (KHTML, like Gecko)"
        "Version/4.0 MQQBrowser/5.0 QQ-URL-Manager Mobile Safari/537.36"
    ),
    "WeChatShareExtensionNew/8.0.44.33 CFNetwork/1410.0.3 Darwin/22.6.0",
]
TAOBAO = "https://item.taobao.com/item.htm?id=657"
EVIL = '"><script>alert(1)</script>&lt;b>手工"杯'


class Tags(HTMLParser):
    """What the head says of the page, as a crawler reads it."""

    def __init__(self, text):
        super().__init__()
        self.metas, self.scripts, self.images, self.title, self._in = {}, [], [], "", ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self._in = tag
        if tag == "meta" and "content" in given:
            name = given.get("property") or given.get("name")
            assert name not in self.metas, f"{name} twice"
            self.metas[name] = given["content"]
        if tag == "script":
            self.scripts.append(given.get("src"))
        if tag == "img":
            self.images.append(given["src"])

    def handle_endtag(self, tag):
        self._in = ""

    def handle_data(self, data):
        if self._in == "title":
            self.title += data


def picture(kind="JPEG", size=(800, 600), colour="#14604f", **more):
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, kind, **more)
    return out.getvalue()


async def upload(caller, body):
    return await caller.post("/pictures", {"file": base64.b64encode(body).decode()}, key=uuid4().hex)


async def link_to_sku(caller, title="十一月新品"):
    product = await caller.post("/products", {"title": "手工马克杯"}, key=uuid4().hex)
    sku = {"product_id": product["product_id"], "seller_code": uuid4().hex[:8], "price_fen": 6900}
    made = await caller.post("/skus", sku, key=uuid4().hex)
    channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
    body = {"title": title, "channel": channel, "sku_id": made["sku_id"]}
    return (await caller.post("/links", body, key=uuid4().hex))["code"]


async def link_to_page(caller):
    channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
    return (await caller.post("/links", {"title": "小面包", "channel": channel, "url": TAOBAO}, key=uuid4().hex))[
        "code"
    ]


class Sink(list):
    """Keeps clicks."""

    def add(self, click):
        self.append(click)


def edge(caller):
    """The whole way: the edge in front of the application; and the clicks it counts."""
    clicks = Sink()
    behind = caller.client._transport.app
    runtime = caller.runtime
    front = LinkFront(
        behind, LinkTable(runtime.database, runtime.clock), clicks, runtime.ways, runtime.clock, runtime.link_key
    )
    transport = httpx.ASGITransport(app=front)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1"), clicks


@pytest.mark.parametrize("agent", FETCHERS)
def test_a_preview_reads_the_card_and_is_counted_once_as_a_machine(calling, agent):
    async def work(caller):
        code = await link_to_sku(caller)
        shown = await upload(caller, picture())
        card = {"title": "双十一 · 手工杯", "about": "今天下单，明天发货", "picture_id": shown["picture_id"]}
        await caller.post(f"/links/{code}/card", card, key=uuid4().hex)
        client, clicks = edge(caller)
        answer = await client.get(f"/l/{code}", headers={"user-agent": agent})
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        metas = Tags(answer.text).metas
        assert metas["og:title"] == metas["twitter:title"] == "双十一 · 手工杯"
        assert metas["og:description"] == metas["description"] == "今天下单，明天发货"
        assert metas["og:url"] == f"http://127.0.0.1/l/{code}"
        assert metas["og:image"] == metas["twitter:image"] == shown["url"]
        assert (metas["og:image:width"], metas["og:image:height"]) == ("800", "600")
        assert metas["og:image:type"] == "image/jpeg"
        assert metas["twitter:card"] == "summary_large_image"
        assert metas["og:site_name"] == "店"
        assert [(click.is_bot, click.link_id == clicks[0].link_id) for click in clicks] == [(True, True)]
        seen = await client.get(metas["og:image"].removeprefix("http://127.0.0.1"))
        assert (seen.status_code, seen.headers["content-type"]) == (200, "image/jpeg")
        assert Image.open(BytesIO(seen.content)).size == (800, 600)
        assert len(clicks) == 1

    calling(work)


def test_people_go_on_as_before(calling):
    async def work(caller):
        code = await link_to_sku(caller)
        client, clicks = edge(caller)
        for agent in (ANDROID, WECHAT, "Mozilla/5.0 (compatible; Googlebot/2.1)"):
            answer = await client.get(f"/l/{code}", headers={"user-agent": agent})
            assert answer.status_code == 302
            assert answer.headers["location"].startswith(f"/b/{code}?k=")
            assert answer.headers["cache-control"] == "no-store"
        assert [click.is_bot for click in clicks] == [False, False, True]

    calling(work)


def test_what_was_not_set_is_product_price_and_shop(calling):
    async def work(caller):
        code = await link_to_sku(caller)
        metas = Tags((await caller.client.get(f"/card/{code}")).text).metas
        assert metas["og:title"] == "手工马克杯"
        assert metas["og:description"] == "¥69.00 · 店"
        assert "og:image" not in metas
        assert metas["twitter:card"] == "summary"
        logo = await upload(caller, picture("PNG", (400, 400)))
        await caller.post("/logo", {"picture_id": logo["picture_id"]}, key=uuid4().hex)
        assert Tags((await caller.client.get(f"/card/{code}")).text).metas["og:image"] == logo["url"]

    calling(work)


def test_somebody_elses_page_has_its_own_card_until_one_is_set(calling):
    async def work(caller):
        code = await link_to_page(caller)
        client, clicks = edge(caller)
        asked = {"user-agent": "Twitterbot/1.0"}
        answer = await client.get(f"/l/{code}", headers=asked)
        assert (answer.status_code, answer.headers["location"]) == (302, TAOBAO)
        assert answer.headers["cache-control"] == "no-store"
        await caller.post(f"/links/{code}/card", {"title": "来看看"}, key=uuid4().hex)
        answer = await client.get(f"/l/{code}", headers=asked)
        assert Tags(answer.text).metas["og:title"] == "来看看"
        assert len(clicks) == 2
        head = await client.head(f"/l/{code}", headers=asked)
        assert (head.status_code, head.content, len(clicks)) == (200, b"", 3)

    calling(work)


def test_nothing_that_is_typed_leaves_its_place(calling):
    async def work(caller):
        code = await link_to_sku(caller, EVIL)
        await caller.post(f"/links/{code}/card", {"title": EVIL, "about": EVIL}, key=uuid4().hex)
        shown = await caller.client.get(f"/card/{code}", headers={"user-agent": WECHAT})
        tags = Tags(shown.text)
        assert tags.metas["og:title"] == tags.metas["og:description"] == tags.title == EVIL
        assert "<script>alert" not in shown.text

    calling(work)


def test_a_person_sees_the_card_and_it_asks_nobody_else(calling):
    async def work(caller):
        code = await link_to_sku(caller)
        shown = await upload(caller, picture())
        await caller.post(f"/links/{code}/card", {"picture_id": shown["picture_id"]}, key=uuid4().hex)
        for agent in (ANDROID, WECHAT):
            answer = await caller.client.get(f"/card/{code}", headers={"user-agent": agent})
            tags = Tags(answer.text)
            assert tags.images == [shown["url"].removeprefix("http://127.0.0.1")]
            assert set(tags.scripts) == {None}, "no account there, no script from elsewhere"
            policy = answer.headers["content-security-policy"]
            assert "img-src 'self' data:" in policy
            assert "unsafe" not in policy
            assert "http" not in policy
            assert len(gzip.compress(answer.content, 5)) < 6_000
            assert f'href="/l/{code}"' in answer.text

    calling(work)


def test_links_that_are_not_there_or_over_have_no_card(calling):
    async def work(caller):
        code = await link_to_sku(caller)
        assert (await caller.client.get("/card/nosuch1")).status_code == 404
        async with caller.room.unit() as unit:
            await unit.fetch("UPDATE link SET state = 'disabled' WHERE merchant_id = $1", unit.merchant_id)
        assert (await caller.client.get(f"/card/{code}")).status_code == 410

    calling(work)


@pytest.mark.parametrize("agent", [ANDROID, "Twitterbot/1.0"])
def test_a_card_tells_no_more_than_the_link_would(calling, agent):
    async def work(caller):
        host = f"gift-{uuid4().hex[:12]}.example.cn"
        await caller.post("/hosts", {"host": host}, key=uuid4().hex)
        now, headers = caller.room.clock.now(), {"user-agent": agent}
        made = await caller.post(
            "/links",
            {
                "title": "茶",
                "channel": {"kind": "post", "platform": "weibo", "name": "帖子"},
                "url": f"https://{host}/login",
            },
            key=uuid4().hex,
        )
        answer = await caller.client.get(f"/card/{made['code']}", headers=headers)
        assert (answer.status_code, answer.headers["location"]) == (302, f"/l/{made['code']}"), "which asks first"
        body = {"title": "茶", "channel": {"kind": "post", "platform": "weibo", "name": "帖子"}, "url": TAOBAO}
        link = await caller.post("/links", body, key=uuid4().hex)

        async def card(**rules):
            path = f"/api/v1/links/{link['link_id']}/rules"
            kept = {"starts_at": None, "expires_at": None, "clicks_max": 0}
            assert (await caller.client.patch(path, json={**kept, **rules})).status_code == 200
            answer = await caller.client.get(f"/card/{link['code']}", headers=headers)
            return answer.status_code, "开始" in answer.text, answer.headers.get("location")

        shown = (302, False, TAOBAO) if "bot" in agent else (200, False, None)
        assert await card() == shown
        assert await card(starts_at=(now + timedelta(hours=1)).isoformat()) == (410, True, None)
        assert await card(expires_at=(now - timedelta(hours=1)).isoformat()) == (410, False, None)
        assert await card(clicks_max=2) == shown
        async with caller.room.unit() as unit:
            for is_bot in (False, True, False):
                await unit.insert(
                    click,
                    click_id=unit.new_id(),
                    link_id=UUID(link["link_id"]),
                    channel_id=UUID(link["link_id"]),
                    container="mobile",
                    os="ios",
                    language="",
                    referrer="none",
                    address_hash=b"",
                    is_bot=is_bot,
                    clicked_at=now,
                )
        assert await card(clicks_max=3) == shown
        assert await card(clicks_max=2) == (410, False, None)

    calling(work)


def test_the_jump_page_and_the_shop_window_say_the_same(calling):
    async def work(caller):
        code = await link_to_sku(caller)
        window = await caller.client.get(f"/b/{code}", headers={"user-agent": "Googlebot/2.1 bot/"})
        assert Tags(window.text).metas["og:title"] == "手工马克杯"

    calling(work)


def test_a_picture_is_drawn_anew_and_kept_for_ever(calling):
    async def work(caller):
        exif = Image.Exif()
        exif[0x010E] = "taken at home"
        exif[0x0112] = 6  # turned by a quarter
        sent = picture("JPEG", (3000, 1500), exif=exif) + b"<script>alert(1)</script>"
        kept = await upload(caller, sent)
        assert (kept["width"], kept["height"], kept["content_type"]) == (600, 1200, "image/jpeg")
        again = await upload(caller, sent)
        assert again == kept
        served = await caller.client.get(kept["url"].removeprefix("http://127.0.0.1"))
        assert served.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert served.headers["x-content-type-options"] == "nosniff"
        assert b"script" not in served.content
        assert b"home" not in served.content
        assert not Image.open(BytesIO(served.content)).getexif()
        digest = hashlib.sha256(caller.room.merchant_id.bytes + served.content).hexdigest()
        assert kept["url"].endswith(f"/pictures/{digest[:40]}.jpg")
        assert (await caller.client.get("/pictures/" + "0" * 40 + ".jpg")).status_code == 404

    calling(work)


def test_clear_pictures_stay_clear(calling):
    async def work(caller):
        out = BytesIO()
        Image.new("RGBA", (64, 64), (20, 96, 79, 128)).save(out, "WEBP", lossless=True)
        kept = await upload(caller, out.getvalue())
        assert kept["content_type"] == "image/png"
        served = await caller.client.get(kept["url"].removeprefix("http://127.0.0.1"))
        assert Image.open(BytesIO(served.content)).getpixel((5, 5)) == (20, 96, 79, 128)

    calling(work)


GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
BAD = {
    "empty": b"",
    "text": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "gif": GIF,
    "cut": picture()[:200],
    "damaged png": picture("PNG")[:60] + b"\0" * 200,
    "too small": picture("PNG", (20, 20)),
    "too many pixels": picture("PNG", (7000, 6000)),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_is_refused(calling, name):
    async def work(caller):
        body = {"file": base64.b64encode(BAD[name]).decode()}
        assert await caller.refused("/pictures", body, uuid4().hex) == (400, "picture_refused")

    calling(work)


def test_another_merchants_picture_is_nobodys(calling):
    async def work(caller):
        code = await link_to_sku(caller)
        body = {"picture_id": str(uuid4())}
        assert await caller.refused(f"/links/{code}/card", body, uuid4().hex) == (404, "not_found")
        assert await caller.refused("/logo", body, uuid4().hex) == (404, "not_found")
        long = {"title": "长" * 65}
        assert await caller.refused(f"/links/{code}/card", long, uuid4().hex) == (400, "invalid_input")

    calling(work)


def test_qr_codes_are_read_back_with_the_shops_logo(calling):
    async def work(caller):
        code = await link_to_sku(caller)
        logo = await upload(caller, picture("PNG", (400, 400), "#d4462f"))
        await caller.post("/logo", {"picture_id": logo["picture_id"]}, key=uuid4().hex)
        for query in ({}, {"logo": "true"}, {"logo": "true", "mm": 50, "color": "#1d4ed8"}):
            answer = await caller.client.get(f"/api/v1/links/{code}/qr.png", params=query)
            assert answer.headers["content-type"] == "image/png"
            read = zxingcpp.read_barcodes(Image.open(BytesIO(answer.content)).convert("RGB"))
            assert [one.text for one in read] == [f"http://127.0.0.1/l/{code}"]
        svg = await caller.client.get(f"/api/v1/links/{code}/qr.svg", params={"logo": "true"})
        assert svg.headers["content-type"].startswith("image/svg+xml")
        assert re.search(r'href="data:image/jpeg;base64,', svg.text)
        pale = await caller.client.get(f"/api/v1/links/{code}/qr.png", params={"color": "#f0c000"})
        assert (pale.status_code, pale.json()["code"]) == (400, "qr_too_pale")
        odd = await caller.client.get(f"/api/v1/links/{code}/qr.png", params={"mm": 51})
        assert odd.status_code == 400

    calling(work)
