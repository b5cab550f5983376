"""Tables of alliances: addresses that carry what an order came by, and the lines of orders that came by them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
    true,
)

from hutong.db.tables import METADATA, moment

#: A link whose pages an alliance was asked about. `link_changed_at`: as it was changed last then; `again_at`: addresses
#: grow old, and goods may join an alliance later.
link_promotion: Final = Table(
    "link_promotion",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    moment("link_changed_at"),
    moment("again_at"),
    PrimaryKeyConstraint("merchant_id", "connection_id", "link_id"),
)

#: What an alliance said of one page that a link leads to. `outcome`: made, refused, or off (places.py). `told_as`: what
#: orders tell of the address; it belongs to the link as a whole, single clicks have addresses of their own where
#: `carries` is click. `code`, `message`: the platform's words where it refused.
promoted_place: Final = Table(
    "promoted_place",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("page_url", Text, nullable=False),
    Column("platform", Text, nullable=False),  # the alliance's connector
    Column("carries", Text, nullable=False),  # click or link
    Column("outcome", Text, nullable=False),
    Column("told_as", Text, nullable=False, server_default=text("''")),
    Column("url", Text, nullable=False, server_default=text("''")),
    Column("app_url", Text, nullable=False, server_default=text("''")),
    Column("share_code", Text, nullable=False, server_default=text("''")),
    Column("code", Text, nullable=False, server_default=text("''")),
    Column("message", Text, nullable=False, server_default=text("''")),
    moment("asked_at"),
    moment("changed_at"),
    PrimaryKeyConstraint("merchant_id", "connection_id", "link_id", "page_url"),
    Index("ix_promoted_place_link", "merchant_id", "link_id"),
    Index("ix_promoted_place_changed", "changed_at"),
)

#: What orders tell of an address, and whose it is: kept when the address is made anew, as buyers come by old ones for
#: weeks.
promoted_mark: Final = Table(
    "promoted_mark",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("told_as", Text, nullable=False),
    Column("link_id", Uuid, nullable=False),
    moment("made_at"),
    PrimaryKeyConstraint("merchant_id", "connection_id", "told_as"),
)

#: One line of an order that came by an alliance's address, as the alliance told it last, by whichever account
#: (`connection_id`). `status` and `rank` order
#: versions of one moment; `mark`: what the address carried; link, channel and click: whom that names here.
promoted_line: Final = Table(
    "promoted_line",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("order_no", Text, nullable=False),
    Column("line_id", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("source", Text, nullable=False),  # the platform whose order it is
    Column("mark", Text, nullable=False),
    Column("goods_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("paid_minor", BigInteger, nullable=False),
    Column("commission_minor", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("rank", SmallInteger, nullable=False),
    Column("raw_status", Text, nullable=False),
    Column("link_id", Uuid),
    Column("channel_id", Uuid),
    Column("click_id", Uuid),
    moment("placed_at"),
    moment("paid_at", nullable=True),
    moment("clicked_at", nullable=True),
    moment("changed_at"),
    moment("seen_at"),
    PrimaryKeyConstraint("merchant_id", "source", "order_no", "line_id"),
    Index("ix_promoted_line_placed", "merchant_id", "placed_at"),
)

#: An order of those lines that came by one of our links, once. `order_id`: what its touches stand under;
#: `shop_order_id`: the same order as a connected shop tells it, which counts in its place; `evidence` to `click_id`:
#: the strongest tie of its paid lines; `is_sold`: at least one line is paid and not taken back, and `paid_minor` is the
#: sum of those; `was_sold`: it was so once; `is_named`: something that counts of it names the link, else it is kept for
#: the comparisons that have counted it, and nothing else reads it.
promoted_order: Final = Table(
    "promoted_order",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("source", Text, nullable=False),
    Column("order_no", Text, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("shop_order_id", Uuid),
    Column("evidence", Text, nullable=False),
    Column("word", Text, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("click_id", Uuid),
    Column("currency", Text, nullable=False),
    Column("paid_minor", BigInteger, nullable=False),
    Column("is_sold", Boolean, nullable=False),
    Column("was_sold", Boolean, nullable=False),
    Column("is_named", Boolean, nullable=False, server_default=true()),
    moment("placed_at"),
    moment("paid_at"),
    PrimaryKeyConstraint("merchant_id", "source", "order_no"),
    Index("ix_promoted_order_link", "merchant_id", "link_id"),
    Index("ix_promoted_order_click", "merchant_id", "click_id"),
)

#: All tables of this file, for the migration's `tenancy.protect`.
PROTECTED_TABLES: Final = ("link_promotion", "promoted_place", "promoted_mark", "promoted_line", "promoted_order")
