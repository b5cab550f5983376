"""Tables of the pages that parties open on their phones: the links that lead in, and who came in by one."""

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

from hutong.db.tables import METADATA, moment

#: A link to a party's page; of its token only a digest is kept. One is alive for each party at most.
party_page_link: Final = Table(
    "party_page_link",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("page_link_id", Uuid, nullable=False),
    Column("party_id", Uuid, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("made_by", Text, nullable=False),
    moment("created_at"),
    moment("expires_at"),
    moment("ended_at", nullable=True),
    moment("opened_at", nullable=True),  # last
    Column("opened_count", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("merchant_id", "page_link_id"),
    UniqueConstraint("merchant_id", "token_hash", name="uq_party_page_link_token"),
    Index(
        "uq_party_page_link_alive", "merchant_id", "party_id", unique=True, postgresql_where=text("ended_at IS NULL")
    ),
)

#: A browser that came in by a link, by the digest of its cookie; worth nothing once the link is over.
party_page_visit: Final = Table(
    "party_page_visit",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("page_link_id", Uuid, nullable=False),
    moment("created_at"),
    moment("expires_at"),
    PrimaryKeyConstraint("merchant_id", "token_hash"),
    Index("ix_party_page_visit_link", "merchant_id", "page_link_id", "created_at"),
)
