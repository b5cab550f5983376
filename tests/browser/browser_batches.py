"""Links in bulk with made-up files, for the gallery."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from msgspec import structs

from hutong.core.errors import HutongError, InvalidInput
from hutong.links.batches import LinkBatch, MadeLink
from hutong.links.bulk import ROWS_MAX, BulkRow
from hutong.links.destinations import DestinationNotAllowed
from hutong.links.rules.broken import RuleBroken
from hutong.links.share_codes import ShareCodeRefused
from hutong.web.console.link_batch_views import BatchDoneView, BatchesView, BatchView, GoodRow, MadeRow, WrongRow
from hutong.web.console.link_batch_words import COLUMN_HELP, COLUMN_NAMES, column_name, column_of, told
from hutong.web.errors import text_for
from hutong.web.format import DEFAULT_ZONE
from hutong.web.i18n import Catalogues, Locale
from hutong.workflows.commands.link_batches import LinksInFileWrong
from hutong.workflows.commands.link_files import FileRow, LinkHeaderNotFound
from hutong.workflows.commands.link_rows import Reading, link_of

NOW = datetime(2026, 11, 26, 7, 4, tzinfo=UTC)
BATCH = UUID(int=77)
FILE = "十一月新品推广链接（老李最终版）.xlsx!Sheet1"
READING = Reading(zone=DEFAULT_ZONE, now=NOW, skus={"MUG-01": UUID(int=1)})
TAOBAO = "https://item.taobao.com/item.htm?id=657000000001&spm=a21n57.1.item.48.f2d7523cIXVP4l"
ROWS = [
    {"title": "新品·微博", "destination": TAOBAO, "channel": "微博", "channel_name": "老李的微博",
     "tags": "新品，双十一", "campaign": "双十一", "expires_at": "2026-12-31", "share_code": "8￥ABCdef123￥ https://m.tb.cn/h.5abc"},
    {"title": "门口的海报", "destination": "MUG-01", "channel": "海报", "clicks_max": "5000"},
    {"title": "手工陶瓷马克杯 釉下彩：小红书长笔记里的链接", "destination": "https://shop.example.cn/new",
     "channel": "小红书", "expires_at": "2026-12-31 20:00", "clicks_max": "300"},
    {"title": "直播间", "destination": "MUG-01", "channel_kind": "直播", "channel_platform": "抖音",
     "channel_name": "老李直播间"},
]  # fmt: skip
#: Cells that are wrong, and what is found when they are made.
WRONG: list[tuple[dict[str, str], HutongError | None]] = [
    ({"title": ""}, None),
    ({"destination": "http://www.my-old-shop.example.com/products/12345?from=excel"},
     DestinationNotAllowed(host="www.my-old-shop.example.com")),
    ({"destination": "MUG-1"}, None),
    ({"channel": "Moments"}, None),
    ({"expires_at": "next Friday"}, None),
    ({"tags": "much-too-long-a-tag" * 3}, InvalidInput(field="tags", problem="≤ 20 × 30")),
    ({"share_code": "打开 https://evil.example/a"}, ShareCodeRefused(host="evil.example")),
    ({"utm_source": "x" * 70}, RuleBroken(0, "utm", "too_long", "60")),
]  # fmt: skip


def file_row(number: int, **cells: str) -> FileRow:
    return FileRow(row_no=number, cells={name: text for name, text in cells.items() if text})


def good(count: int) -> tuple[GoodRow, ...]:
    rows = [file_row(number + 2, **ROWS[number % len(ROWS)]) for number in range(count)]
    made = [(row, link_of(row, READING)) for row in rows]
    return tuple(
        GoodRow(row_no=row.row_no, link=link, leads_to=row.cells["destination"])
        for row, link in made
        if isinstance(link, BulkRow)
    )


def wrong(locale: Locale) -> tuple[WrongRow, ...]:
    catalogues = Catalogues()
    told_rows = []
    for number, (cells, error) in enumerate(WRONG, 6):
        row = file_row(number, **{**ROWS[0], **cells})
        found = error or link_of(row, READING)
        assert isinstance(found, HutongError), cells
        column = column_of(found)
        text = told(found, locale, catalogues)
        value = row.cells.get(column, "")
        told_rows.append(WrongRow(row_no=number, column=column_name(column), value=value[:60], text=text))
    return tuple(told_rows)


def all_right(count: int):
    return BatchView(
        batch_id=BATCH,
        file_name=FILE,
        wrong=(),
        wrong_count=0,
        good=good(min(count, 4)),
        good_count=count,
        channels_count=4,
    )


def with_errors(locale: Locale) -> BatchView:
    told_rows = wrong(locale)
    return BatchView(
        batch_id=BATCH,
        file_name=FILE,
        wrong=told_rows,
        wrong_count=1_204,
        good=good(2),
        good_count=2,
        channels_count=2,
        unused=("备注", "价格"),
        twice=("名称",),
    )


def changed_since(locale: Locale) -> BatchView:
    refusal = text_for(LinksInFileWrong(wrong=1), locale, Catalogues())
    rows = wrong(locale)[1:2]
    return structs.replace(with_errors(locale), wrong=rows, wrong_count=1, unused=(), twice=(), refusal=refusal)


def made(number: int) -> MadeRow:
    link = good(4)[number % 4].link
    assert link.channel is not None
    return MadeRow(
        link=MadeLink(
            link_id=UUID(int=number),
            code=f"k7Qx{number}mP",
            title=link.title,
            url=link.url,
            sku_id=link.sku_id,
            channel_kind=link.channel.kind.value,
            channel_platform=link.channel.platform,
            channel_name=link.channel.name,
            tags=tuple(tag for tag in link.tags if tag),
            campaign=link.campaign,
        ),
        address=f"https://shop.example.cn/l/k7Qx{number}mP",
        seller_code="MUG-01" if link.sku_id else "",
    )


DONE = BatchDoneView(
    batch_id=BATCH,
    file_name=FILE,
    made_at=NOW,
    rows=tuple(made(number) for number in range(4)),
    count=1_200,
    channels_count=4,
    tags_count=2,
)


def batch(number: int, name: str, rows: int, *, is_made: bool) -> LinkBatch:
    return LinkBatch(
        batch_id=UUID(int=number),
        file_name=name,
        rows_count=rows,
        body=b"",
        link_ids=(),
        created_at=NOW,
        made_at=NOW if is_made else None,
    )


NOTHING = BatchesView(
    rows=(),
    columns=tuple((name, COLUMN_HELP.get(column, "")) for column, name in COLUMN_NAMES.items()),
    rows_max=ROWS_MAX,
)
SOME = structs.replace(
    NOTHING, rows=(batch(1, FILE, 1_200, is_made=True), batch(2, "海报_门店_全国_2026-11.csv", 48, is_made=False))
)


def unreadable(locale: Locale) -> BatchesView:
    refusal = text_for(LinkHeaderNotFound(name="orders.csv", rows=15), locale, Catalogues())
    return structs.replace(SOME, refusal=refusal)


BATCHES_GALLERY = {
    "link-files-none": ("/links/bulk", "console/link_batches.html", NOTHING),
    "link-files": ("/links/bulk", "console/link_batches.html", SOME),
    "link-files-refused": ("/links/bulk", "console/link_batches.html", unreadable),
    "link-file-good": ("/links/bulk/1", "console/link_batch.html", all_right(1_200)),
    "link-file-wrong": ("/links/bulk/1", "console/link_batch.html", with_errors),
    "link-file-changed": ("/links/bulk/1", "console/link_batch.html", changed_since),
    "link-file-done": ("/links/bulk/1", "console/link_batch_done.html", DONE),
    "link-file-again": ("/links/bulk/1", "console/link_batch_done.html", structs.replace(DONE, is_again=True)),
}
