"""Statements as files: each format holds the same lines, adds up to the books, and has a seal that can be checked."""

from __future__ import annotations

import csv
import io
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import msgspec
import openpyxl
import pytest
from papers_traded import (
    CATALOGUES,
    FIGURES,
    FORMULA,
    NOW_TITLES,
    SHANGHAI,
    WALLET,
    paper_of,
    party_with_rules,
    seal,
    sell,
    words_of,
)
from pypdf import PdfReader

from hutong.core.errors import InvalidInput, NotFound
from hutong.core.money import Money
from hutong.ledger import service
from hutong.ledger.commission_queries import commission_totals
from hutong.ledger.errors import StatementTooLong, StatementTorn
from hutong.ledger.queries import one_statement
from hutong.ledger.roots import root_of
from hutong.ledger.statement_details import detailed_lines
from hutong.ledger.statement_seals import check_statement, root_of_text, seal_of
from hutong.merchants.service import create_merchant
from hutong.web.i18n import LOCALES
from hutong.web.papers import reading
from hutong.web.papers.letters import OWN
from hutong.web.papers.printed import statement_pdf
from hutong.web.papers.reading import read_paper
from hutong.web.papers.returned import read_back
from hutong.web.papers.tables import COLUMNS, statement_csv, statement_xlsx


def minor(text):
    return int(Decimal(text or 0) * 100)


def test_lines_explain_every_fen_and_add_up_to_the_books(room, traded):
    party, drawn = traded
    paper = paper_of(room, drawn)
    totals = room.do(lambda unit: commission_totals(unit, party))[0]
    assert len(paper.lines) == drawn.lines_count
    shares = [line.share for line in paper.lines if line.share is not None]
    assert len(shares) == 10, "two shares of each of five sales"
    for share in shares:
        parts = sum(getattr(share, name).amount_minor for name in FIGURES)
        assert parts == share.amount.amount_minor
    assert {share.state for share in shares} == {"estimated", "confirmed", "settled", "reversed"}
    sums = {name: getattr(paper.sums, name).amount_minor for name in FIGURES}
    assert sums["reversed"] == totals.reversed.amount_minor == drawn.reversed_minor > 0
    assert sums["estimated"] == totals.estimated.amount_minor > 0
    assert sums["by_wallet"] == 1_150
    assert sums["outside"] == 600
    assert sums["by_wallet"] + sums["outside"] + sums["netted"] == totals.settled.amount_minor
    open_minor = totals.confirmed.amount_minor + totals.outside.amount_minor - totals.owed_back.amount_minor
    assert sums["due"] == open_minor
    rules = {words_of(paper).rule(line) for line in paper.lines if line.share is not None}
    assert rules == {"10%", "每单 ¥1.50"}
    assert {line.channel for line in paper.lines[:6]} == {"+老李的微博"}


def test_a_page_of_lines_is_part_of_all_lines(room, traded):
    _, drawn = traded

    async def work(unit):
        row = await one_statement(unit, drawn.statement_id)
        whole = await detailed_lines(unit, row)
        return whole, [await detailed_lines(unit, row, limit=3, offset=start) for start in range(0, len(whole), 3)]

    whole, pages = room.do(work)
    assert tuple(line for page in pages for line in page) == whole


@pytest.mark.parametrize("locale", LOCALES)
def test_the_csv_holds_lines_sums_and_seal(room, traded, locale):
    _, drawn = traded
    paper = paper_of(room, drawn)
    words = words_of(paper, locale)
    text = statement_csv(paper, words).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    titles, lines, sums = rows[0], rows[1 : 1 + drawn.lines_count], rows[1 + drawn.lines_count]
    assert len(titles) == len(set(titles)) == len(COLUMNS)
    for place, column in enumerate(COLUMNS):
        if column.total is not None:
            assert sum(minor(line[place]) for line in lines) == minor(sums[place]), titles[place]
    earned, back = (titles.index(words.say(name)) for name in ("赚得", "退款冲回"))
    assert minor(sums[earned]) == drawn.earned_minor
    assert minor(sums[back]) == -drawn.reversed_minor
    for title, name in zip(NOW_TITLES, FIGURES, strict=True):
        assert minor(sums[titles.index(words.say(title))]) == getattr(paper.sums, name).amount_minor, title
    facts = {row[0]: row[1] for row in rows[3 + drawn.lines_count :]}
    assert minor(facts[words.say("本期净额")]) == drawn.net_minor
    assert facts[words.say("结算单编号")] == str(drawn.statement_id)
    assert facts[words.say("结算对象")] == "'" + FORMULA
    assert all(not cell.startswith(("=", "+", "@", "\t")) for row in rows for cell in row)


