"""A statement as a table: CSV for any program, XLSX for people who count on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Final

import msgspec

from hutong.core.money import Money
from hutong.platforms.tables.export import Cell, csv_lines, decimal_of_money
from hutong.platforms.tables.export_workbook import SheetCell, SheetOut, workbook_bytes
from hutong.web.labels import mark
from hutong.web.papers.reading import PaperLine, StatementPaper, Sums
from hutong.web.papers.words import PaperWords

TOTAL_TITLE: Final = mark("合计")
_LABEL_CHARS: Final = 18
_TEXT_CHARS: Final = 70


class Column(msgspec.Struct, frozen=True):
    """A column: its title, what it holds of a line, its width in a workbook, and what it adds up to.

    ``moves``: what it holds is how the share stands when the paper is made; the seal fixes everything else.
    """

    title: str
    value: Callable[[PaperLine, PaperWords], SheetCell]
    width: int = 12
    total: Callable[[StatementPaper], Money] | None = None
    moves: bool = False


def _now(name: str) -> Callable[[PaperLine, PaperWords], SheetCell]:
    """A figure of the share as it stands now."""
    assert name in {*Sums.__struct_fields__, "gross"}
    return lambda line, _words: None if line.share is None else getattr(line.share, name)


def _sum(name: str) -> Callable[[StatementPaper], Money]:
    return lambda paper: getattr(paper.sums, name)


COLUMNS: Final = (
    Column(mark("时间"), lambda line, _: line.line.event_at, 19),
    Column(mark("事由"), lambda line, words: words.label("book_kind", line.line.kind), 8),
    Column(mark("订单号"), lambda line, _: line.order.order_no, 22),
    Column(mark("商品"), lambda line, _: line.order.title, 26),
    Column(mark("渠道"), lambda line, _: line.channel, 18),
    Column(mark("销售额"), _now("gross")),
    Column(mark("分成规则"), lambda line, words: words.rule(line), 16),
    Column(
        mark("赚得"),
        lambda line, _: line.line.earned if line.line.is_sale else None,
        total=lambda paper: paper.statement.earned,
    ),
    Column(
        mark("退款冲回"),
        lambda line, _: None if line.line.is_sale else line.line.earned,
        total=lambda paper: -paper.statement.reversed,
    ),
    Column(
        mark("佣金状态"),
        lambda line, words: "" if line.share is None else words.label("commission_status", line.share.state),
        10,
        moves=True,
    ),
    Column(mark("至今已冲回"), _now("reversed"), total=_sum("reversed"), moves=True),
    Column(mark("预估"), _now("estimated"), total=_sum("estimated"), moves=True),
    Column(mark("已确认未付"), _now("due"), total=_sum("due"), moves=True),
    Column(mark("已由钱包付"), _now("by_wallet"), total=_sum("by_wallet"), moves=True),
    Column(mark("已在钱包外付"), _now("outside"), total=_sum("outside"), moves=True),
    Column(mark("已抵扣"), _now("netted"), total=_sum("netted"), moves=True),
    Column(mark("怎么付"), lambda line, words: words.way(line.share), 22, moves=True),
    Column(mark("账本批次"), lambda line, _: line.line.sequence, 10),
)


def statement_csv(paper: StatementPaper, words: PaperWords) -> bytes:
    """Lines, then their sums, then what the statement is and its seal; every cell safe to open in a spreadsheet."""
    header, *rows = _table(paper, words)
    after: list[Sequence[SheetCell]] = [(), *words.facts(paper), *words.seal(paper)]
    shown = ([_text(cell, words) for cell in row] for row in [*rows, *after])
    return "".join(csv_lines([str(title) for title in header], shown)).encode()


def statement_xlsx(paper: StatementPaper, words: PaperWords) -> bytes:
    """Two sheets: what the statement is with its seal, and its lines."""
    facts: list[Sequence[SheetCell]] = [(words.say(mark("佣金结算单")),), *words.facts(paper), (), *words.seal(paper)]
    sheets = (
        SheetOut(title=words.say(mark("佣金结算单")), rows=facts, widths=(_LABEL_CHARS, _TEXT_CHARS)),
        SheetOut(
            title=words.say(mark("明细")),
            rows=_table(paper, words),
            widths=[column.width for column in COLUMNS],
            frozen_rows=1,
        ),
    )
    return workbook_bytes(sheets, words.zone, paper.made_at)


def _table(paper: StatementPaper, words: PaperWords) -> Iterator[list[SheetCell]]:
    """Titles, lines, sums."""
    yield [words.say(column.title) for column in COLUMNS]
    for line in paper.lines:
        yield [column.value(line, words) for column in COLUMNS]
    sums: list[SheetCell] = [None if column.total is None else column.total(paper) for column in COLUMNS]
    yield [words.say(TOTAL_TITLE), *sums[1:]]


def _text(cell: SheetCell, words: PaperWords) -> Cell:
    """As a CSV takes it."""
    if isinstance(cell, Money):
        return decimal_of_money(cell)
    if isinstance(cell, datetime):
        return words.formats.second(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    return cell
