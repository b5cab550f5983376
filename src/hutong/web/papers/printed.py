"""A statement as a printed page: A4 across, the seal on the first page, its root on every page."""

from __future__ import annotations

from datetime import date, datetime
from io import BytesIO
from typing import Final

import msgspec
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, landscape

from hutong.core.money import Money
from hutong.web.labels import mark
from hutong.web.papers.letters import PaperCanvas, draw, fitted, lines_of
from hutong.web.papers.reading import PaperLine, StatementPaper
from hutong.web.papers.words import Fact, PaperWords

#: A4 across, in points.
WIDTH, HEIGHT = (int(side) for side in landscape(A4))
MARGIN: Final = 34
RIGHT: Final = WIDTH - MARGIN
ROW: Final = 26
HEAD_ROW: Final = 20
FOOT_Y: Final = 24
BODY_BOTTOM: Final = 46
#: Where the table begins on the first page, under the facts and the seal, and on the others.
FIRST_TOP: Final = 360
NEXT_TOP: Final = HEIGHT - 62
SMALL, TEXT, FIGURE, TITLE = 7, 8, 14, 18
INK, FAINT, LINE = HexColor("#22302d"), HexColor("#626b67"), HexColor("#d8d4c9")
ROOT_CHARS_SHOWN: Final = 16
SEAL_LINES_MAX: Final = 2


class Column(msgspec.Struct, frozen=True):
    """A column of the printed table: what it holds of a line in two rows, the lower one fainter."""

    title: str
    x: int
    width: int
    right: bool = False


COLUMNS: Final = (
    Column(mark("商品 / 订单号"), MARGIN, 150),
    Column(mark("时间 / 渠道"), MARGIN + 158, 112),
    Column(mark("分成规则"), MARGIN + 278, 82),
    Column(mark("销售额"), MARGIN + 418, 62, right=True),
    Column(mark("赚得"), MARGIN + 482, 60, right=True),
    Column(mark("冲回"), MARGIN + 546, 60, right=True),
    Column(mark("已付 / 未付"), MARGIN + 618, 66, right=True),
    Column(mark("状态 / 怎么付"), MARGIN + 632, RIGHT - MARGIN - 632),
)


def statement_pdf(paper: StatementPaper, words: PaperWords) -> bytes:
    """The statement as a PDF in the reader's language; its text can be searched and copied."""
    kept = BytesIO()
    canvas = PaperCanvas(kept, (WIDTH, HEIGHT))
    canvas.setTitle(f"{words.say(mark('结算单'))} {paper.statement.party_name} {words.period(paper)}")
    canvas.setAuthor(paper.merchant)
    canvas.setSubject(str(paper.statement.statement_id))
    pages = _pages(len(paper.lines))
    start = 0
    for number, count in enumerate(pages, start=1):
        top = _first_head(canvas, paper, words) if number == 1 else _next_head(canvas, paper, words)
        y = _table_head(canvas, words, top)
        for line in paper.lines[start : start + count]:
            y = _row(canvas, words, line, y)
        start += count
        if number == len(pages):
            _sums(canvas, paper, words, y)
            _lacking(canvas, words)
        _foot(canvas, paper, words, number, len(pages))
        canvas.showPage()
    canvas.save()
    return kept.getvalue()


def _pages(lines: int) -> list[int]:
    """How many lines each page takes; the last one keeps room for the sums."""
    first = (FIRST_TOP - HEAD_ROW - BODY_BOTTOM) // ROW
    others = (NEXT_TOP - HEAD_ROW - BODY_BOTTOM) // ROW
    pages, left, room = [], lines, first
    while left + 1 > room:  # ends: every page takes at least one line
        taken = min(left, room)
        pages.append(taken)
        left -= taken
        room = others
    return [*pages, left]