def test_the_workbook_has_numbers_and_times_and_runs_nothing(room, traded):
    _, drawn = traded
    paper = paper_of(room, drawn)
    book = openpyxl.load_workbook(io.BytesIO(statement_xlsx(paper, words_of(paper))))
    facts, lines = book.worksheets
    told = {row[0].value: row[1].value for row in facts.iter_rows() if len(row) > 1 and row[0].value}
    assert told["结算对象"] == "'" + FORMULA
    assert told["本期净额"] == drawn.net_minor / 100
    rows = list(lines.iter_rows())
    titles = [cell.value for cell in rows[0]]
    body, sums = rows[1:-1], rows[-1]
    assert len(body) == drawn.lines_count
    earned = titles.index("赚得")
    assert round(sum((row[earned].value or 0) * 100 for row in body)) == drawn.earned_minor
    assert round(sums[earned].value * 100) == drawn.earned_minor
    assert body[0][earned].number_format == "#,##0.00"
    assert isinstance(body[0][0].value, datetime)
    assert body[0][0].value == paper.lines[0].line.event_at.astimezone(SHANGHAI).replace(tzinfo=None)
    assert "f" not in {cell.data_type for sheet in book.worksheets for row in sheet.iter_rows() for cell in row}
    assert lines.freeze_panes == "A2"


@pytest.mark.parametrize("locale", LOCALES)
def test_the_pdf_can_be_read_as_text(room, traded, locale):
    _, drawn = traded
    paper = paper_of(room, drawn)
    words = words_of(paper, locale)
    reader = PdfReader(io.BytesIO(statement_pdf(paper, words)))
    text = "\n".join(page.extract_text() for page in reader.pages)
    money = words.formats.money
    for expected in (
        words.say("佣金结算单"), "小杯子店", "=HYPERLINK(1)小林□", money(Money(drawn.net_minor)),
        money(Money(drawn.earned_minor)), money(Money(-drawn.reversed_minor)), str(drawn.statement_id),
        words.say("账链末端"), "+老李的微博", words.period(paper),
    ):  # fmt: skip
        assert expected in text, expected
    assert text.count("+老李的微博") == 6 + 4, "three sales of two shares, and what refunds took back of them"
    assert reader.metadata.author == "小杯子店"


def test_each_font_of_the_pdf_stands_in_it(room, traded):
    paper = paper_of(room, traded[1])
    made = statement_pdf(paper, words_of(paper))
    fonts = [
        font.get_object() for page in PdfReader(io.BytesIO(made)).pages for font in page["/Resources"]["/Font"].values()
    ]
    assert {font["/BaseFont"].partition("+")[2] for font in fonts} == {OWN.regular, OWN.bold}
    assert all("/FontFile2" in font["/FontDescriptor"] for font in fonts)
    assert len(made) < 80_000
    assert "有 1 个生僻字" in PdfReader(io.BytesIO(made)).pages[-1].extract_text(), "the emoji of the party's name"


def test_the_seal_is_the_days_that_covers_every_line(room, traded):
    _, drawn = traded
    last_day = (room.clock.at + timedelta(hours=1)).astimezone(SHANGHAI).date()
    before = paper_of(room, drawn)
    assert before.seal.day is None
    assert before.seal.period_last_day == last_day
    assert before.seal.chain.hash.hex() in statement_csv(before, words_of(before)).decode()
    room.clock.advance(days=1)
    assert paper_of(room, drawn).seal.day is None, "the day is over, its seal not made yet"
    seal(room)
    after = paper_of(room, drawn)
    kept = room.do(lambda unit: root_of(unit, last_day))
    assert after.seal.day == kept
    root = kept.root.hex()
    pages = PdfReader(io.BytesIO(statement_pdf(after, words_of(after)))).pages
    assert root[:16] in pages[-1].extract_text()
    for made in (statement_csv(after, words_of(after)).decode(), pages[0].extract_text().replace("\n", "")):
        assert root in made
        assert last_day.isoformat() in made


def test_a_line_that_came_late_waits_for_its_own_day(room):
    async def first(unit):
        party = await party_with_rules(unit)
        await sell(unit)
        return party

    async def late(unit):
        at = room.clock.at - timedelta(days=2)
        drawn = await service.draw_statement(unit, party, at - timedelta(days=5), at + timedelta(days=1, hours=1))
        return await one_statement(unit, drawn.statement_id)

    party = room.do(first)
    room.clock.advance(days=2)
    seal(room)
    row = room.do(late)
    sealed = room.do(lambda unit: seal_of(unit, row))
    assert sealed.day is not None
    assert sealed.day.day == sealed.period_last_day, "not the earlier day of its last line"

    async def told_late(unit):
        await service.post_sale(
            unit,
            order_id=uuid4(),
            wallet_path=WALLET,
            gross=Money(100),
            fee=Money(0),
            party_shares=[service.Share(party, Money(7))],
            event_at=room.clock.at - timedelta(days=1),
        )
        start, end = row.period_end_at, room.clock.at - timedelta(hours=22)
        return await one_statement(unit, (await service.draw_statement(unit, party, start, end)).statement_id)

    second = room.do(told_late)
    unsealed = room.do(lambda unit: seal_of(unit, second))
    assert second.lines_count == 1
    assert room.do(lambda unit: root_of(unit, unsealed.period_last_day)) is not None, "that day has its seal"
    assert unsealed.day is None, "and it does not cover what was told after it"


