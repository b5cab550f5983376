"""A file of links from the template to the links that were made: looked at first, made once, downloaded."""

from __future__ import annotations

import asyncio
import csv
import io
import re

import openpyxl
import pytest

from hutong.core.money import Money
from hutong.links.hosts import add_host, remove_host, settle_check, show_host
from hutong.merchants.actors import HOME
from hutong.platforms.tables.export import csv_lines
from hutong.shops.catalogue import create_product, create_sku
from hutong.web.session import CSRF_FIELD

TAOBAO = "https://item.taobao.com/item.htm?id=657"
HEADER = (
    "名称",
    "打开后去哪里",
    "常用渠道",
    "渠道类型",
    "渠道名称",
    "标签",
    "活动",
    "平台口令",
    "结束时间",
    "最多点击次数",
)
GOOD = ("新品", TAOBAO, "微博", "", "老李的微博", "新品，双十一", "双十一", "8￥ABCdef￥ https://m.tb.cn/h.5a", "", "")
#: Wrong rows: which cell is changed to what, and the column that is named.
WRONG = (
    ({0: ""}, "名称"),
    ({0: "长" * 101}, "名称"),
    ({0: "新品\u202egpj.exe"}, "名称"),
    ({4: "老李\u2067"}, "渠道名称"),
    ({1: "https://evil.example/"}, "打开后去哪里"),
    ({1: TAOBAO.replace("https", "http")}, "打开后去哪里"),
    ({1: "NO-SUCH-CODE", 7: ""}, "打开后去哪里"),
    ({2: "朋友圈"}, "常用渠道"),
    ({2: "", 4: ""}, "常用渠道"),
    ({3: "传单"}, "渠道类型"),
    ({5: "很" * 31}, "标签"),
    ({6: "长" * 61}, "活动"),
    ({7: "打开 https://evil.example/a"}, "平台口令"),
    ({8: "明天"}, "结束时间"),
    ({8: "2001-01-01"}, "结束时间"),
    ({9: "很多"}, "最多点击次数"),
)


def table(*rows, header=HEADER):
    return "".join(csv_lines(header, rows)).encode()


def changed(cells):
    return tuple(cells.get(place, text) for place, text in enumerate(GOOD))


class Shop:
    """The owner in a browser."""

    def __init__(self, caller, token):
        self.caller, self.token = caller, token

    async def get(self, path, language="zh-CN"):
        answer = await self.caller.client.get(path, headers={"accept-language": language})
        assert answer.status_code == 200, answer.text
        return answer

    async def upload(self, content, name="链接.csv"):
        """Where a file leads to, or the page that refuses it."""
        answer = await self.caller.client.post(
            "/links/bulk",
            data={CSRF_FIELD: self.token},
            files={"file": (name, content)},
            headers={"accept-language": "zh-CN"},
        )
        return answer.headers["location"] if answer.status_code == 303 else answer

    async def make(self, path):
        return await self.caller.client.post(f"{path}/make", data={CSRF_FIELD: self.token})

    async def links(self):
        async with self.caller.room.unit() as unit:
            return await unit.fetch("SELECT * FROM link ORDER BY title")


async def open_shop(caller):
    return Shop(caller, await caller.sign_in())


def figure(html, name):
    return int(re.search(rf'data-figure="{name}">([\d,]+)<', html)[1].replace(",", ""))


