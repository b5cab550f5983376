"""Tables of merchants, staff, keys, connections and tickets."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from hutong.db.tables import METADATA, moment

merchant: Final = Table(
    "merchant",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id"),
)

staff: Final = Table(
    "staff",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("staff_id", Uuid, nullable=False),
    Column("login", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    moment("created_at"),
    moment("disabled_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "staff_id"),
)

#: Console sessions; only a digest of the cookie is kept.
staff_session: Final = Table(
    "staff_session",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("staff_id", Uuid, nullable=False),
    moment("created_at"),
    moment("expires_at"),
    PrimaryKeyConstraint("merchant_id", "token_hash"),
)

api_key: Final = Table(
    "api_key",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("key_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("key_hash", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    moment("created_at"),
    moment("revoked_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "key_id"),
    UniqueConstraint("merchant_id", "key_hash"),
)

#: An authorised account on a platform; sandbox or live for ever. ``told``: of each credential fingerprint and dates.
#: ``earlier_credentials`` stay good for what comes in until ``earlier_ends_at``.
connection: Final = Table(
    "connection",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("platform", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("credentials", LargeBinary, nullable=False),
    Column("settings", JSONB, nullable=False),
    Column("told", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("earlier_credentials", LargeBinary, nullable=True),
    moment("earlier_ends_at", nullable=True),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "connection_id"),
)

#: What a person has to look at. `dedupe_key` keeps one trouble from filling the desk.
ticket: Final = Table(
    "ticket",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    Column("dedupe_key", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'open'")),
    moment("opened_at"),
    moment("resolved_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "ticket_id"),
    UniqueConstraint("merchant_id", "kind", "dedupe_key"),
    Index("ix_ticket_open", "merchant_id", "opened_at", postgresql_where=text("state = 'open'")),
)

#: Who looked at or changed what a role protects; append-only.
audit: Final = Table(
    "audit",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("audit_id", Uuid, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    moment("happened_at"),
    PrimaryKeyConstraint("merchant_id", "audit_id"),
)
