"""Tables of channels, links and clicks."""

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
from sqlalchemy.dialects.postgresql import JSONB

from hutong.db.tables import METADATA, moment

#: Where visits come from: a post, a video, a poster, a person.
channel: Final = Table(
    "channel",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("name", Text, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "channel_id"),
)

link: Final = Table(
    "link",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("destination", Text, nullable=False),  # "checkout" or "url"
    Column("sku_id", Uuid),  # for "checkout"
    Column("url", Text),  # for "url"; host on the allow-list
    Column("campaign", Text),
    Column("share_code", Text),  # the platform's own code for the same, to copy where nothing else passes
    Column("state", Text, nullable=False),
    moment("created_at"),
    moment("expires_at", nullable=True),
    moment("changed_at"),
    PrimaryKeyConstraint("merchant_id", "link_id"),
    UniqueConstraint("merchant_id", "code"),
    Index("ix_link_changed", "changed_at"),
    Index("ix_link_campaign", "merchant_id", "campaign"),
)

#: What a merchant sorts links by.
link_tag: Final = Table(
    "link_tag",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("tag", Text, nullable=False),
    PrimaryKeyConstraint("merchant_id", "link_id", "tag"),
    Index("ix_link_tag_tag", "merchant_id", "tag"),
)

#: Every click, bots flagged and never dropped. Inserted by the ingest role, which can do nothing else.
click: Final = Table(
    "click",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("click_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("container", Text, nullable=False),
    Column("os", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("referrer", Text, nullable=False),  # a class: none, social, search, other
    Column("address_hash", LargeBinary, nullable=False),
    Column("is_bot", Boolean, nullable=False),
    moment("clicked_at"),
    Column("machine", Text, nullable=False, server_default=text("''")),  # its kind, where it is one
    PrimaryKeyConstraint("merchant_id", "click_id"),
    Index("ix_click_link", "merchant_id", "link_id", "clicked_at"),
    Index("ix_click_channel", "merchant_id", "channel_id", "clicked_at"),
    Index("ix_click_address", "merchant_id", "address_hash", "clicked_at"),
)

#: What became of each attempt to jump: one row for each form that a click has tried.
jump_try: Final = Table(
    "jump_try",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("click_id", Uuid, nullable=False),
    Column("form", Text, nullable=False),  # a name of the matrix
    Column("link_id", Uuid, nullable=False),
    Column("container", Text, nullable=False),
    Column("os", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("taps", SmallInteger, nullable=False),  # what the matrix said it costs
    Column("outcome", Text, nullable=False),  # left or stayed
    moment("tried_at"),
    Column("visitor", LargeBinary),  # his mark of the day (links/visitors.py); null: nobody knows, each click is one
    PrimaryKeyConstraint("merchant_id", "click_id", "form"),
    Index("ix_jump_try_cell", "merchant_id", "container", "destination", "tried_at"),
    Index("ix_jump_try_tried", "tried_at"),
)

#: Where each wall stands that visitors' pages have told enough of: between an app on one system and a destination.
wall: Final = Table(
    "wall",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("container", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("left_count", SmallInteger, nullable=False),  # of the last tries of the way that arrives best
    Column("tries_count", SmallInteger, nullable=False),
    Column("way", Text),  # what was told last of the app's own way: open or closed; null: nothing yet
    moment("since_at"),
    moment("measured_at"),
    moment("moved_at", nullable=True),  # when it, or its way, last became another than was known
    PrimaryKeyConstraint("merchant_id", "container", "system", "destination"),
)

#: A merchant's own word on a cell of the matrix: which attempts, in which order. Null: as the matrix has it again.
jump_choice: Final = Table(
    "jump_choice",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("container", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("picks", JSONB(none_as_null=True)),
    moment("changed_at"),
    PrimaryKeyConstraint("merchant_id", "container", "destination"),
    Index("ix_jump_choice_changed", "changed_at"),
)

#: The rules of a link that has some, as JSON (links/rules/model.py); ``revision`` rises with each change.
link_rules: Final = Table(
    "link_rules",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("revision", Integer, nullable=False),
    moment("changed_at"),
    PrimaryKeyConstraint("merchant_id", "link_id"),
)

#: Which rule and variant a click was led by. Inserted with the click, by the same role.
click_choice: Final = Table(
    "click_choice",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("click_id", Uuid, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("choice", Text, nullable=False),  # "r1", or "r1.v2"
    PrimaryKeyConstraint("merchant_id", "click_id"),
    Index("ix_click_choice_link", "merchant_id", "link_id", "choice"),
)