def test_a_file_is_looked_at_made_once_and_downloaded(calling):
    async def work(caller):
        shop = await open_shop(caller)
        async with caller.room.unit() as unit:
            await create_sku(unit, await create_product(unit, "杯子"), "CUP-1", Money(4990, "CNY"))
            host = await add_host(unit, HOME, "files.example.cn", trial=False)
            await settle_check(unit, host.host_id, "")
            await show_host(unit, HOME, host.host_id, shown=True)
        poster = ("海报", "CUP-1", "", "海报", "门口", "", "", "", "2027-03-31", "５００")
        own = ("=1+1", "https://files.example.cn/new", "小红书", "", "", "", "", "", "2027-03-31 20:00", "")
        content = table(GOOD, poster, own)
        place = await shop.upload(content)
        look = (await shop.get(place)).text
        assert (figure(look, "good"), figure(look, "wrong"), figure(look, "channels")) == (3, 0, 3)
        assert await shop.links() == [], "looking makes nothing"
        assert await shop.upload(content, "另一个名字.csv") == place, "the same again is the same batch"
        answers = await asyncio.gather(*(shop.make(place) for _ in range(3)))
        assert {(answer.status_code, answer.headers["location"]) for answer in answers} == {(303, place)}
        made = {row.title: row for row in await shop.links()}
        assert sorted(made) == ["=1+1", "新品", "海报"]
        assert (made["新品"].share_code, made["新品"].campaign) == ("8￥ABCdef￥ https://m.tb.cn/h.5a", "双十一")
        assert made["海报"].sku_id is not None
        assert made["海报"].expires_at.isoformat() == "2027-03-31T16:00:00+00:00", "that day's end in China"
        assert made["=1+1"].expires_at.isoformat() == "2027-03-31T12:00:00+00:00"
        async with caller.room.unit() as unit:
            rules = await unit.fetch("SELECT link_id, body::text FROM link_rules")
        told = {row.link_id: bytes.fromhex(row.body.removeprefix("\\x")).decode() for row in rules}
        assert '"clicks_max":500' in told.pop(made["海报"].link_id)
        assert '"source":"xiaohongshu"' in told.pop(made["=1+1"].link_id), "a usual channel's, on the shop's own host"
        assert not told
        done = (await shop.get(place)).text
        assert figure(done, "made") == 3
        again = await shop.upload(content)
        assert again == f"{place}?again=yes"
        assert "没有再建一次" in (await shop.get(again)).text
        assert len(await shop.links()) == 3
        files = re.findall(rf'href="({place}/[^"]+)"', done)
        assert files == [f"{place}/file/xlsx", f"{place}/file/csv"]
        sheet = await shop.get(files[1])
        rows = list(csv.reader(io.StringIO(sheet.content.decode("utf-8-sig"))))
        assert sheet.content.startswith(b"\xef\xbb\xbf")
        assert [row[0] for row in rows] == ["名称", "新品", "海报", "'=1+1"], "no cell runs"
        assert rows[1][1] == f"https://files.example.cn/l/{made['新品'].code}"
        assert rows[1][2] == f"http://127.0.0.1/links/{made['新品'].code}/qr.svg"
        assert rows[1][3:] == ["老李的微博", "帖子", "微博", "双十一，新品", "双十一", TAOBAO]
        assert rows[2][8] == "CUP-1"
        book = openpyxl.load_workbook(io.BytesIO((await shop.get(files[0])).content))
        assert [[cell or "" for cell in row] for row in book.active.iter_rows(values_only=True)] == rows

    calling(work)


def test_each_wrong_row_is_told_with_its_cell_and_nothing_is_made(calling):
    async def work(caller):
        shop = await open_shop(caller)
        place = await shop.upload(table(GOOD, *(changed(cells) for cells, _ in WRONG)))
        page = (await shop.get(place)).text
        found = re.findall(r'data-wrong="(\d+)".*?<span class="ht-badge">(.*?)</span>', page, re.DOTALL)
        assert found == [(str(row), column) for row, (_, column) in enumerate(WRONG, 3)]
        assert (figure(page, "good"), figure(page, "wrong")) == (1, len(WRONG))
        assert f'action="{place}/make"' not in page
        assert "U+202E" in page
        assert "链接目标“item.taobao.com”的网址以 http:// 开头" in page
        for language, words in (("zh-TW", "要改的行"), ("en", "Rows to be changed")):
            assert words in (await shop.get(place, language)).text
        refused = await shop.make(place)
        assert refused.status_code == 422
        assert "data-refusal" in refused.text
        assert await shop.links() == []

    calling(work)


