from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import openpyxl
import pytest

from hutong.platforms.files import FileContext, FileLine, OrderFiles, RowRefused
from hutong.platforms.tables.cells import CHINA
from hutong.platforms.tables.reader import tables


@pytest.fixture
def read() -> Callable[..., list[FileLine | RowRefused]]:
    def run(path: Path, files: OrderFiles, currency: str = "CNY") -> list[FileLine | RowRefused]:
        context = FileContext(currency=currency, zone=CHINA)
        found = []
        for table in tables(path, files, "test"):
            found.extend(files.read(table.header, table.rows, context))
        return found

    return run


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file as its name asks: text as given (in an encoding), rows as a workbook."""

    def run(name: str, content: str | bytes | Sequence[Sequence[object]], encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        if isinstance(content, str):
            content = content.encode(encoding)
        if not isinstance(content, bytes):
            content = workbook(content)
        if name.endswith(".gz"):
            content = gzip.compress(content)
        if name.endswith(".zip"):
            content = zipped({"inside.csv": content})
        path.write_bytes(content)
        return path

    return run


def workbook(*sheets: Sequence[Sequence[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, 1):
        sheet = book.create_sheet(f"sheet{number}")
        for row in rows:
            sheet.append(list(row))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def make_workbook() -> Callable[..., bytes]:
    return workbook


@pytest.fixture
def make_zip() -> Callable[..., bytes]:
    return zipped
