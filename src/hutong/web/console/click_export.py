"""Clicks as a table to keep: streamed, every cell safe to open in a spreadsheet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from itertools import islice
from typing import Final
from uuid import UUID

from hutong.analytics.clicks import PAGE_ROWS_MAX, ClickFilter, ClickItem, clicks_slice
from hutong.core.errors import ErrorText, HutongError
from hutong.db.unit import Unit
from hutong.links.jumps.tries import Outcome
from hutong.platforms.tables.export import Cell, csv_lines
from hutong.web.console.click_words import BECAME, MACHINES, PARTS, word_of
from hutong.web.format import Formats
from hutong.web.labels import mark

#: Clicks of one file: what a spreadsheet opens without trouble.
EXPORT_ROWS_MAX: Final = 50_000
HEADER: Final = (
    mark("时间"),
    mark("点击编号"),
    mark("链接"),
    mark("名称"),
    mark("渠道"),
    PARTS["container"],
    PARTS["os"],
    PARTS["language"],
    PARTS["referrer"],
    mark("当天的访客"),
    PARTS["machine"],
    mark("结果"),
    mark("离开的方式"),
    mark("订单编号"),
)


class TooManyClicks(HutongError):
    """More clicks were asked for than one file takes."""

    code = "too_many_clicks"
    status = 422
    zh = ErrorText(
        "要导出的点击太多（{clicks} 次）。", "一个文件最多 {most} 次。", "请选短一些的日期，或再加一个筛选。"
    )
    en = ErrorText(
        "Those are too many clicks for one file ({clicks}).",
        "A file takes {most} clicks at most.",
        "Choose fewer days, or one more filter.",
    )


async def click_lines(
    open_unit: Callable[[], AbstractAsyncContextManager[Unit]],
    wanted: ClickFilter,
    formats: Formats,
    translate: Callable[[str], str],
) -> AsyncIterator[str]:
    """The file piece by piece, the latest click first. Each piece is a transaction of its own: clicks never change, and
    nobody's slow line holds one open.
    """
    below: UUID | None = None
    header: list[str] | None = [translate(title) for title in HEADER]
    for _ in range(EXPORT_ROWS_MAX // PAGE_ROWS_MAX):
        async with open_unit() as unit:
            found = await clicks_slice(unit, wanted, below=below, limit=PAGE_ROWS_MAX)
        yield "".join(_lines(header, [_cells(item, formats, translate) for item in found.rows]))
        below, header = found.following, None
        if below is None:
            return


def _lines(header: list[str] | None, rows: list[list[Cell]]) -> Iterable[str]:
    """With the header once; a later piece has neither it nor the mark of a file's beginning."""
    return csv_lines(header, rows) if header is not None else islice(csv_lines([], rows), 1, None)


def _cells(item: ClickItem, formats: Formats, translate: Callable[[str], str]) -> list[Cell]:
    left = [one.form for one in item.tries if one.outcome == Outcome.LEFT.value]
    return [
        formats.second(item.clicked_at),
        str(item.click_id),
        item.link_code,
        item.link_title,
        item.channel_name,
        translate(word_of("container", item.container)),
        translate(word_of("os", item.os)),
        item.language,
        translate(word_of("referrer", item.referrer)),
        item.visitor.hex(),
        translate(MACHINES.get(item.machine, item.machine)) if item.is_bot else "",
        translate(BECAME[item.became.value]),
        " ".join(left),
        item.promoted_no if item.order_id is None else str(item.order_id),
    ]
