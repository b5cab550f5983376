"""Pages of links for a profile: one a person or platform, each with links of its own channel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, delete, func, select, update

from hutong.core.errors import Conflict, ErrorText, InvalidInput, NotFound
from hutong.core.states import TransitionTable
from hutong.db.unit import Unit
from hutong.links.bio_models import bio, bio_entry
from hutong.links.cards import check_line
from hutong.links.models import link
from hutong.links.pictures import PictureView, get_picture
from hutong.links.service import ChannelKind, create_channel, create_link
from hutong.links.standing import Standing, standings
from hutong.links.switches import is_all_off
from hutong.merchants.directory import register

#: The directory's kind of a page's name, as :func:`skeleton` writes it.
BIO: Final = "bio"
BIOS_MAX: Final = 50
ENTRIES_MAX: Final = 30
TITLE_CHARS_MAX: Final = 30
ABOUT_CHARS_MAX: Final = 120
LABEL_CHARS_MAX: Final = 40
_NAME: Final = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,29}")
#: Names that a visitor would take for the hub's or a platform's own.
RESERVED: Final = frozenset(
    (
        "admin", "administrator", "alipay", "api", "app", "card", "checkout", "console", "douyin", "help", "home",
        "hutong", "huton", "jingdong", "kefu", "kuaishou", "login", "logout", "news", "official", "pay", "payment",
        "pinduoduo", "root", "safe", "security", "service", "settings", "shop", "signin", "static", "support", "system",
        "taobao", "tencent", "tmall", "unionpay", "user", "wechat", "weibo", "weixin", "www", "xiaohongshu",
    )
)  # fmt: skip


class Theme(StrEnum):
    """How a page looks; each follows the phone into the dark."""

    PAPER = "paper"
    JADE = "jade"
    SEAL = "seal"


class BioState(StrEnum):
    """Whether visitors see it."""

    DRAFT = "draft"
    LIVE = "live"


class BioEvent(StrEnum):
    """What the merchant does."""

    PUBLISH = "publish"
    HIDE = "hide"


BIO_STATES: Final = TransitionTable(
    "bio", {(BioState.DRAFT, BioEvent.PUBLISH): BioState.LIVE, (BioState.LIVE, BioEvent.HIDE): BioState.DRAFT}
)


class BioNameTaken(Conflict):
    """Somebody has this name already, or one that looks the same."""

    code = "bio_name_taken"
    zh = ErrorText("“{name}”已经有人用了。", "有一个同名的页面，或看起来一样的名字。", "换一个名字，例如加上地名。")
    en = ErrorText("“{name}” is taken.", "A page has this name, or one that looks the same.", "Choose another one.")


class BioFull(Conflict):
    """There is no room for another page, or for another line on a page."""

    code = "bio_full"
    zh = ErrorText("已经放满了。", "最多 {limit} 个。", "先拿掉不用的，再加新的。")
    en = ErrorText("There is no room for another one.", "{limit} at most.", "Take one away first.")


class BioEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the page. ``is_open``: its link leads somewhere now."""

    entry_id: UUID
    label: str
    code: str
    is_open: bool


class BioView(msgspec.Struct, frozen=True, kw_only=True):
    """A page with its lines in order. ``is_all_off``: the merchant has switched all links off, and with them this."""

    bio_id: UUID
    name: str
    channel_id: UUID
    title: str
    about: str
    theme: Theme
    state: BioState
    picture: PictureView | None
    entries: tuple[BioEntry, ...]
    changed_at: datetime
    is_all_off: bool = False


def skeleton(name: str) -> str:
    """What a name looks like: two names that look the same are one."""
    plain = name.replace("-", "").replace("rn", "m").replace("vv", "w")
    return plain.translate(str.maketrans("01i5", "olls"))


_RESERVED_LOOKS: Final = frozenset(skeleton(name) for name in RESERVED)


def check_name(name: str) -> str:
    """The name as it is kept.

    Raises:
        InvalidInput: not 3–30 letters, digits and single hyphens, or reserved.
    """
    plain = name.strip().lower()
    if not _NAME.fullmatch(plain) or len(plain) > LABEL_CHARS_MAX:
        raise InvalidInput(field="name", problem="a-z 0-9 -, 3–30")
    if skeleton(plain) in _RESERVED_LOOKS:
        raise InvalidInput(field="name", problem="reserved")
    return plain


async def create_bio(unit: Unit, name: str, title: str, about: str = "", theme: Theme = Theme.PAPER) -> BioView:
    """A new page, a draft. Its name is its address and stays for ever.

    Raises:
        InvalidInput, BioNameTaken, BioFull.
    """
    name = check_name(name)
    title = _title(title)
    count = await unit.scalar(select(func.count()).select_from(bio).where(bio.c.merchant_id == unit.merchant_id))
    if count >= BIOS_MAX:
        raise BioFull(limit=BIOS_MAX)
    bio_id = unit.new_id()
    if not await register(unit, BIO, skeleton(name), bio_id):
        raise BioNameTaken(name=name)
    now = unit.now()
    await unit.insert(
        bio,
        bio_id=bio_id,
        name=name,
        channel_id=await create_channel(unit, ChannelKind.PERSON, "other", f"{title} · /u/{name}"),
        title=title,
        about=check_line("about", about, ABOUT_CHARS_MAX),
        theme=theme.value,
        state=BioState.DRAFT.value,
        created_at=now,
        changed_at=now,
    )
    return await get_bio(unit, name)


