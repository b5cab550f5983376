"""The card's form: what is typed and uploaded is kept, what is wrong is told, and codes come with the logo."""

from __future__ import annotations

from io import BytesIO
from uuid import uuid4

import pytest
import zxingcpp
from PIL import Image

TAOBAO = "https://item.taobao.com/item.htm?id=657"


def picture(colour="#d4462f"):
    out = BytesIO()
    Image.new("RGB", (400, 300), colour).save(out, "PNG")
    return out.getvalue()


async def link_of(caller):
    channel = {"kind": "post", "platform": "weibo", "name": "帖子"}
    body = {"title": "小面包", "channel": channel, "url": TAOBAO}
    return (await caller.post("/links", body, key=uuid4().hex))["code"]


@pytest.fixture
def signed_in(calling):
    def run(work):
        async def main(caller):
            code = await link_of(caller)
            secret = await caller.sign_in()
            await work(caller, code, secret)

        calling(main)

    return run


async def send(caller, code, secret, file=None, **fields):
    files = {"picture": ("杯子.png", file, "image/png")} if file is not None else {"picture": ("", b"", "")}
    data = {"_csrf_token": secret, "title": "", "about": "", **fields}
    return await caller.client.post(f"/links/{code}/share", data=data, files=files)


def test_what_is_sent_is_shown_again(signed_in):
    async def work(caller, code, secret):
        answer = await send(caller, code, secret, picture(), title="双十一", about="明天发货", is_logo="yes")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/links/{code}/share")
        shown = await caller.client.get(f"/links/{code}/share")
        assert 'value="双十一"' in shown.text
        assert "明天发货" in shown.text
        assert shown.text.count("/pictures/") >= 2
        assert "data:image/" in shown.text, "the logo stands in the code"
        kept = await send(caller, code, secret, title="双十二")
        assert kept.status_code == 303
        again = (await caller.client.get(f"/links/{code}/share")).text
        assert "/pictures/" in again
        await send(caller, code, secret, no_picture="yes")
        card = await caller.client.get(f"/card/{code}")
        assert "og:image" in card.text, "the shop's logo stands in for it"

    signed_in(work)


@pytest.mark.parametrize(
    ("file", "fields", "told"),
    [
        (b"<svg/>", {}, "这个文件不能用作图片"),
        (None, {"title": "长" * 65}, "title"),
    ],
)
def test_what_is_wrong_is_told_on_the_page_and_nothing_is_kept(signed_in, file, fields, told):
    async def work(caller, code, secret):
        answer = await send(caller, code, secret, file, **fields)
        assert answer.status_code == 400
        assert told in answer.text
        assert "data-refusal" in answer.text

    signed_in(work)


def test_a_form_from_elsewhere_is_refused(signed_in):
    async def work(caller, code, secret):
        answer = await send(caller, code, "forged", picture())
        assert answer.status_code == 403

    signed_in(work)


def test_downloads_are_read_back(signed_in):
    async def work(caller, code, secret):
        await send(caller, code, secret, picture(), is_logo="yes")
        for query in ({"mm": "0", "color": "#17332d", "logo": "yes"}, {"mm": "120", "color": "#1d4ed8"}):
            answer = await caller.client.get(f"/links/{code}/print.png", params=query)
            assert answer.headers["content-disposition"] == f'attachment; filename="{code}.png"'
            read = zxingcpp.read_barcodes(Image.open(BytesIO(answer.content)).convert("RGB"))
            assert [one.text for one in read] == [f"http://127.0.0.1/l/{code}"]
        svg = await caller.client.get(
            f"/links/{code}/print.svg", params={"logo": "yes", "mm": "50", "color": "#17332d"}
        )
        assert svg.text.startswith("<svg ")
        pale = await caller.client.get(f"/links/{code}/print.png", params={"color": "#ffe600"})
        assert pale.status_code == 400

    signed_in(work)
