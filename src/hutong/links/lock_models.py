"""The table of links that ask for a password."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, PrimaryKeyConstraint, Table, Text, Uuid

from hutong.db.tables import METADATA, moment

#: A link's password, as a hash alone. ``lock_id`` is another one with each password: whoever came through by the one
#: before is asked again.
link_lock: Final = Table(
    "link_lock",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("lock_id", Uuid, nullable=False),
    Column("password_hash", Text, nullable=False),
    moment("changed_at"),
    PrimaryKeyConstraint("merchant_id", "link_id"),
)
