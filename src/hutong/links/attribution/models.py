"""Tables of ties: what orders are tied to, who brought whom, and what was told before its order was known."""

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
    false,
    text,
)

from hutong.db.tables import METADATA, moment

#: The strongest evidence of each order. Orders of our own checkout need no row: their click stands in the order.
order_tie: Final = Table(
    "order_tie",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("strength", SmallInteger, nullable=False),  # evidence.STRENGTH
    Column("confidence_bps", Integer, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("click_id", Uuid),
    Column("word", Text, nullable=False, server_default=text("''")),
    moment("tied_at"),
    PrimaryKeyConstraint("merchant_id", "order_id"),
    Index("ix_order_tie_channel", "merchant_id", "channel_id"),
    Index("ix_order_tie_link", "merchant_id", "link_id"),
    Index("ix_order_tie_click", "merchant_id", "click_id"),
)

#: What the same person touched before an order, its own click too;
#: an order of our own checkout only with more than that.
order_touch: Final = Table(
    "order_touch",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("touch_id", Uuid, nullable=False),  # the click, or the link whose word was given
    Column("channel_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    moment("touched_at"),
    PrimaryKeyConstraint("merchant_id", "order_id", "touch_id"),
)

#: Who brought whom: the click through whose forwarded address another visitor came.
click_parent: Final = Table(
    "click_parent",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("click_id", Uuid, nullable=False),
    Column("parent_id", Uuid, nullable=False),
    moment("told_at"),
    PrimaryKeyConstraint("merchant_id", "click_id"),
)

#: Clicks of one person, where a wallet or the merchant's own mini-program said who it is; ``mark`` is a blind index.
click_person: Final = Table(
    "click_person",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("click_id", Uuid, nullable=False),
    Column("mark", LargeBinary, nullable=False),
    moment("seen_at"),
    PrimaryKeyConstraint("merchant_id", "click_id", "mark"),
    Index("ix_click_person_mark", "merchant_id", "mark", "seen_at"),
)

#: A click that arrived, as the destination told.
visit: Final = Table(
    "visit",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("click_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    moment("visited_at"),
    PrimaryKeyConstraint("merchant_id", "click_id"),
)

#: Words that name one link: made for buyers to give, or coupons that only this link gives out.
link_word: Final = Table(
    "link_word",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("word", Text, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),  # code or coupon
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "word"),
    Index("ix_link_word_link", "merchant_id", "link_id"),
)

#: Evidence that was told of orders, known or not yet: their ties are made anew of it.
told_evidence: Final = Table(
    "told_evidence",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("source", Text, nullable=False),
    Column("order_no", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("touch_id", Uuid, nullable=False),  # the click, or the link
    Column("word", Text, nullable=False, server_default=text("''")),
    Column("is_remark", Boolean, nullable=False, server_default=false()),  # nobody else told it
    moment("told_at"),
    PrimaryKeyConstraint("merchant_id", "source", "order_no", "evidence", "touch_id"),
)
