from __future__ import annotations

import gzip
import io
import random
import re
import zipfile
from datetime import UTC, datetime

import pytest

from hutong.connectors.generic.order_files import ORDER_FILES
from hutong.core.errors import InvalidInput
from hutong.platforms.files import FileLine
from hutong.platforms.tables import errors, limits

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
TEXT = f"{HEADER}\n1,A,杯子,2,12/1/10 8:26,1.50,7,中国\n2,B,袜子,1,12/1/10 8:30,3.00,,中国\n"
ROWS = [line.split(",") for line in TEXT.splitlines()]


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("a.csv", "utf-8"), ("a.csv", "utf-8-sig"), ("a.csv", "gb18030"), ("a.csv", "utf-16"), ("a.csv.gz", "gbk"),
        ("a.zip", "utf-8"), ("lies.xlsx", "gbk"),
    ],
)  # fmt: skip
def test_text_in_any_usual_encoding_and_wrapping(read, write, name, encoding):
    lines = read(write(name, TEXT, encoding), ORDER_FILES)
    assert [(line.order_no, line.title, line.quantity) for line in lines] == [("1", "杯子", 2), ("2", "袜子", 1)]


@pytest.mark.parametrize("delimiter", ["\t", ";", "|"])
def test_other_delimiters(read, write, delimiter):
    assert len(read(write("a.txt", TEXT.replace(",", delimiter)), ORDER_FILES)) == 2


def test_a_workbook_with_several_sheets_and_a_preamble(read, write, make_workbook):
    content = make_workbook(ROWS, [["订单"], [], *ROWS], [["notes"], ["nothing here"]])
    assert len(read(write("a.xlsx", content), ORDER_FILES)) == 4


def test_a_workbook_inside_a_zip(read, write, make_workbook, make_zip):
    path = write("a.bin", make_zip({"folder/x.xlsx": make_workbook(ROWS), "__MACOSX/._x": b"junk"}))
    assert len(read(path, ORDER_FILES)) == 2


def test_cp1252_is_the_last_resort(read, write):
    text = TEXT.replace("杯子", "SET £5 CAFÉ").replace("袜子", "x").replace("中国", "UK")
    assert read(write("a.csv", text, "cp1252"), ORDER_FILES)[0].title == "SET £5 CAFÉ"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", errors.FileEmpty),
        (HEADER.encode(), errors.FileEmpty),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, errors.FileEncrypted),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html>login", errors.FileIsPage),
        (b"<table><tr><td>", errors.FileIsPage),
        (b"%PDF-1.4 ...", errors.FileKindUnknown),
        (b"Rar!\x1a\x07\x01\x00", errors.FileKindUnknown),
        (b"\x00\x01\x02\x03" * 50, errors.FileKindUnknown),
        (b"hello, world\n1,2\n", errors.HeaderNotFound),
        (TEXT.encode() + "3,C,坏".encode()[:-1] + b"\xff\xff\x81\n", errors.EncodingUnknown),
        (gzip.compress(TEXT.encode())[:-12], errors.FileBroken),
        (gzip.compress(gzip.compress(TEXT.encode())), errors.ArchiveNested),
        (b"PK\x03\x04 not an archive", errors.FileBroken),
        (TEXT.encode() + b'3,C,"never closed,1,12/1/10 8:26,1,,\n4,D,x,1,12/1/10 8:26,1,,\n', errors.FileBroken),
        (TEXT.encode() + "3,C,杯".encode(), errors.FileBroken),
        (TEXT.encode() + b"3,C," + b"x" * 200_000 + b",1\n", errors.FileBroken),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(read, write, content, error):
    with pytest.raises(error) as refused:
        read(write("file.csv", content), ORDER_FILES)
    assert isinstance(refused.value, InvalidInput)
    for locale in ("zh-Hans", "en"):
        text = refused.value.text(locale)
        assert "file.csv" in text.sentence
        assert "{" not in text.sentence + text.cause + text.fix


def test_an_unclosed_quotation_mark_is_told_with_its_row(read, write):
    content = TEXT + '3,C,"never closed,1,12/1/10 8:26,1,,\n4,D,x,1,12/1/10 8:26,1,,\n'
    with pytest.raises(errors.FileBroken) as refused:
        read(write("a.csv", content), ORDER_FILES)
    assert refused.value.details["row"] == 4


def test_a_total_at_the_foot_without_a_line_end_is_no_damage(read, write):
    found = read(write("a.csv", TEXT + "合计,,3"), ORDER_FILES)
    assert [getattr(row, "reason", None) for row in found] == [None, None, "total_row"]


