"""Table of files of links."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from hutong.db.tables import METADATA, moment

#: A file of links: looked at first, then made as a whole, once. `digest`: of what its rows say, so that the same file
#: is the same batch whatever it is called. `body`: its rows, gone once they are links; `link_ids` then, in their order.
link_batch: Final = Table(
    "link_batch",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("batch_id", Uuid, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("rows_count", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("link_ids", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
    moment("created_at"),
    moment("made_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "batch_id"),
    UniqueConstraint("merchant_id", "digest"),
    Index("ix_link_batch_created", "merchant_id", "created_at"),
)

#: All tables of this file, for the migration's `tenancy.protect`.
PROTECTED_TABLES: Final = ("link_batch",)
