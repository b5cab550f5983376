"""Whatever the bytes of a file are, the answer is rows or a refusal in words that names a place; never a traceback."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zipfile

import pytest

from hutong.connectors.generic.order_files import ORDER_FILES
from hutong.platforms.files import FileContext
from hutong.platforms.tables import errors
from hutong.platforms.tables.cells import CHINA
from hutong.workflows.commands.import_reading import Reading, RefusalReport
from hutong.workflows.commands.import_spill import Spill

HEADER = "订单编号,商品名称,数量,单价,下单时间,客户编号"
BODY = "".join(
    f'A{n:05d},"杯子, {n % 5}号",{n % 3 + 1},{n % 7 + 1}.50,2026-03-{n % 28 + 1:02d} 10:00:00,C{n % 11}\n'
    for n in range(1, 41)
)
TEXT = f"{HEADER}\n{BODY}"
ROWS = [[f"A{n:05d}", f"杯子{n % 5}号", n % 3 + 1, n % 7 + 0.5, "2026-03-01 10:00:00", f"C{n}"] for n in range(1, 41)]
SHEET = "xl/worksheets/sheet1.xml"


def parts_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return {name: book.read(name) for name in book.namelist()}


def imported(path):
    """As far as an import goes before it writes: the rows wait in the spill."""
    found = []
    with Spill() as spill:
        reading = Reading(spill, RefusalReport(io.StringIO(), None), lambda _: None)
        reading.read([path], ORDER_FILES, "generic", FileContext(currency="CNY", zone=CHINA))
        found = [row.line for batch in spill.batches() for row in batch if not row.is_refused]
        assert len(found) + reading.rejected == reading.rows_read
    return found


def outcome_of(path):
    """The refusal, or None where the file was read; any other error is a failure."""
    try:
        imported(path)
    except errors.FileRefused as refused:
        return refused
    return None


def refusal_of(path, error=errors.FileBroken):
    with pytest.raises(error) as refused:
        imported(path)
    for locale in ("zh-Hans", "zh-Hant", "en"):
        text = refused.value.text(locale)
        assert path.name in text.sentence
        assert "?" not in text.sentence
        assert "{" not in text.sentence + text.cause + text.fix
    return refused.value.details


@pytest.mark.parametrize("kept", [30, 200, 0.5, 0.95])
def test_a_damaged_zip_inside_a_zip_is_told_with_its_name(write, make_zip, make_workbook, kept):
    """A workbook or an archive, cut off: the part is named, and the row where it ends."""
    for inner in (make_workbook([HEADER.split(","), *ROWS]), make_zip({"a.csv": TEXT.encode()})):
        cut = inner[: kept if isinstance(kept, int) else int(len(inner) * kept)]
        details = refusal_of(write("outer.bin", make_zip({"folder/in.zip": cut})))
        assert details["name"] == "outer.bin:in.zip"
        assert 1 <= details["row"] <= 42


def test_two_parts_of_one_name_are_both_read(write):
    """An archive may hold a name twice: each part is what was looked at, not the last of that name."""
    buffer = io.BytesIO()
    first, second = BODY.splitlines()[:2]
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.csv", f"{HEADER}\n{first}\n")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.csv", f"{HEADER}\n{second}\n")
    assert sorted(line.order_no for line in imported(write("two.bin", buffer.getvalue()))) == ["A00001", "A00002"]


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


def test_a_gzip_that_is_damaged_early_names_a_row(tmp_path):
    path = tmp_path / "early.csv.gz"
    packed = gzip.compress(TEXT.encode())
    for content in (packed[:3], packed[:10], packed[:12], flipped(packed, 2), flipped(packed, 10), flipped(packed, 12)):
        path.write_bytes(content)
        assert refusal_of(path)["row"] == 1


@pytest.mark.parametrize("name", ["a.csv.gz", "a.zip"])
def test_a_cut_or_damaged_packing_names_the_row_up_to_which_it_can_be_read(write, name):
    """Even where all of it is unpacked in one go."""
    rows = "".join(f"B{n},杯{n * 7919 % 997},1,1.50,2026-03-01,C{n * 104729 % 9973}\n" for n in range(300))
    whole = write(name, f"{HEADER}\n{rows}")
    packed = whole.read_bytes()
    middle = len(packed) // 2
    if name.endswith(".gz"):
        whole.write_bytes(packed[:middle])
        assert 110 < refusal_of(whole)["row"] < 190
    rows_told = set()
    for place in range(middle, middle + 40):  # a stream that goes wrong says so here, later, or by its sum at the end
        whole.write_bytes(flipped(packed, place))
        rows_told.add(refusal_of(whole, errors.FileRefused)["row"])
    assert all(100 < row <= 303 for row in rows_told), rows_told
    assert min(rows_told) < 250


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/styles.xml", "_rels/.rels"])
@pytest.mark.parametrize("encoding", ["nosuch", "utf-7", "rot13", "idna", "x" * 300])
def test_a_part_in_an_encoding_that_nobody_knows_is_told_as_damage(write, make_workbook, make_zip, part, encoding):
    parts = parts_of(make_workbook([HEADER.split(","), *ROWS]))
    body = parts[part].split(b"?>", 1)[-1]
    parts[part] = f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + body
    assert refusal_of(write("a.xlsx", make_zip(parts)))["row"] == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'<row r="2"', b'<row r="99999999999999999999999999"'),
        (b'<row r="2"', b'<row r="-5"'),
        (b'<row r="2"', b'<row r="' + b"9" * 5000 + b'"'),
        (b'r="A2"', b'r="A2" s="x"'),
        (b'r="A2"', b'r="A2" t="s"'),
        (b'r="A2"', 'r="杯2"'.encode()),
        (b"<v>2</v>", b"<v>" + b"<v>" * 3000),
    ],
)
def test_a_forged_cell_is_told_as_damage_at_its_row(write, make_workbook, make_zip, old, new):
    parts = parts_of(make_workbook([HEADER.split(","), *ROWS]))
    assert old in parts[SHEET]
    parts[SHEET] = parts[SHEET].replace(old, new, 1)
    assert refusal_of(write("a.xlsx", make_zip(parts)))["row"] in {1, 2}


def test_half_a_surrogate_pair_in_a_cell_is_no_character(write, make_workbook, make_zip):
    parts = parts_of(make_workbook([HEADER.split(","), *ROWS]))
    parts[SHEET] = parts[SHEET].replace("杯子1号".encode(), b"cup_xD800_", 1).replace(b"A00001", b"A_xDC00_1", 1)
    first = imported(write("a.xlsx", make_zip(parts)))
    assert ("A\ufffd1", "cup\ufffd") in {(line.order_no, line.title) for line in first}


def test_other_ways_of_packing_and_absurd_headers(write, make_zip):
    whole = make_zip({"a.csv": TEXT.encode()})
    central = whole.index(b"PK\x01\x02")
    for method in (1, 6, 9, 12, 14, 93, 99):
        content = bytearray(whole)
        struct.pack_into("<H", content, 8, method)
        struct.pack_into("<H", content, central + 10, method)
        assert refusal_of(write("a.bin", bytes(content)))["row"] == 1
    for offset, value in ((42, 0xFFFFFFF0), (28, 0xFFFF), (20, 0xFFFFFFFF)):  # place, length of the name, packed size
        content = bytearray(whole)
        struct.pack_into("<I" if value > 0xFFFF else "<H", content, central + offset, value)
        outcome_of(write("a.bin", bytes(content)))


def test_the_deepest_nesting_is_refused_and_ends(write, make_workbook, make_zip):
    parts = parts_of(make_workbook([HEADER.split(","), *ROWS]))
    for part in ("xl/workbook.xml", "xl/styles.xml", SHEET):
        deep = dict(parts)
        deep[part] = b"<a>" * 200_000
        assert refusal_of(write("a.xlsx", make_zip(deep)), errors.FileRefused)["row"] == 1


def mutated(chance, content):
    bad = bytearray(content)
    kind = chance.randrange(5)
    if kind == 0:
        del bad[chance.randrange(len(bad)) :]
    elif kind == 1:
        begin = chance.randrange(len(bad))
        del bad[begin : begin + chance.randrange(1, 40)]
    elif kind == 2:
        begin = chance.randrange(len(bad))
        bad[begin:begin] = chance.randbytes(chance.randrange(1, 40))
    for _ in range(chance.choice((0, 1, 1, 3, 12)) if kind < 3 else chance.choice((1, 2, 30))):
        if bad:
            bad[chance.randrange(len(bad))] = chance.randrange(256)
    return bytes(bad)


def plain_zip(parts):
    """Stored, so that a flipped byte reaches the XML and not only the unpacker; its sums are made right by the zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


