"""Files of links that a shop owner writes: their columns by name, in Chinese or English, and their rows as texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from hutong.core.errors import ErrorText
from hutong.links.bulk import ROWS_MAX
from hutong.platforms.tables.cells import Uncomputed, code, words
from hutong.platforms.tables.errors import FileEmpty, FileRefused, FileTooLarge, HeaderNotFound
from hutong.platforms.tables.export import NEUTRAL_PREFIX, safe_cell
from hutong.platforms.tables.headers import Columns, as_written, normal_name
from hutong.platforms.tables.limits import HEADER_ROWS_MAX
from hutong.platforms.tables.reader import Table, tables

#: A cell is cut beyond this: longer than every field may be, so that it is still refused for its length.
CELL_CHARS_MAX: Final = 2_100
#: Characters of all cells of a file; ten thousand rows of usual links have two million.
FILE_CHARS_MAX: Final = 16_000_000
UNUSED_SHOWN_MAX: Final = 10

#: Fields of a row by what their column may be called; the first that is there counts.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "title": ("名称", "名稱", "链接名称", "連結名稱", "标题", "標題", "name", "title"),
    "destination": (
        *("打开后去哪里", "打開後去哪裡", "目标", "目標", "去处", "去處", "目标网址", "目標網址", "网址", "網址"),
        *("商品编码", "商品編碼", "商家编码", "商家編碼", "leads to", "destination", "url", "product code", "sku"),
    ),
    "channel": ("常用渠道", "渠道", "usual channel", "channel", "channels", "preset"),
    "channel_kind": ("渠道类型", "渠道類型", "kind of channel", "channel kind", "kind"),
    "channel_platform": ("发在哪个平台", "發在哪個平台", "平台", "posted on", "channel platform", "platform"),
    "channel_name": ("渠道名称", "渠道名稱", "channel name"),
    "tags": ("标签", "標籤", "tags", "tag"),
    "campaign": ("活动", "活動", "campaign"),
    "share_code": ("平台口令", "口令", "share code"),
    "expires_at": ("结束时间", "結束時間", "到期时间", "到期時間", "有效期", "end", "ends", "expires", "expires at"),
    "clicks_max": (
        "最多点击次数",
        "最多點擊次數",
        "点击上限",
        "點擊上限",
        "maximum clicks",
        "max clicks",
        "clicks max",
    ),
    "utm_source": ("utm_source",),
    "utm_medium": ("utm_medium",),
    "utm_campaign": ("utm_campaign",),
    "utm_term": ("utm_term",),
    "utm_content": ("utm_content",),
}
#: Without these no row can be a link.
NEEDED: Final = ("title", "destination")
#: Fields that are words for people; the others are codes, where a mark of text before them is taken off.
_RUNNING: Final = frozenset({"title", "channel_name", "campaign", "tags", "share_code"})
_KNOWN: Final = frozenset(normal_name(name) for names in COLUMNS.values() for name in names)
_ALIASES: Final = {field: tuple(normal_name(name) for name in names) for field, names in COLUMNS.items()}


class LinkHeaderNotFound(FileRefused):
    """None of the first rows is a header with the columns that a link needs."""

    code = "link_header_not_found"
    zh = ErrorText(
        "在文件“{name}”的前 {rows} 行里找不到表头。",
        "表头至少要有“名称”和“打开后去哪里”两列。",
        "请下载模板，把内容填在模板里，或把您的表头改成模板里的列名。",
    )
    en = ErrorText(
        "The first {rows} rows of “{name}” hold no header.",
        "It needs at least the columns “Name” and “Leads to”.",
        "Download the template and fill it in, or call your columns as the template does.",
    )


class NoLinksInFile(FileRefused):
    """A header, and no row below it."""

    code = "no_links_in_file"
    zh = ErrorText("文件“{name}”里没有要建的链接。", "表头下面没有内容。", "请在表头下面一行写一条链接，再上传。")
    en = ErrorText(
        "The file “{name}” holds no link.",
        "Nothing stands below its header.",
        "Write one link in each row below the header and upload it again.",
    )


class FileRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it was written, by field; ``row_no`` as a spreadsheet shows it.

    ``formulas``: fields whose value the file does not hold.
    """

    row_no: int
    cells: dict[str, str]
    formulas: tuple[str, ...] = ()


class LinkFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds. ``name``: it, and its sheet.

    Nothing is made of columns that are ``unused``, as they are not known, or there ``twice``.
    """

    name: str
    rows: tuple[FileRow, ...]
    unused: tuple[str, ...]
    twice: tuple[str, ...] = ()

    def digest(self) -> bytes:
        """The same for two files that say the same."""
        return sha256(msgspec.json.encode([(row.cells, row.formulas) for row in self.rows])).digest()


class _Header:
    """A header of links."""

    def recognises(self, header: Sequence[str]) -> bool:
        """Whether both needed columns are there."""
        return Columns(header, _ALIASES).has(*NEEDED)

    def bare_columns(self, _row: Sequence[str]) -> Sequence[str] | None:
        """A file without a header is not guessed at."""
        return None


def read_link_file(path: Path) -> LinkFile:
    """The rows of the first table with a header of links.

    Raises:
        FileRefused: the file cannot be read, is too large, has no such header or no row below it.
    """
    found = tables(path, _Header(), "")  # held on to: it keeps the file open while its rows are read
    try:
        table = next(found)
        columns = Columns(table.header, _ALIASES)
        rows = tuple(_rows(table, columns))
    except HeaderNotFound as error:
        raise LinkHeaderNotFound(name=path.name, rows=HEADER_ROWS_MAX) from error
    except FileEmpty as error:
        raise NoLinksInFile(name=path.name) from error
    left = columns.unused()
    return LinkFile(
        name=table.name,
        rows=rows,
        unused=_written(table, [name for name in left if name not in _KNOWN]),
        twice=_written(table, [name for name in left if name in _KNOWN]),
    )


def _written(table: Table, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(as_written(table.header, name) for name in names[:UNUSED_SHOWN_MAX])


def _rows(table: Table, columns: Columns) -> list[FileRow]:
    rows: list[FileRow] = []
    chars = 0
    for row_no, cells in table.rows:
        if len(rows) == ROWS_MAX:
            raise FileTooLarge(name=table.name, limit="rows", most=ROWS_MAX, row=row_no)
        raw = {field: columns.cell(cells, field) for field in COLUMNS}
        texts = {field: text for field, cell in raw.items() if (text := _text(field, cell))}
        formulas = tuple(field for field, cell in raw.items() if isinstance(cell, Uncomputed))
        if not texts and not formulas:
            continue  # filled in columns that nothing is made of
        chars += sum(map(len, texts.values()))
        if chars > FILE_CHARS_MAX:
            raise FileTooLarge(name=table.name, limit="characters", most=FILE_CHARS_MAX, row=row_no)
        rows.append(FileRow(row_no=row_no, cells=texts, formulas=formulas))
    if not rows:
        raise FileEmpty(name=table.name)
    return rows


def _text(field: str, cell: str) -> str:
    if field not in _RUNNING:
        return code(cell)[:CELL_CHARS_MAX]
    text = words(cell)
    bare = text.removeprefix(NEUTRAL_PREFIX)
    if bare != text and safe_cell(bare) == text:
        text = bare.strip()  # as our own downloads write it
    return text[:CELL_CHARS_MAX]
