"""Tables of what a link looks like where it is shared: its card, pictures, and the shop's logo."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text, UniqueConstraint, Uuid

from hutong.db.tables import METADATA, moment

#: A picture as it is served: drawn anew from what was uploaded, never the uploaded bytes. `name` holds its digest.
picture: Final = Table(
    "picture",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("picture_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "picture_id"),
    UniqueConstraint("merchant_id", "name"),
)

#: What a link is shared as; an empty text or no picture: the default.
link_card: Final = Table(
    "link_card",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("picture_id", Uuid),
    moment("changed_at"),
    PrimaryKeyConstraint("merchant_id", "link_id"),
)

#: The shop's own picture: on cards that have none, and in the middle of QR codes.
shop_logo: Final = Table(
    "shop_logo",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("picture_id", Uuid, nullable=False),
    moment("changed_at"),
    PrimaryKeyConstraint("merchant_id"),
)