def test_what_changed_since_the_look_is_told(calling):
    async def work(caller):
        shop = await open_shop(caller)
        async with caller.room.unit() as unit:
            host = await add_host(unit, HOME, "files.example.cn", trial=False)
        place = await shop.upload(table(GOOD, changed({1: "https://files.example.cn/new", 7: ""})))
        assert figure((await shop.get(place)).text, "good") == 2
        async with caller.room.unit() as unit:
            await remove_host(unit, HOME, host.host_id)
        refused = await shop.make(place)
        assert (refused.status_code, await shop.links()) == (422, [])
        assert re.findall(r'data-wrong="(\d+)"', refused.text) == ["3"]

    calling(work)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["zh-CN", "zh-TW", "en"])
def test_the_template_can_be_sent_as_it_is(calling, kind, language):
    async def work(caller):
        shop = await open_shop(caller)
        form = (await shop.get("/links/bulk", language)).text
        template = await shop.get(re.search(rf'href="(/links/bulk/[^"]*{kind})"', form)[1], language)
        page = (await shop.get(await shop.upload(template.content, f"t.{kind}"), language)).text
        assert (figure(page, "good"), figure(page, "wrong"), figure(page, "channels")) == (2, 0, 2)
        assert "有几列不认识" not in (await shop.get(await shop.upload(template.content, f"t.{kind}"))).text

    calling(work)


def test_a_file_that_cannot_be_read_is_told_on_the_page(calling):
    async def work(caller):
        shop = await open_shop(caller)
        for content, words in (
            (table(), "没有要建的链接"),
            (b"a,b\r\n1,2\r\n", "找不到表头"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "已加密"),
            (b"PK\x03\x04" + bytes(99), "损坏"),
            (b"", "没有要建的链接"),
            (table(*[GOOD] * 10_001), "超过上限：行数最多 10000（"),
        ):
            page = await shop.upload(content)
            assert page.status_code == 422, words
            assert words in page.text
            assert 'name="file"' in page.text
        assert "还没有上传过文件" in (await shop.get("/links/bulk")).text

    calling(work)


def test_a_batch_is_its_merchants_alone(calling):
    async def work(caller):
        shop = await open_shop(caller)
        return await shop.upload(table(GOOD))

    async def other(caller):
        shop = await open_shop(caller)
        assert (await caller.client.get(place)).status_code == 404
        assert (await shop.make(place)).status_code == 404

    place = calling(work)
    calling(other)


def test_a_column_that_stands_twice_is_not_called_unknown(calling):
    async def work(caller):
        shop = await open_shop(caller)
        place = await shop.upload(table((*GOOD, "另一个", "贴在门口"), header=(*HEADER, "名称", "备注")))
        page = (await shop.get(place)).text
        assert re.search(r"data-twice>.*?<span data-raw>(.*?)</span>", page)[1] == "名称"
        assert re.search(r"有几列不认识，没有用到</strong><span data-raw>(.*?)</span>", page)[1] == "备注"

    calling(work)


def test_what_is_no_file_or_too_large_a_one_is_told_with_what_helps(calling):
    async def work(caller):
        shop = await open_shop(caller)
        for content in (b"", table(GOOD)):
            page = await shop.upload(content, name="")
            assert (page.status_code, "没有收到文件。" in page.text, 'name="file"' in page.text) == (422, True, True)
        for path, most in (("/links/bulk", 8), ("/imports", 32)):
            sent = {"file": ("链接.csv", bytes(most * 1024 * 1024))}
            told = {"accept-language": "zh-CN", "referer": f"http://hub{path}"}
            refused = await caller.client.post(path, data={CSRF_FIELD: shop.token}, files=sent, headers=told)
            assert refused.status_code == 413
            assert f"文件太大：一次最多上传 {most} MB。" in refused.text
            assert "请分成几个文件" in refused.text
            assert f'href="{path}"' in refused.text, "the way back"

    calling(work)