KINDS = ("csv", "gbk", "gz", "zip", "xlsx", "zip of xlsx", "xml of xlsx")


@pytest.mark.parametrize("count", [50, pytest.param(150, marks=pytest.mark.long)])
@pytest.mark.parametrize("kind", KINDS)
def test_mutated_files_are_read_or_refused_and_nothing_else(write, make_workbook, make_zip, kind, count):
    """Seeded. What comes out is a row's or a file's refusal of ours, with a place and no "?"."""
    chance = random.Random(f"20260301 {kind}")
    book = make_workbook([HEADER.split(","), *ROWS])
    parts = parts_of(book)
    whole = {
        "csv": TEXT.encode(),
        "gbk": TEXT.encode("gbk"),
        "gz": gzip.compress(TEXT.encode(), mtime=0),
        "zip": make_zip({"a.csv": TEXT.encode()}),
        "xlsx": book,
        "zip of xlsx": make_zip({"a.xlsx": book}, zipfile.ZIP_STORED),
        "xml of xlsx": b"",
    }[kind]
    outcomes = set()
    for _ in range(count):
        if kind == "xml of xlsx":
            part = chance.choice((SHEET, SHEET, "xl/workbook.xml", "xl/styles.xml", "xl/_rels/workbook.xml.rels"))
            bad = plain_zip({**parts, part: mutated(chance, parts[part])})
        else:
            bad = mutated(chance, whole)
        refused = outcome_of(write("bad.bin", bad))
        outcomes.add(type(refused))
        assert refused is None or isinstance(refused.details.get("row", 1), int)
    assert outcomes & {errors.FileBroken, errors.EncodingUnknown}
    assert type(None) in outcomes or "gz" in kind or "zip" in kind


