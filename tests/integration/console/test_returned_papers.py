"""A statement's file that comes back: known whole, and found out in every cell that somebody changed."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
import openpyxl
import pytest
from papers_traded import (
    BOSS,
    CATALOGUES,
    paper_of,
    seal,
    words_of,
)

from hutong.core.errors import InvalidInput, NotFound
from hutong.core.money import Money
from hutong.ledger.commission_queries import commissions_of
from hutong.ledger.payouts import record_outside_payment, stand_outside
from hutong.web.i18n import LOCALES
from hutong.web.papers.comparison import compare
from hutong.web.papers.returned import read_back
from hutong.web.papers.tables import COLUMNS, statement_csv, statement_xlsx
from hutong.web.papers.words import MADE_AT, MERCHANT, NET


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(("make", "name"), [(statement_csv, "a.csv"), (statement_xlsx, "a.xlsx")])
def test_a_file_that_comes_back_is_known_and_a_forged_one_found(room, traded, tmp_path, make, name, locale):
    _, drawn = traded
    room.clock.advance(days=1)
    seal(room)
    paper = paper_of(room, drawn)

    def comparison(sent):
        path = tmp_path / name
        path.write_bytes(make(sent, words_of(sent, locale)))
        returned = read_back(path, CATALOGUES)
        return room.do(lambda unit: compare(unit, returned, CATALOGUES))

    whole = comparison(paper)
    assert whole.is_sound
    assert whole.check.root_matches is True
    first, *others = paper.lines
    dearer = msgspec.structs.replace(first.line, earned=first.line.earned + Money(1))
    forged = msgspec.structs.replace(paper, lines=(msgspec.structs.replace(first, line=dearer), *others))
    found = comparison(forged)
    assert (found.is_sound, found.changed) == (False, (first.line.sequence,))
    assert comparison(msgspec.structs.replace(paper, lines=tuple(others))).changed == (first.line.sequence,)
    day = msgspec.structs.replace(paper.seal.day, root=b"\xab" * 32)
    unrooted = msgspec.structs.replace(paper, seal=msgspec.structs.replace(paper.seal, day=day))
    assert comparison(unrooted).check.root_matches is False


def rows_to_forge(rows):
    """Of a paper's rows by number: titles, the first and the last line, sums, and everything above and below."""
    lines = [number for number, row in enumerate(rows) if len(row) == len(COLUMNS) and str(row[-1] or "").isdigit()]
    return [number for number in range(len(rows)) if number not in lines[1:-1]]


def forged(cell):
    """Another content of the same kind."""
    if isinstance(cell, datetime):
        return cell + timedelta(days=1)
    if isinstance(cell, int | float):
        return cell + 1
    text = str(cell or "")
    try:
        return str(Decimal(text) + 1)
    except ArithmeticError:
        return f"{text}1" if text[:4].isdigit() else f"{text}假"


def judged(room, path):
    returned = read_back(path, CATALOGUES)
    return room.do(lambda unit: compare(unit, returned, CATALOGUES))


def is_found(found, column):
    """A forged cell breaks the paper; of a column that moves it is named with both values."""
    if column is not None and COLUMNS[column].moves:
        return found.is_sound and bool(found.moved)
    return not found.is_sound and bool(found.of_lines or found.of_paper)


@pytest.mark.parametrize("locale", ["zh-Hans", "en"])
def test_every_forged_cell_of_a_csv_is_found(room, traded, tmp_path, locale):
    _, drawn = traded
    room.clock.advance(days=1)
    seal(room)
    paper = paper_of(room, drawn)
    rows = list(csv.reader(io.StringIO(statement_csv(paper, words_of(paper, locale)).decode("utf-8-sig"))))
    path = tmp_path / "a.csv"
    missed = []
    for number in rows_to_forge(rows):
        for place, cell in enumerate(rows[number]):
            is_fact = len(rows[number]) < len(COLUMNS)
            title = rows[number][0]
            if title in {words_of(paper, locale).say(one) for one in (MERCHANT, MADE_AT)} and place == 1:
                continue  # the shop may have another name today, and the moment is the paper's own
            changed = [list(row) for row in rows]
            changed[number][place] = forged(cell)
            with path.open("w", encoding="utf-8", newline="") as out:
                csv.writer(out).writerows(changed)
            try:
                found = judged(room, path)
            except (InvalidInput, NotFound):
                continue  # another statement's number, or none
            is_title = number == 0
            if not is_found(found, None if is_fact or is_title else place):
                missed.append((title, place, cell))
    assert missed == []


