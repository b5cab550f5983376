"""Tables of link-in-bio pages."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, PrimaryKeyConstraint, SmallInteger, Table, Text, UniqueConstraint, Uuid

from hutong.db.tables import METADATA, moment

#: A page of links for a profile. Its links are made in a channel of its own, so that its clicks are counted apart.
bio: Final = Table(
    "bio",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("bio_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),  # in the address; nobody else's on this hub
    Column("channel_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("picture_id", Uuid),
    Column("theme", Text, nullable=False),
    Column("state", Text, nullable=False),  # draft or live
    moment("created_at"),
    moment("changed_at"),
    PrimaryKeyConstraint("merchant_id", "bio_id"),
    UniqueConstraint("merchant_id", "name"),
)

bio_entry: Final = Table(
    "bio_entry",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("bio_id", Uuid, nullable=False),
    Column("entry_id", Uuid, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("label", Text, nullable=False),
    Column("link_id", Uuid, nullable=False),
    PrimaryKeyConstraint("merchant_id", "bio_id", "entry_id"),
)
