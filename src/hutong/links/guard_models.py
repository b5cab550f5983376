"""Tables of what keeps links honest: own hosts, switches, reports, and whether destinations answer."""

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
    UniqueConstraint,
    Uuid,
    text,
)

from hutong.db.tables import METADATA, moment

#: A merchant's own host, and whether it was proven to be his. `host`: as it stands in an address, in lower case and in
#: its ASCII form. `failures`: checks in a row that found no proof. `is_shown`: links are written with this host.
own_host: Final = Table(
    "own_host",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("host_id", Uuid, nullable=False),
    Column("host", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("failures", SmallInteger, nullable=False, server_default=text("0")),
    Column("trouble", Text, nullable=False, server_default=text("''")),  # why the last check found no proof
    Column("is_shown", Boolean, nullable=False, server_default=text("false")),
    moment("created_at"),
    moment("checked_at", nullable=True),
    moment("verified_at", nullable=True),
    moment("changed_at"),
    PrimaryKeyConstraint("merchant_id", "host_id"),
    UniqueConstraint("merchant_id", "host"),
    Index("ix_own_host_changed", "changed_at"),
)

#: All links of a merchant at once: one row for a switch that was ever used, so that no link has to be rewritten.
link_switch: Final = Table(
    "link_switch",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("is_off", Boolean, nullable=False),
    moment("changed_at"),
    PrimaryKeyConstraint("merchant_id"),
    Index("ix_link_switch_off", "merchant_id", postgresql_where=text("is_off")),
)

#: What visitors told of a link. `address_hash` tells them apart and is of no other use.
link_report: Final = Table(
    "link_report",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("report_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("reason", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("address_hash", LargeBinary, nullable=False),
    moment("reported_at"),
    PrimaryKeyConstraint("merchant_id", "report_id"),
    Index("ix_link_report_link", "merchant_id", "link_id", "reported_at"),
)

#: Whether the page that a link leads to answers. `outcome`: ok, broken or unclear; `answer`: the status, 0
#: without one; `trouble` says why. `failures`: checks in a row that found it broken.
link_health: Final = Table(
    "link_health",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("url", Text, nullable=False),  # what was looked at: another address begins anew
    Column("outcome", Text, nullable=False),
    Column("answer", SmallInteger, nullable=False),
    Column("trouble", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    moment("broken_since_at", nullable=True),
    moment("checked_at"),
    PrimaryKeyConstraint("merchant_id", "link_id"),
    Index("ix_link_health_checked", "merchant_id", "checked_at"),
)

#: All tables of this file, for the migration's `tenancy.protect`.
PROTECTED_TABLES: Final = ("own_host", "link_switch", "link_report", "link_health")