def test_every_forged_cell_of_a_workbook_is_found(room, traded, tmp_path):
    _, drawn = traded
    room.clock.advance(days=1)
    seal(room)
    paper = paper_of(room, drawn)
    whole = statement_xlsx(paper, words_of(paper))
    path = tmp_path / "a.xlsx"
    book = openpyxl.load_workbook(io.BytesIO(whole))
    missed = []
    for sheet, is_table in ((book.worksheets[0], False), (book.worksheets[1], True)):
        rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
        for number in rows_to_forge(rows):
            for place in range(len(rows[number])):
                cell = sheet.cell(number + 1, place + 1)
                if cell.value is None or (not is_table and rows[number][0] in (MERCHANT, MADE_AT) and place == 1):
                    continue
                before, cell.value = cell.value, forged(cell.value)
                book.save(path)
                try:
                    found = judged(room, path)
                    if not is_found(found, place if is_table and number else None):
                        missed.append((rows[number][0], place, before))
                except (InvalidInput, NotFound):
                    pass  # another statement's number, or none
                cell.value = before
    assert missed == []


@pytest.mark.parametrize("change", ["row added", "row removed", "line doubled", "line removed", "sums removed"])
def test_rows_that_came_or_went_are_found(room, traded, tmp_path, change):
    _, drawn = traded
    room.clock.advance(days=1)
    seal(room)
    paper = paper_of(room, drawn)
    lines = statement_csv(paper, words_of(paper)).decode("utf-8-sig").splitlines()
    owed = next(number for number, line in enumerate(lines) if line.startswith("本期净额,"))
    sums = next(number for number, line in enumerate(lines) if line.startswith("合计,"))
    {
        "row added": lambda: lines.append("本期净额,9999.00"),
        "row removed": lambda: lines.pop(owed),
        "line doubled": lambda: lines.insert(1, lines[1]),
        "line removed": lambda: lines.pop(1),
        "sums removed": lambda: lines.pop(sums),
    }[change]()
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    assert not judged(room, path).is_sound


@pytest.mark.parametrize("locale", LOCALES)
def test_a_paper_with_a_former_title_is_known(room, traded, tmp_path, locale):
    _, drawn = traded
    paper = paper_of(room, drawn)
    words = words_of(paper, locale)
    text = statement_csv(paper, words).decode("utf-8-sig")
    former = text.replace(f"{words.say(NET)},", f"{words.say('应付')},")
    assert former != text
    path = tmp_path / "a.csv"
    path.write_text(former, "utf-8")
    assert judged(room, path).is_sound


def test_what_happens_after_a_paper_was_made_is_no_forgery(room, traded, tmp_path):
    """A file from before the seal, saved again by a spreadsheet program, and money that went its way since."""
    party, drawn = traded
    paper = paper_of(room, drawn)
    path = tmp_path / "a.csv"
    saved = statement_csv(paper, words_of(paper)).decode("utf-8-sig").replace("\r\n", "\n").replace(".00,", ".000,")
    path.write_text(saved, "gb18030")
    assert judged(room, path).is_sound
    room.clock.advance(days=9)
    seal(room)

    async def pay(unit):
        open_rows = (await commissions_of(unit, party, limit=50)).rows
        await stand_outside(unit, [row.commission_id for row in open_rows if row.owed.amount_minor > 0], "ratio")
        await record_outside_payment(
            unit, BOSS, party_id=party, amount=Money(100), paid_by="店主", paid_at=unit.now(), reference="BANK-2"
        )

    room.do(pay)
    found = judged(room, path)
    assert found.is_sound, (found.of_lines, found.of_paper)
    assert {one.title for one in found.moved} >= {"已在钱包外付", "付款情况截至"}
    path.write_text(saved.replace(paper.seal.chain.hash.hex(), "ab" * 32), "gb18030")
    assert [one.title for one in judged(room, path).of_paper] == ["账链末端"]