def test_a_check_finds_what_was_changed(room, traded):
    _, drawn = traded
    room.clock.advance(days=1)
    seal(room)

    def check(root=None):
        return room.do(lambda unit: check_statement(unit, drawn.statement_id, root))

    kept = check().seal.day
    whole = check(kept.root)
    assert (whole.totals_hold, whole.lines_hold, whole.day_holds, whole.root_matches) == (True, True, True, True)
    assert whole.is_sound
    assert check().root_matches is None
    assert not check(bytes(32)).is_sound
    room.as_owner(
        "UPDATE ledger_day SET root = $1 WHERE merchant_id = $2 AND day = $3", bytes(32), room.merchant_id, kept.day
    )
    assert check().day_holds is False
    room.as_owner(
        "UPDATE ledger_day SET root = $1 WHERE merchant_id = $2 AND day = $3", kept.root, room.merchant_id, kept.day
    )
    line = "SELECT batch_id FROM statement_line WHERE merchant_id = $1 AND statement_id = $2 ORDER BY 1 LIMIT 1"
    of_first = f"merchant_id = $1 AND batch_id = ({line})"
    room.as_owner(
        f"UPDATE ledger_batch SET event_at = event_at + interval '1 day' WHERE {of_first}",
        room.merchant_id,
        drawn.statement_id,
    )
    moved = check(kept.root)
    assert (moved.totals_hold, moved.lines_hold) == (True, False)
    room.as_owner(
        f"UPDATE posting SET amount_minor = amount_minor * 2 WHERE {of_first}", room.merchant_id, drawn.statement_id
    )
    assert not check().totals_hold
    with pytest.raises(StatementTorn):
        paper_of(room, drawn)


def test_a_paper_says_where_its_period_was_not_over(room, traded):
    _, drawn = traded  # an hour before its end
    early = paper_of(room, drawn)
    over = msgspec.structs.replace(
        early, statement=msgspec.structs.replace(early.statement, created_at=early.statement.period_end_at)
    )
    said = {"zh-Hans": "期间未完", "zh-Hant": "期間未完", "en": "(not over yet)"}
    for locale, words in said.items():
        assert words in statement_csv(early, words_of(early, locale)).decode("utf-8-sig")
        assert words not in statement_csv(over, words_of(over, locale)).decode("utf-8-sig")


def test_what_is_no_statement_is_refused(room, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(InvalidInput):
        read_back(path, CATALOGUES)


def test_a_root_is_read_as_it_is_printed():
    root = bytes(range(32))
    spaced = " ".join(root.hex().upper()[at : at + 8] for at in range(0, 64, 8))
    assert root_of_text(f" {spaced}\n") == root
    assert root_of_text("  ") is None
    for wrong in ("zz", root.hex()[:-2], root.hex() + "00"):
        with pytest.raises(InvalidInput):
            root_of_text(wrong)


def test_another_merchants_statement_is_not_there(room, traded, room_address):
    _, drawn = traded
    mine, room.merchant_id = room.merchant_id, uuid4()
    for work in (read_paper, check_statement):
        with pytest.raises(NotFound):
            room.do(lambda unit, work=work: work(unit, drawn.statement_id))
    room.merchant_id = mine


def test_a_statement_without_lines_is_a_paper_too(room):
    async def work(unit):
        await create_merchant(unit, "小杯子店")
        party = await service.create_party(unit, name="小林")
        start = datetime(2026, 1, 1, tzinfo=UTC)
        return await service.draw_statement(unit, party, start, start + timedelta(days=1))

    paper = paper_of(room, room.do(work))
    for make in (statement_csv, statement_xlsx, statement_pdf):
        assert make(paper, words_of(paper))


def longer(paper, count):
    """The same paper with so many lines."""
    lines = (paper.lines * (count // len(paper.lines) + 1))[:count]
    return msgspec.structs.replace(paper, lines=lines)


@pytest.mark.parametrize(
    "make", [statement_csv, *(pytest.param(one, marks=pytest.mark.long) for one in (statement_xlsx, statement_pdf))]
)
def test_ten_thousand_lines_cost_what_their_number_says(room, traded, make):
    paper = paper_of(room, traded[1])
    words = words_of(paper)

    def cost(count):
        began = time.process_time()
        made = make(longer(paper, count), words)
        return time.process_time() - began, made

    cost(500)
    small = min(cost(2_500)[0] for _ in range(2))
    large, made = cost(10_000)
    assert large < 8 * small, "four times the lines"
    assert large < 60
    if make is statement_pdf:
        assert len(PdfReader(io.BytesIO(made)).pages) > 400


def test_more_lines_than_a_file_takes_are_refused_with_the_way_out(room, traded, monkeypatch):
    _, drawn = traded
    monkeypatch.setattr(reading, "PRINTED_LINES_MAX", drawn.lines_count - 1)
    assert paper_of(room, drawn).lines
    with pytest.raises(StatementTooLong) as refused:
        room.do(lambda unit: read_paper(unit, drawn.statement_id, printed=True))
    assert "CSV" in refused.value.text("zh-Hans").fix
