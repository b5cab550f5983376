"""Tables of endpoints, of what is delivered to them, and of each attempt."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from hutong.db.tables import METADATA, moment

#: Where a merchant's own systems hear events. `event_types`: public names, `payment.*`, or `*`. Secrets are sealed; the
#: old one signs too until `old_secret_until_at`. `failing_since_at`: nothing arrived since then. `rests_until_at`:
#: until then nothing is sent to one that fails, unless somebody asks. `is_slow`: an answer of the last round took long.
webhook_endpoint: Final = Table(
    "webhook_endpoint",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("endpoint_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("event_types", ARRAY(Text), nullable=False),
    Column("state", Text, nullable=False),
    Column("disabled_because", Text),
    Column("secret", LargeBinary, nullable=False),
    Column("old_secret", LargeBinary),
    moment("old_secret_until_at", nullable=True),
    moment("created_at"),
    moment("subscribed_at"),  # since when it hears what it hears now
    moment("last_success_at", nullable=True),
    moment("failing_since_at", nullable=True),
    moment("rests_until_at", nullable=True),
    moment("served_at", nullable=True),  # who was served longest ago is next
    Column("is_slow", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("merchant_id", "endpoint_id"),
)

#: An event on its way to one endpoint; its key makes it one, however often the event comes by. `next_try_at` is also
#: the claim of whoever sends: far enough ahead that the send is over by then. `tries_count` counts the sends of this
#: schedule that are over. `by_hand`: somebody asked for it just now, so that it goes before all others.
webhook_delivery: Final = Table(
    "webhook_delivery",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("endpoint_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts_count", Integer, nullable=False, server_default=text("0")),
    Column("tries_count", Integer, nullable=False, server_default=text("0")),
    Column("by_hand", Boolean, nullable=False, server_default=text("false")),
    moment("created_at"),
    moment("next_try_at", nullable=True),
    moment("ended_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "endpoint_id", "event_id"),
    Index(
        "ix_webhook_delivery_due",
        "merchant_id",
        "endpoint_id",
        "next_try_at",
        postgresql_where=text("state = 'waiting'"),
    ),
    Index(
        "ix_webhook_delivery_by_hand",
        "merchant_id",
        "endpoint_id",
        "next_try_at",
        postgresql_where=text("state = 'waiting' AND by_hand"),
    ),
    Index("ix_webhook_delivery_state", "merchant_id", "endpoint_id", "state", "event_id"),
)

#: One send. `status` 0: no answer, `trouble` says why. `answer` is the cut beginning of what was answered.
webhook_attempt: Final = Table(
    "webhook_attempt",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("endpoint_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("attempt_no", Integer, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("trouble", Text, nullable=False, server_default=text("''")),
    Column("answer", Text, nullable=False, server_default=text("''")),
    Column("duration_ms", Integer, nullable=False),
    moment("attempted_at"),
    PrimaryKeyConstraint("merchant_id", "endpoint_id", "event_id", "attempt_no"),
)

#: All tables of this room, for the migration's `tenancy.protect`.
PROTECTED_TABLES: Final = ("webhook_endpoint", "webhook_delivery", "webhook_attempt")