def test_a_formula_without_a_value_is_told_as_that(read, write, make_workbook):
    """Programs that make workbooks write formulas only; a spreadsheet that saves the file puts the values beside."""
    rows = [HEADER.split(",")]
    rows += [["=1+1", "杯", 1, 1.5, "2026-03-01", "C1"], ["F2", "杯", "=1+2", 1.5, "2026-03-01", "C1"]]
    rows += [["F3", "杯", 1, "=A1*2", "2026-03-01", "C1"], ["F4", "杯", 1, 1.5, "=TODAY()", "C1"]]
    rows += [["F5", "杯", 1, 1.5, "2026-03-01", "C1"], ["=A1"], ["合计", "", "=SUM(C2:C6)", "=SUM(D2:D6)"]]
    found = read(write("a.xlsx", make_workbook(rows)), ORDER_FILES)
    reasons = [(row.row_no, getattr(row, "reason", "")) for row in found]
    bad = "formula_uncomputed"
    assert reasons == [(2, bad), (3, bad), (4, bad), (5, bad), (6, ""), (7, "quantity_missing"), (8, "total_row")]
    assert [row.values for row in found[:3]] == [
        {"column": "订单编号", "value": "=1+1"},
        {"column": "数量", "value": "=1+2"},
        {"column": "单价", "value": "=A1*2"},
    ]


def test_a_formula_with_its_value_is_its_value(read, write, make_workbook, make_zip):
    parts = parts_of(make_workbook([HEADER.split(","), ["=X", "=Y", "=Z", 1.5, "2026-03-01", "C1"]]))
    sheet = parts[SHEET]
    for column, kind, value in (("A", "str", "F1"), ("B", "str", ""), ("C", "n", "3")):
        formula = {"A": "X", "B": "Y", "C": "Z"}[column]
        begin = sheet.index(f'<c r="{column}2"'.encode())
        end = sheet.index(b"</c>", begin)
        cell = f'<c r="{column}2" t="{kind}"><f>{formula}</f><v>{value}</v>'.encode()
        sheet = sheet[:begin] + cell + sheet[end:]
    parts[SHEET] = sheet
    (line,) = read(write("a.xlsx", make_zip(parts)), ORDER_FILES)
    assert (line.order_no, line.title, line.quantity) == ("F1", "", 3)
