"""Files about links in bulk: the template to fill in, and the links that were made. No cell of them runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response

from hutong.links.batches import MadeLink
from hutong.links.rules.utm import PRESETS
from hutong.platforms.tables.export import csv_lines
from hutong.platforms.tables.export_workbook import SheetOut, workbook_bytes
from hutong.web.console.headers import CONSOLE_HEADERS
from hutong.web.console.link_batch_words import COLUMN_NAMES
from hutong.web.i18n import Locale
from hutong.web.labels import label_of, mark

KINDS: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Translate = Callable[[str], str]
#: How long the template's first example may be opened.
EXAMPLE_DAYS: Final = 90
_WIDTHS: Final = (24, 48, 14, 14, 16, 18, 18, 14, 30, 18, 14, 14, 14, 14, 14, 14)
_MADE: Final = (
    mark("名称"),
    mark("短链接"),
    mark("二维码图片"),
    mark("渠道名称"),
    mark("渠道类型"),
    mark("发在哪个平台"),
    mark("标签"),
    mark("活动"),
    mark("打开后去哪里"),
)
_MADE_WIDTHS: Final = (24, 36, 44, 18, 14, 16, 18, 14, 48)


def template_rows(locale: Locale, translate: Translate, today: date, seller_code: str) -> list[list[str]]:
    """A header in the reader's language and two links; the second sells ``seller_code`` where the shop has goods."""
    place = {"zh-Hans": "zh_hans", "zh-Hant": "zh_hant"}.get(locale, "en")
    presets = {one.key: str(getattr(one, place)) for one in PRESETS}
    examples: list[dict[str, str]] = [
        {
            "title": translate(mark("新品·微博")),
            "destination": "https://item.taobao.com/item.htm?id=657000000001",
            "channel": presets["weibo"],
            "channel_name": translate(mark("老李的微博")),
            "tags": translate(mark("新品，双十一")),
            "campaign": translate(mark("双十一")),
            "expires_at": (today + timedelta(days=EXAMPLE_DAYS)).isoformat(),
        },
        {
            "title": translate(mark("门口的海报")),
            "destination": seller_code or "https://item.m.jd.com/product/100012043978.html",
            "channel": presets["poster"],
            "clicks_max": "5000",
        },
    ]
    header = [translate(name) for name in COLUMN_NAMES.values()]
    return [header, *([one.get(column, "") for column in COLUMN_NAMES] for one in examples)]


def made_rows(
    links: Sequence[MadeLink], base: str, public_url: str, codes: Mapping[UUID, str], translate: Translate
) -> Iterator[list[str]]:
    """A header and the links; ``codes``: the seller's codes of what is sold."""
    yield [translate(title) for title in _MADE]
    for link in links:
        yield [
            link.title,
            f"{base}/l/{link.code}",
            f"{public_url}/links/{link.code}/qr.svg",
            link.channel_name,
            translate(label_of("channel_kind", link.channel_kind)),
            translate(label_of("container", link.channel_platform)) if link.channel_platform else "",
            translate(mark("，")).join(link.tags),
            link.campaign,
            link.url or (codes.get(link.sku_id, "") if link.sku_id else ""),
        ]


def template_answer(kind: str, rows: list[list[str]], title: str, zone: ZoneInfo, now: datetime) -> Response[bytes]:
    """The template as a file."""
    return _answer(kind, "hutong-links-template", rows, SheetOut(title=title, rows=rows, widths=_WIDTHS), zone, now)


def made_answer(kind: str, rows: list[list[str]], title: str, zone: ZoneInfo, now: datetime) -> Response[bytes]:
    """Links that were made as a file."""
    name = f"hutong-links-{now.astimezone(zone):%Y%m%d-%H%M}"
    return _answer(kind, name, rows, SheetOut(title=title, rows=rows, widths=_MADE_WIDTHS, frozen_rows=1), zone, now)


def _answer(
    kind: str, name: str, rows: list[list[str]], sheet: SheetOut, zone: ZoneInfo, now: datetime
) -> Response[bytes]:
    header, *lines = rows
    content = workbook_bytes([sheet], zone, now) if kind == "xlsx" else "".join(csv_lines(header, lines)).encode()
    headers = {**CONSOLE_HEADERS, "content-disposition": f'attachment; filename="{name}.{kind}"'}
    return Response(content, media_type=KINDS[kind], headers=headers)
