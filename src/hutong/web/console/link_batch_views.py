"""Pages of files of links: the form, a look at a file, and what was made of it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from hutong.core.errors import ErrorText
from hutong.links.batches import LinkBatch, MadeLink
from hutong.links.bulk import BulkRow
from hutong.web.console.views import View


class BatchesView(View, frozen=True, kw_only=True):
    """The form for a file, and the latest files. ``columns``: name and help of each; ``refusal``: of the file sent."""

    rows: tuple[LinkBatch, ...]
    columns: tuple[tuple[str, str], ...]
    rows_max: int
    refusal: ErrorText | None = None


class WrongRow(View, frozen=True, kw_only=True):
    """A row that is no link: which cell, what stands there, why not, and what helps."""

    row_no: int
    column: str
    value: str
    text: ErrorText


class GoodRow(View, frozen=True, kw_only=True):
    """A row and the link that it would be. ``leads_to``: as it was written."""

    row_no: int
    link: BulkRow
    leads_to: str


class BatchView(View, frozen=True, kw_only=True):
    """A look at a file; nothing is made yet. The lists are cut, the counts are of all rows."""

    batch_id: UUID
    file_name: str
    wrong: tuple[WrongRow, ...]
    wrong_count: int
    good: tuple[GoodRow, ...]
    good_count: int
    channels_count: int
    unused: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    refusal: ErrorText | None = None


class MadeRow(View, frozen=True, kw_only=True):
    """A link that was made, with its public address and what it sells where it leads to the cash desk."""

    link: MadeLink
    address: str
    seller_code: str


class BatchDoneView(View, frozen=True, kw_only=True):
    """What was made of a file. ``is_again``: the same file was just sent once more."""

    batch_id: UUID
    file_name: str
    made_at: datetime
    rows: tuple[MadeRow, ...]
    count: int
    channels_count: int
    tags_count: int
    is_again: bool = False
