"""The metadata that every domain adds its tables to, and the tables of the floor itself."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    TextClause,
    Uuid,
    text,
)

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: Tables without row-level security. `directory` finds the merchant before any is known; the others are not ours.
UNPROTECTED_TABLES: Final = frozenset({"directory", "alembic_version"})


def moment(name: str, *, nullable: bool = False, server_default: TextClause | None = None) -> Column[object]:
    """A column for an aware time; its name ends in ``_at``."""
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=server_default)


#: Which merchant a link code, API key, callback path or login belongs to. Keys are stored as SHA-256 only.
directory: Final = Table(
    "directory",
    METADATA,
    Column("kind", Text, nullable=False),
    Column("key_hash", LargeBinary, nullable=False),
    Column("merchant_id", Uuid, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    PrimaryKeyConstraint("kind", "key_hash"),
)

#: Every event, in the transaction of the change it tells of.
outbox: Final = Table(
    "outbox",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    moment("occurred_at"),
    PrimaryKeyConstraint("merchant_id", "event_id"),
)

#: Which events still wait for their handlers. A row comes with its event and goes with the handing over.
undelivered: Final = Table(
    "undelivered",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False),
    PrimaryKeyConstraint("merchant_id", "event_id"),
)

#: Which handler has taken which event: effects happen once.
inbox: Final = Table(
    "inbox",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("handler", Text, nullable=False),
    Column("event_id", Uuid, nullable=False),
    moment("taken_at"),
    PrimaryKeyConstraint("merchant_id", "handler", "event_id"),
)

#: Raw callbacks, verified and stored before they are acknowledged; `external_id` is the platform's own notice id.
inbound: Final = Table(
    "inbound",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("inbound_id", Uuid, nullable=False),
    Column("body", LargeBinary, nullable=False),  # raw, as it came
    Column("notice", LargeBinary, nullable=False),  # what was verified and decrypted, sealed
    moment("received_at"),
    PrimaryKeyConstraint("merchant_id", "connection_id", "external_id"),
)

#: Work to do, at or after `due_at` by the hub's clock. The queue only carries the key of a row that is due.
job: Final = Table(
    "job",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("job_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("dedupe_key", Text),
    Column("last_error", Text),
    moment("due_at"),
    moment("created_at"),
    moment("finished_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "job_id"),
    Index("ix_job_due", "due_at", postgresql_where=text("state = 'waiting'")),
    Index(
        "ix_job_open", "merchant_id", "kind", "dedupe_key", unique=True, postgresql_where=text("finished_at IS NULL")
    ),
)

#: Wrapped data keys of the vault.
merchant_key: Final = Table(
    "merchant_key",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("key_id", Integer, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "key_id"),
)

#: Answers of requests that carried an Idempotency-Key, kept with the digest of what was asked.
idempotency: Final = Table(
    "idempotency",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("key", Text, nullable=False),
    Column("request_digest", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "key"),
)
