"""A statement as a download."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Final
from urllib.parse import quote

from litestar import Response

from hutong.web.i18n import Catalogues, Locale
from hutong.web.labels import mark
from hutong.web.papers.printed import statement_pdf
from hutong.web.papers.reading import StatementPaper
from hutong.web.papers.tables import statement_csv, statement_xlsx
from hutong.web.papers.words import PaperWords


class FileForm(StrEnum):
    """What a statement can be taken as."""

    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"


MEDIA_TYPES: Final = {
    FileForm.CSV: "text/csv; charset=utf-8",
    FileForm.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileForm.PDF: "application/pdf",
}
_MAKERS: Final = {FileForm.CSV: statement_csv, FileForm.XLSX: statement_xlsx, FileForm.PDF: statement_pdf}


async def statement_file(
    paper: StatementPaper, form: FileForm, catalogues: Catalogues, locale: Locale, headers: dict[str, str]
) -> Response[bytes]:
    """The file with its name. It is made in a thread: a long one must not hold up anybody else's answer."""
    words = PaperWords(catalogues, locale, paper.timezone)
    content = await asyncio.to_thread(_MAKERS[form], paper, words)
    return Response(
        content=content,
        media_type=MEDIA_TYPES[form],
        headers={**headers, "content-disposition": _named(paper, form, words)},
    )


def _named(paper: StatementPaper, form: FileForm, words: PaperWords) -> str:
    """RFC 6266: a name in the reader's language, and one of plain letters for programs that do not know it."""
    row = paper.statement
    days = (words.formats.date_digits(row.period_start_at), words.formats.day_before(row.period_end_at))
    plain = f"hutong-statement-{'-'.join(days)}.{form}"
    full = f"{words.say(mark('结算单'))}-{row.party_name}-{'-'.join(days)}.{form}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(full, safe='')}"