def test_a_locked_zip_is_told(read, write, make_zip):
    content = bytearray(make_zip({"a.csv": TEXT.encode()}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    content[6] |= 1
    with pytest.raises(errors.FileEncrypted):
        read(write("a.bin", bytes(content)), ORDER_FILES)


def test_an_archive_in_an_archive_is_refused(read, write, make_zip):
    for inner in (make_zip({"a.csv": TEXT.encode()}), gzip.compress(TEXT.encode())):
        with pytest.raises(errors.ArchiveNested):
            read(write("a.bin", make_zip({"inner": inner})), ORDER_FILES)


def test_too_many_members_are_refused(read, write, make_zip):
    many = {f"{number}.csv": b"x" for number in range(limits.ARCHIVE_MEMBERS_MAX + 1)}
    with pytest.raises(errors.FileTooLarge):
        read(write("a.bin", make_zip(many)), ORDER_FILES)


@pytest.mark.parametrize("name", ["bomb.csv.gz", "bomb.zip"])
def test_archive_bombs_are_refused(read, write, name):
    with pytest.raises(errors.ArchiveBomb):
        read(write(name, TEXT + "\n" * 40 * limits.MIB), ORDER_FILES)


def test_a_workbook_bomb_is_refused(read, write, make_workbook, make_zip):
    parts = parts_of(make_workbook(ROWS))
    parts["xl/sharedStrings.xml"] = b"<sst>" + b" " * 40 * limits.MIB + b"</sst>"
    with pytest.raises(errors.ArchiveBomb):
        read(write("a.xlsx", make_zip(parts)), ORDER_FILES)


def test_entities_in_a_workbook_are_refused(read, write, make_workbook, make_zip):
    parts = parts_of(make_workbook(ROWS))
    sheet = parts["xl/worksheets/sheet1.xml"]
    parts["xl/worksheets/sheet1.xml"] = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + sheet
    with pytest.raises(errors.EntitiesRefused) as refused:
        read(write("a.xlsx", make_zip(parts)), ORDER_FILES)
    assert refused.value.details == {"name": "a.xlsx", "row": 1}
    for locale, cause in (("zh-Hans", "展开成海量内容"), ("en", "grow without end")):
        assert cause in refused.value.text(locale).cause


LAUGHS = b"<!DOCTYPE lolz [" + b"".join(
    b'<!ENTITY l%d "%s">' % (n, b"lol" if n == 0 else b"&l%d;" % (n - 1) * 10) for n in range(10)
) + b"]>"  # fmt: skip


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/sharedStrings.xml", "xl/styles.xml"])
def test_a_bomb_of_entities_is_told_as_one_wherever_it_lies(read, write, make_workbook, make_zip, part):
    parts = share_texts(parts_of(make_workbook(ROWS)))
    parts[part] = LAUGHS + re.sub(rb"<\?xml[^>]*>", b"", parts[part]).replace(b"</t>", b"&l9;</t>", 1)
    with pytest.raises(errors.EntitiesRefused):
        read(write("laughs.xlsx", make_zip(parts)), ORDER_FILES)


def test_a_cell_longer_than_any_is_told_as_that(read, write, make_workbook, make_zip):
    parts = parts_of(make_workbook(ROWS))
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b"</t>", random.Random(1).randbytes(200_000).hex().encode() + b"</t>", 1)
    with pytest.raises(errors.FileTooLarge) as refused:
        read(write("a.xlsx", make_zip(parts)), ORDER_FILES)
    assert (refused.value.details["limit"], refused.value.details["row"]) == ("characters", 1)


@pytest.mark.parametrize(
    ("content", "row"),
    [
        (TEXT.encode() + b"B4,\x00\x00\xff\xfe\x81", 4),
        (TEXT.encode("gbk") + b"B4,\x00\x00\xff\xfe\x81\n", 4),
        (TEXT.encode() + b"\x00\x00\x00\n" * 40, 4),
        (f"{HEADER}\n".encode() + b"\x00\x01\x02\x03" * 50, 2),
        (TEXT.encode() + b"3,C,\x01\x02\x00x,1,12/1/10 8:26,1,,\n", 4),
    ],
)
@pytest.mark.parametrize("name", ["nul.csv", "nul.csv.gz", "nul.zip"])
def test_text_that_turns_into_bytes_is_told_with_its_row(read, write, name, content, row):
    with pytest.raises((errors.FileBroken, errors.EncodingUnknown)) as refused:
        read(write(name, content), ORDER_FILES)
    assert refused.value.details["row"] == row
    for locale in ("zh-Hans", "en"):
        assert str(row) in refused.value.text(locale).sentence


def test_a_forged_size_of_a_sheet_costs_nothing(read, write, make_workbook, make_zip):
    parts = parts_of(make_workbook(ROWS))
    name = "xl/worksheets/sheet1.xml"
    parts[name] = re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:XFD1048576"', parts[name])
    parts[name] = parts[name].replace(b"</sheetData>", b'<row r="99999999999"><c r="A9"><v>1</v></c></row></sheetData>')
    found = read(write("a.xlsx", make_zip(parts)), ORDER_FILES)
    assert [row.row_no for row in found] == [2, 3, 99999999999]
    assert found[2].reason == "quantity_missing"


def parts_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return {name: book.read(name) for name in book.namelist()}


def share_texts(parts):
    """Inline texts moved to the shared table, as Excel keeps them, with a pronunciation hint at each."""
    texts = []

    def move(match):
        texts.append(b"<si><t>" + match[2] + b'</t><rPh sb="0" eb="1"><t>hint</t></rPh></si>')
        return match[1] + b't="s"><v>%d</v></c>' % (len(texts) - 1)

    name = "xl/worksheets/sheet1.xml"
    inline = re.compile(rb'(<c [^>]*)t="inlineStr"><is><t>(.*?)</t></is></c>', re.DOTALL)
    parts[name] = inline.sub(move, parts[name])
    assert len(texts) > len(ROWS[0])
    parts["xl/sharedStrings.xml"] = b"<sst>" + b"".join(texts) + b"</sst>"
    link = (
        b'<Relationship Id="x" Type="http://x/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    )
    rels = "xl/_rels/workbook.xml.rels"
    parts[rels] = parts[rels].replace(b"</Relationships>", link)
    return parts


def test_dates_as_numbers_shared_texts_and_prefixes(read, write, make_workbook, make_zip):
    """Excel writes dates as styled numbers and texts once; other programs give every element a prefix."""
    rows = [ROWS[0], ["1", "A", "杯\n子", 2, datetime(2010, 12, 1, 8, 26, 30), 1.1 + 2.2, 7, "中国"]]  # noqa: DTZ001
    parts = share_texts(parts_of(make_workbook(rows)))
    sheet = re.sub(rb"<(/?)([a-zA-Z])", rb"<\1x:\2", parts["xl/worksheets/sheet1.xml"]).replace(b"xmlns=", b"xmlns:x=")
    for xml in (parts["xl/worksheets/sheet1.xml"], sheet):
        parts["xl/worksheets/sheet1.xml"] = xml
        (line,) = read(write("a.xlsx", make_zip(parts)), ORDER_FILES)
        assert line.created_at == datetime(2010, 12, 1, 0, 26, 30, tzinfo=UTC)
        assert (line.title, str(line.unit_price), line.buyer_ref) == ("杯 子", "3.3", "7")


def test_a_tag_without_end_is_refused(read, write, make_workbook, make_zip):
    parts = parts_of(make_workbook(ROWS))
    junk = bytes(random.Random(1).choices(range(97, 123), k=6 * limits.MIB))
    parts["xl/worksheets/sheet1.xml"] = b'<worksheet><sheetData><row r="1" x="' + junk
    with pytest.raises(errors.FileTooLarge):
        read(write("a.xlsx", make_zip(parts)), ORDER_FILES)


def test_a_cell_without_end_is_refused(read, write, make_workbook, make_zip):
    parts = parts_of(make_workbook(ROWS))
    junk = bytes(random.Random(1).choices(range(97, 123), k=limits.MIB))
    xml = b'<worksheet><sheetData><row r="1"><c t="str"><v>' + junk + b"</v></c></row></sheetData></worksheet>"
    parts["xl/worksheets/sheet1.xml"] = xml
    with pytest.raises(errors.FileTooLarge):
        read(write("a.xlsx", make_zip(parts)), ORDER_FILES)


def test_too_many_columns_are_refused(read, write):
    wide = ",".join(["x"] * (limits.COLUMNS_MAX + 1))
    with pytest.raises(errors.FileTooLarge):
        read(write("a.csv", f"{TEXT}{wide}\n"), ORDER_FILES)
    with pytest.raises(errors.FileTooLarge):
        read(write("a.xlsx", [*ROWS, wide.split(",")]), ORDER_FILES)


def test_cut_and_garbled_files_are_refused_or_read_and_never_crash(read, write, make_workbook, make_zip):
    """Whatever happens to the bytes, the answer is rows or a refusal of the family."""
    chance = random.Random(7)
    longer = TEXT + "".join(f'{n},A,"杯子, 大",2,12/1/10 8:26,1.50,7,中国\n' for n in range(3, 60))
    originals = {
        "a.csv": longer.encode("gbk"),
        "a.csv.gz": None,
        "a.zip": None,
        "a.xlsx": make_workbook([line.split(",") for line in longer.splitlines()]),
    }
    outcomes = set()
    for name, content in originals.items():
        whole = content or write(name, longer.encode()).read_bytes()
        for _ in range(60):
            bad = bytearray(whole)
            if chance.random() < 0.4:
                del bad[chance.randrange(1, len(bad)) :]
            for _ in range(chance.randrange(0, 12)):
                bad[chance.randrange(len(bad))] = chance.randrange(256)
            path = write("bad.bin", bytes(bad))
            try:
                rows = read(path, ORDER_FILES)
            except errors.FileRefused as refused:
                outcomes.add(type(refused).__name__)
            else:
                outcomes.add("read")
                assert all(isinstance(row, FileLine) or row.reason for row in rows)
    assert {"read", "FileBroken"} <= outcomes


def test_a_cut_gzip_names_the_row_where_it_ends(read, write):
    rows = "".join(f"{n},A{n * 7919 % 1000},x{n * 104729},2,12/1/10 8:26,1.50,7,UK\n" for n in range(30_000))
    path = write("a.csv.gz", f"{HEADER}\n{rows}")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(errors.FileBroken) as refused:
        read(path, ORDER_FILES)
    row = refused.value.details["row"]
    assert isinstance(row, int)
    assert 10_000 < row < 20_000


def test_a_byte_that_is_no_text_is_told_with_its_row(read, write):
    rows = [f"{n},A,杯子,2,12/1/10 8:26,1.50,7,中国" for n in range(1, 40)]
    body = "\n".join([HEADER, *rows, ""]).encode()
    for bad in (b"\xff\xff\x81", b"\xe6\xff", b"\xc0"):  # the last two are letters to Windows-1252: no way out here
        damaged = body.replace(b"30,A,", b"30,A" + bad + b",", 1)
        with pytest.raises(errors.EncodingUnknown) as refused:
            read(write("a.csv", damaged), ORDER_FILES)
        assert refused.value.details["row"] == 31
        assert "第 31 行" in refused.value.text("zh-Hans").sentence
        assert "row 31" in refused.value.text("en").sentence


def test_a_nul_in_a_cell_is_told_with_its_row(read, write):
    with pytest.raises(errors.FileBroken) as refused:
        read(write("a.csv", TEXT.replace("袜子", "袜\x00子")), ORDER_FILES)
    assert refused.value.details["row"] == 3
    with pytest.raises(errors.FileKindUnknown):
        read(write("b.csv", TEXT.encode("utf-16-le")), ORDER_FILES)  # every other byte: no damage, another encoding


@pytest.mark.parametrize("kept", [0.5, 0.8, 0.95])
def test_a_cut_workbook_is_told_with_the_row_where_it_ends(read, write, make_workbook, kept):
    """The archive's directory is gone; what was written before the cut still says how far it goes."""
    shuffled = random.Random(7)
    rows = [ROWS[0], *([str(n), shuffled.randbytes(8).hex(), "杯", 1, "2011-01-02", 1.5, 7, ""] for n in range(500))]
    whole = make_workbook(rows)
    sheet_at = whole.index(b"xl/worksheets/sheet1.xml")
    sheet_bytes = zipfile.ZipFile(io.BytesIO(whole)).getinfo("xl/worksheets/sheet1.xml").compress_size
    with pytest.raises(errors.FileBroken) as refused:
        read(write("a.xlsx", whole[: sheet_at + int(sheet_bytes * kept)]), ORDER_FILES)
    row = refused.value.details["row"]
    assert 500 * (kept - 0.15) < row < 500 * min(kept + 0.15, 1) + 1


def test_a_workbook_that_is_cut_before_its_first_row_and_a_cut_zip(read, write, make_workbook, make_zip):
    for content, row in ((make_workbook(ROWS)[:200], 1), (make_zip({"a.csv": TEXT.encode()})[:-60], 4)):
        with pytest.raises(errors.FileBroken) as refused:
            read(write("a.bin", content), ORDER_FILES)
        assert refused.value.details["row"] == row