async def change_bio(
    unit: Unit, name: str, *, title: str, about: str, theme: Theme, picture_id: UUID | None
) -> BioView:
    """Other words, another look, another picture.

    Raises:
        InvalidInput, NotFound.
    """
    if picture_id is not None:
        await get_picture(unit, picture_id)
    known = await get_bio(unit, name)
    await unit.run(
        update(bio)
        .where(bio.c.merchant_id == unit.merchant_id, bio.c.bio_id == known.bio_id)
        .values(
            title=_title(title),
            about=check_line("about", about, ABOUT_CHARS_MAX),
            theme=theme.value,
            picture_id=picture_id,
            changed_at=unit.now(),
        )
    )
    return await get_bio(unit, name)


async def show_bio(unit: Unit, name: str, *, is_live: bool) -> BioView:
    """Let visitors see the page, or nobody any more; doing it again changes nothing."""
    known = await get_bio(unit, name)
    event = BioEvent.PUBLISH if is_live else BioEvent.HIDE
    await unit.transition(bio, {"bio_id": known.bio_id}, BIO_STATES, event, changed_at=unit.now())
    return await get_bio(unit, name)


async def add_entry(
    unit: Unit, name: str, label: str, *, sku_id: UUID | None = None, url: str | None = None
) -> BioView:
    """A line at the end, with a link of the page's own channel.

    Raises:
        InvalidInput, NotFound, BioFull, DestinationNotAllowed.
    """
    known = await get_bio(unit, name)
    label = check_line("label", label, LABEL_CHARS_MAX)
    if not label:
        raise InvalidInput(field="label", problem=f"1–{LABEL_CHARS_MAX}")
    if len(known.entries) >= ENTRIES_MAX:
        raise BioFull(limit=ENTRIES_MAX)
    made = await create_link(unit, known.channel_id, label, sku_id=sku_id, url=url)
    await unit.insert(
        bio_entry,
        bio_id=known.bio_id,
        entry_id=unit.new_id(),
        position=len(known.entries),
        label=label,
        link_id=made.link_id,
    )
    return await get_bio(unit, name)


async def order_entries(unit: Unit, name: str, entry_ids: Sequence[UUID]) -> BioView:
    """Put the lines into this order; lines that are not named go away (their links stay and are counted on).

    Raises:
        InvalidInput: an id twice, or of no line of this page.
    """
    known = await get_bio(unit, name)
    there = [entry.entry_id for entry in known.entries]
    if len(set(entry_ids)) != len(entry_ids) or not set(entry_ids) <= set(there):
        raise InvalidInput(field="entry_ids", problem="each line of this page at most once")
    mine = (bio_entry.c.merchant_id == unit.merchant_id, bio_entry.c.bio_id == known.bio_id)
    await unit.run(delete(bio_entry).where(*mine, bio_entry.c.entry_id.not_in(entry_ids)))
    for position, entry_id in enumerate(entry_ids):
        await unit.run(update(bio_entry).where(*mine, bio_entry.c.entry_id == entry_id).values(position=position))
    return await get_bio(unit, name)


async def get_bio(unit: Unit, name: str) -> BioView:
    """A page by its name.

    Raises:
        NotFound: not this merchant's.
    """
    row = await unit.one(select(bio).where(bio.c.merchant_id == unit.merchant_id, bio.c.name == name))
    if row is None:
        raise NotFound(what="bio", key=name)
    return await _view(unit, row)


async def list_bios(unit: Unit) -> list[BioView]:
    """All pages, the oldest first."""
    statement = select(bio).where(bio.c.merchant_id == unit.merchant_id).order_by(bio.c.created_at, bio.c.bio_id)
    return [await _view(unit, row) for row in await unit.all(statement.limit(BIOS_MAX))]


async def _view(unit: Unit, row: Row[Any]) -> BioView:
    lines = await unit.all(
        select(bio_entry.c.entry_id, bio_entry.c.label, bio_entry.c.link_id, link.c.code)
        .join(link, (link.c.merchant_id == bio_entry.c.merchant_id) & (link.c.link_id == bio_entry.c.link_id))
        .where(bio_entry.c.merchant_id == unit.merchant_id, bio_entry.c.bio_id == row.bio_id)
        .order_by(bio_entry.c.position, bio_entry.c.entry_id)
        .limit(ENTRIES_MAX)
    )
    standing = await standings(unit, [line.link_id for line in lines])
    return BioView(
        bio_id=row.bio_id,
        name=row.name,
        channel_id=row.channel_id,
        title=row.title,
        about=row.about,
        theme=Theme(row.theme),
        state=BioState(row.state),
        picture=None if row.picture_id is None else await get_picture(unit, row.picture_id),
        entries=tuple(
            BioEntry(
                entry_id=line.entry_id,
                label=line.label,
                code=line.code,
                is_open=standing[line.link_id] is Standing.ACTIVE,
            )
            for line in lines
        ),
        changed_at=row.changed_at,
        is_all_off=await is_all_off(unit),
    )


def _title(title: str) -> str:
    plain = check_line("title", title, TITLE_CHARS_MAX)
    if not plain:
        raise InvalidInput(field="title", problem=f"1–{TITLE_CHARS_MAX}")
    return plain
