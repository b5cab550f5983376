"""Files of links: columns by their names in any language, rows as they were written, cells as they were meant."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hutong.core.errors import HutongError
from hutong.links.bulk import BulkRow
from hutong.links.rules.utm import PRESETS
from hutong.links.service import ChannelKind
from hutong.platforms.tables.cells import BLANKS
from hutong.platforms.tables.export import csv_lines
from hutong.web.console.link_batch_words import COLUMN_NAMES
from hutong.web.i18n import LOCALES, Catalogues
from hutong.web.labels import LABELS
from hutong.workflows.commands.link_files import COLUMNS, FileRow, LinkHeaderNotFound, NoLinksInFile, read_link_file
from hutong.workflows.commands.link_rows import KINDS, PLATFORMS, Reading, link_of

TAOBAO = "https://item.taobao.com/item.htm?id=657"
SKU = UUID(int=7)
PAGE = Path(__file__).parents[3] / "docs/howto/links-in-bulk.md"
WORDS = Catalogues()
READING = Reading(zone=ZoneInfo("Asia/Shanghai"), now=datetime(2026, 11, 27, tzinfo=UTC), skus={"CUP-1": SKU})


def written(tmp_path, content, name="a.csv"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def row(**cells):
    return FileRow(row_no=2, cells={"title": "新品", "destination": TAOBAO, "channel": "微博", **cells})


def meant(**cells):
    made = link_of(row(**cells), READING)
    assert isinstance(made, BulkRow), made
    return made


def refused(**cells):
    made = link_of(row(**cells), READING)
    assert isinstance(made, HutongError), made
    return made.code, made.details["field"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_every_usual_encoding_says_the_same(tmp_path, encoding):
    text = "说明：十一月\r\n名称,打开后去哪里,常用渠道,备注\r\n新品，杯子,https://a/,微博,x\r\n\r\n海报,CUP-1,海报,\r\n"
    file = read_link_file(written(tmp_path, text.replace("，", "·").encode(encoding)))
    assert [(one.row_no, one.cells["title"]) for one in file.rows] == [(3, "新品·杯子"), (5, "海报")]
    assert file.unused == ("备注",)


def test_a_header_may_be_full_width_spaced_and_in_any_language(tmp_path):
    file = read_link_file(written(tmp_path, "Ｔｉｔｌｅ,　目標 网址,ＵＲＬ,Max  Clicks\r\na,,b,5\r\n".encode()))
    assert file.rows[0].cells["title"] == "a"
    assert file.rows[0].cells["clicks_max"] == "5"
    for locale in LOCALES:
        names = [WORDS.of(locale).ugettext(name) for name in COLUMN_NAMES.values()]
        content = "".join(csv_lines(names, [[str(place) for place in range(len(names))]])).encode()
        read = read_link_file(written(tmp_path, content))
        assert read.rows[0].cells == {field: str(place) for place, field in enumerate(COLUMNS)}, locale
        assert read.unused == ()


def test_the_page_about_them_names_the_columns_that_are_read():
    table = re.findall(r"^\| `(.*)` \| `(.*)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    named = [(*english.split("` … `"), *chinese.split("` … `")) for english, chinese in table]
    columns = [name for names in named for name in names]
    assert sorted({name for name in columns if not name.startswith("utm_")}) == sorted(
        {WORDS.of(locale).ugettext(name) for locale in ("zh-Hans", "en") for field, name in COLUMN_NAMES.items()
         if not field.startswith("utm_")}
    )  # fmt: skip


def test_a_workbook_says_what_a_csv_says(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["名称", "打开后去哪里", "结束时间", "最多点击次数", "活动"])
    book.active.append(["新品", TAOBAO, datetime(2026, 12, 31), 500, "=1+1"])  # noqa: DTZ001 (a cell has no zone)
    book.save(tmp_path / "a.xlsx")
    found = read_link_file(tmp_path / "a.xlsx").rows[0]
    assert found.formulas == ("campaign",)
    told = {"title": "新品", "destination": TAOBAO, "expires_at": "2026-12-31 00:00:00", "clicks_max": "500"}
    assert found.cells == told
    made = link_of(found, READING)
    assert isinstance(made, HutongError)
    assert (made.code, made.details["field"]) == ("link_cell_formula", "campaign")


def test_the_same_rows_have_the_same_digest_whatever_the_file(tmp_path):
    header, rows = ["名称", "打开后去哪里"], [["新品", TAOBAO], ["海报", "CUP-1"]]
    first = read_link_file(written(tmp_path, "".join(csv_lines(header, rows)).encode()))
    spaced = read_link_file(
        written(tmp_path, "".join(csv_lines(header, [rows[0], ["", ""], rows[1]])).encode("gb18030"))
    )
    other = read_link_file(written(tmp_path, "".join(csv_lines(header, rows[::-1])).encode()))
    assert first.digest() == spaced.digest() != other.digest()


def test_a_file_without_header_or_rows_is_refused(tmp_path):
    with pytest.raises(LinkHeaderNotFound):
        read_link_file(written(tmp_path, f"新品,{TAOBAO},微博\r\n".encode()))
    with pytest.raises(NoLinksInFile):
        read_link_file(written(tmp_path, "名称,打开后去哪里,备注\r\n,,只有备注\r\n".encode()))


@settings(deadline=None)
@given(st.text(st.sampled_from("=+-@＝＠\"',;| 中文Ab1\u3000"), min_size=1, max_size=12))
def test_a_title_that_we_wrote_is_read_again(tmp_path_factory, title):
    assume(title.strip() not in {*BLANKS} and not title.strip().startswith("'"))
    assume(not re.fullmatch('="[^"]*"', title.strip()))  # a spreadsheet's own way to say text
    lines = csv_lines(["名称", "打开后去哪里"], [[title, TAOBAO]])
    path = written(tmp_path_factory.getbasetemp(), "".join(lines).encode(), "again.csv")
    assert read_link_file(path).rows[0].cells["title"] == title.strip()


def test_words_of_the_pages_are_understood():
    for locale in LOCALES:
        translate = WORDS.of(locale).ugettext
        for kind, word in LABELS["channel_kind"].items():
            assert translate(word).lower() in KINDS[ChannelKind(kind)], (locale, kind)
        for platform, words in PLATFORMS.items():
            assert translate(LABELS["container"][platform]).lower() in words, (locale, platform)


def test_a_usual_channel_says_kind_platform_and_on_own_hosts_utm():
    for preset in PRESETS:
        for name in (preset.zh_hans, preset.zh_hant, preset.en, preset.key.upper()):
            made = meant(channel=name, destination="https://shop.example.cn/")
            assert (made.channel.kind, made.channel.platform) == (preset.kind, preset.platform)
            assert (made.channel.name, made.utm.source, made.utm.medium) == (name, preset.source, preset.medium)
    assert meant().utm.source == ""
    assert meant(destination="https://shop.example.cn/", utm_source="mine").utm.source == "mine"


def test_a_channel_of_ones_own_is_named_by_its_row():
    made = meant(channel="", channel_kind="Live Stream", channel_platform="抖 音", channel_name="老李直播间").channel
    assert (made.kind, made.platform, made.name) == (ChannelKind.LIVE, "douyin", "老李直播间")
    named = meant(channel="老李直播间", channel_kind="直播", channel_platform="b站").channel
    assert (named.kind, named.platform, named.name) == (ChannelKind.LIVE, "b站", "老李直播间")
    assert refused(channel="朋友圈") == ("link_channel_unknown", "channel")
    assert refused(channel="", channel_kind="传单", channel_name="a") == ("link_channel_kind_unknown", "channel_kind")
    assert refused(channel="", channel_name="a") == ("link_cell_missing", "channel_kind")
    assert refused(channel="", channel_kind="直播") == ("link_cell_missing", "channel_name")


def test_a_destination_is_an_address_or_goods():
    assert (meant(destination="CUP-1").sku_id, meant(destination="ＣＵＰ－１").sku_id) == (SKU, SKU)
    assert (meant().url, meant().sku_id) == (TAOBAO, None)
    assert refused(destination="item.taobao.com/item.htm?id=1") == ("link_product_unknown", "destination")


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("2026-12-31", "2026-12-31T16:00:00+00:00"),
        ("２０２６/12/31", "2026-12-31T16:00:00+00:00"),
        ("2026年12月31日", "2026-12-31T16:00:00+00:00"),
        ("2026-12-31 00:00:00", "2026-12-31T16:00:00+00:00"),
        ("2026-12-31 20:30", "2026-12-31T12:30:00+00:00"),
        ("2026-11-27", "2026-11-27T16:00:00+00:00"),
    ],
)
def test_a_day_ends_with_itself(text, ends):
    assert meant(expires_at=text).expires_at.isoformat() == ends


def test_ends_and_limits_that_mean_nothing_are_told():
    assert refused(expires_at="明天") == ("link_end_unreadable", "expires_at")
    assert refused(expires_at="2026-02-30") == ("link_end_unreadable", "expires_at")
    assert refused(expires_at="2026-11-26") == ("link_end_passed", "expires_at")
    assert (meant(clicks_max="1,000").clicks_max, meant(clicks_max="５００").clicks_max) == (1000, 500)
    for text in ("0", "-3", "1.5", "很多", "9" * 30):
        assert refused(clicks_max=text) == ("link_clicks_unreadable", "clicks_max"), text