def _first_head(canvas: PaperCanvas, paper: StatementPaper, words: PaperWords) -> int:
    """Title, facts on the left, three figures on the right, the seal below."""
    canvas.setFillColor(INK)
    draw(canvas, MARGIN, HEIGHT - 52, words.say(mark("佣金结算单")), TITLE, bold=True)
    draw(canvas, RIGHT, HEIGHT - 46, fitted(paper.merchant, TEXT + 2, WIDTH // 2), TEXT + 2, right=True)
    facts = dict(words.facts(paper))
    figures = {label: value for label, value in facts.items() if isinstance(value, Money)}
    y = HEIGHT - 80
    for label, value in facts.items():
        if label not in figures and value != paper.merchant:
            _fact(canvas, words, (label, value), y)
            y -= 13
    x = RIGHT
    for label, value in reversed(figures.items()):
        canvas.setFillColor(FAINT)
        draw(canvas, x, HEIGHT - 84, label, TEXT, right=True)
        canvas.setFillColor(INK)
        draw(canvas, x, HEIGHT - 102, words.formats.money(value), FIGURE, bold=True, right=True)
        x -= 150
    _seal(canvas, paper, words)
    return FIRST_TOP


def _fact(canvas: PaperCanvas, words: PaperWords, fact: Fact, y: int) -> None:
    label, value = fact
    canvas.setFillColor(FAINT)
    draw(canvas, MARGIN, y, label, TEXT)
    canvas.setFillColor(INK)
    draw(canvas, MARGIN + 90, y, fitted(_shown(value, words), TEXT, 250), TEXT)


def _seal(canvas: PaperCanvas, paper: StatementPaper, words: PaperWords) -> None:
    """A box with the seal, beside the facts."""
    left, top, bottom = WIDTH // 2 - 30, HEIGHT - 118, FIRST_TOP + 14
    canvas.setStrokeColor(LINE)
    canvas.roundRect(left, bottom, RIGHT - left, top - bottom, 4, stroke=1, fill=0)
    y = top - 14
    width = RIGHT - left - 96
    for label, value in words.seal(paper):
        canvas.setFillColor(FAINT)
        draw(canvas, left + 8, y, label, TEXT)
        canvas.setFillColor(INK)
        for piece in lines_of(_shown(value, words), TEXT, width, SEAL_LINES_MAX):
            draw(canvas, left + 88, y, piece, TEXT)
            y -= 11
        y -= 3


def _next_head(canvas: PaperCanvas, paper: StatementPaper, words: PaperWords) -> int:
    canvas.setFillColor(INK)
    row = paper.statement
    draw(canvas, MARGIN, HEIGHT - 44, fitted(f"{row.party_name}  {words.period(paper)}", TEXT, 400), TEXT)
    draw(canvas, RIGHT, HEIGHT - 44, fitted(paper.merchant, TEXT, 300), TEXT, right=True)
    return NEXT_TOP


def _table_head(canvas: PaperCanvas, words: PaperWords, top: int) -> int:
    canvas.setFillColor(FAINT)
    for column in COLUMNS:
        text = fitted(words.say(column.title), SMALL, column.width)
        draw(canvas, column.x, top - 12, text, SMALL, right=column.right)
    _rule_under(canvas, top - HEAD_ROW)
    return top - HEAD_ROW


def _row(canvas: PaperCanvas, words: PaperWords, line: PaperLine, y: int) -> int:
    share, money = line.share, words.formats.money
    earned = line.line.earned
    state = words.label("book_kind", line.line.kind)
    if share is not None:
        state = words.label("commission_status", share.state)
    paid = () if share is None else (share.by_wallet, share.outside, share.netted)
    cells = (
        (line.order.title, line.order.order_no),
        (words.formats.moment(line.line.event_at), line.channel),
        (words.rule(line), ""),
        ("" if share is None else money(share.gross), ""),
        (money(earned) if line.line.is_sale else "", ""),
        ("" if line.line.is_sale else money(earned), ""),
        ("" if share is None else money(sum(paid, Money(0, earned.currency))), _unpaid(line, words)),
        (state, words.way(share)),
    )
    for column, (upper, lower) in zip(COLUMNS, cells, strict=True):
        canvas.setFillColor(INK)
        draw(canvas, column.x, y - 11, fitted(upper, TEXT, column.width), TEXT, right=column.right)
        canvas.setFillColor(FAINT)
        draw(canvas, column.x, y - 21, fitted(lower, SMALL, column.width), SMALL, right=column.right)
    _rule_under(canvas, y - ROW)
    return y - ROW


def _unpaid(line: PaperLine, words: PaperWords) -> str:
    """What is still to come of a share, sure or not; nothing where all is done."""
    share = line.share
    if share is None:
        return ""
    left = share.estimated + share.due
    return words.formats.money(left) if left.amount_minor else ""


def _sums(canvas: PaperCanvas, paper: StatementPaper, words: PaperWords, y: int) -> None:
    sums, money = paper.sums, words.formats.money
    canvas.setFillColor(INK)
    draw(canvas, MARGIN, y - 12, words.say(mark("合计")), TEXT, bold=True)
    paid, left = sums.by_wallet + sums.outside + sums.netted, sums.estimated + sums.due
    shown = {4: paper.statement.earned, 5: -paper.statement.reversed, 6: paid}
    for number, amount in shown.items():
        draw(canvas, COLUMNS[number].x, y - 12, money(amount), TEXT, bold=True, right=True)
    canvas.setFillColor(FAINT)
    draw(canvas, COLUMNS[6].x, y - 22, money(left), SMALL, right=True)


def _lacking(canvas: PaperCanvas, words: PaperWords) -> None:
    """Letters that the file cannot carry do not vanish in silence."""
    if canvas.lacking:
        canvas.setFillColor(FAINT)
        text = words.say(
            mark(
                "有 %(count)s 个生僻字不在随附的字体里：可能显示为方框，或在个别阅读器里空白；CSV 和 Excel 里文字完整。"
            ),
            count=len(canvas.lacking),
        )
        draw(canvas, MARGIN, FOOT_Y + 11, fitted(text, SMALL, RIGHT - MARGIN), SMALL)


def _foot(canvas: PaperCanvas, paper: StatementPaper, words: PaperWords, number: int, pages: int) -> None:
    canvas.setFillColor(FAINT)
    day = paper.seal.day
    text = words.say(mark("未封印"))
    if day is not None:
        text = f"{words.say(mark('封印根'))} {day.day.isoformat()} {day.root.hex()[:ROOT_CHARS_SHOWN]}…"
    draw(canvas, MARGIN, FOOT_Y, f"{text}   {paper.statement.statement_id}", SMALL)
    page = words.say(mark("第 %(number)s 页，共 %(pages)s 页"), number=number, pages=pages)
    draw(canvas, RIGHT, FOOT_Y, page, SMALL, right=True)


def _rule_under(canvas: PaperCanvas, y: int) -> None:
    canvas.setStrokeColor(LINE)
    canvas.line(MARGIN, y, RIGHT, y)


def _shown(value: str | int | Money | datetime | date, words: PaperWords) -> str:
    if isinstance(value, Money):
        return words.formats.money(value)
    if isinstance(value, datetime):
        return words.formats.second(value)
    if isinstance(value, date):
        return value.isoformat()
    return words.formats.number(value) if isinstance(value, int) else value
