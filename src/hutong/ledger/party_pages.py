"""The way into a party's own page: a link that is shown once, works until it is replaced, ended or over.

A token is random and only its digest is kept, so that nobody who reads the database can go in by it. Whoever opens the
link gets a cookie of his own, and the token leaves the address bar; cookies die with the link that they came by.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, and_, delete, select, update

from hutong.core.errors import ErrorText, HutongError, NotFound
from hutong.crypto.digests import sha256
from hutong.db.unit import Unit
from hutong.ledger.models import party
from hutong.ledger.page_models import party_page_link, party_page_visit
from hutong.merchants.actors import Actor, write_down
from hutong.merchants.directory import PARTY_PAGE, register

#: After this a link is over by itself, and the merchant sends a new one.
LINK_LIFE: Final = timedelta(days=180)
#: After this a browser has to open the link anew.
VISIT_LIFE: Final = timedelta(days=30)
#: Browsers that one link keeps signed in; the oldest is forgotten first.
VISITS_PER_LINK_MAX: Final = 20
#: 192 bits.
TOKEN_BYTES: Final = 24
TOKEN_CHARS_MAX: Final = 64
LINKS_SHOWN_MAX: Final = 20


class PageLinkOver(HutongError):
    """A link to a party's page was replaced, switched off, or is too old."""

    code = "party_page_over"
    status = 410
    zh = ErrorText("这条链接已经失效。", "商家换了新链接、停用了它，或它已过期。", "请向商家要新的链接。")
    en = ErrorText(
        "This link is over.",
        "The merchant replaced it, switched it off, or it is too old.",
        "Ask the merchant for a new one.",
    )


class PageLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link as far as it may be told afterwards. ``opened_at``: when it was opened last."""

    page_link_id: UUID
    party_id: UUID
    made_by: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    opened_at: datetime | None
    opened_count: int

    def is_alive(self, now: datetime) -> bool:
        """Whether it still leads in."""
        return self.ended_at is None and now < self.expires_at


class MadeLink(msgspec.Struct, frozen=True, kw_only=True):
    """A new link with its token, which is told this once."""

    link: PageLink
    token: str

    def __repr__(self) -> str:
        return f"MadeLink({self.link.page_link_id})"


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody came in: whose page it is, and the cookie that opens it until ``expires_at``."""

    party_id: UUID
    cookie: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Entered({self.party_id})"


async def make_page_link(unit: Unit, actor: Actor, party_id: UUID) -> MadeLink:
    """A new link to a party's page; the one before it, and every browser that came in by it, is out.

    Raises:
        NotFound: no such party.
    """
    await _lock(unit, party_id)
    await _end(unit, party_id)
    token, now = secrets.token_urlsafe(TOKEN_BYTES), unit.now()
    link = PageLink(
        page_link_id=unit.new_id(),
        party_id=party_id,
        made_by=actor.name,
        created_at=now,
        expires_at=now + LINK_LIFE,
        ended_at=None,
        opened_at=None,
        opened_count=0,
    )
    await unit.insert(party_page_link, token_hash=sha256(token.encode()), **msgspec.structs.asdict(link))
    await register(unit, PARTY_PAGE, token, link.page_link_id)
    await write_down(unit, actor, "party_page.make", f"party:{party_id}")
    return MadeLink(link=link, token=token)


async def end_page_link(unit: Unit, actor: Actor, party_id: UUID) -> bool:
    """Switch a party's page off; False when there was nothing to switch off.

    Raises:
        NotFound: no such party.
    """
    await _lock(unit, party_id)
    if not await _end(unit, party_id):
        return False
    await write_down(unit, actor, "party_page.end", f"party:{party_id}")
    return True


async def page_links(unit: Unit, party_id: UUID) -> tuple[PageLink, ...]:
    """The latest links to a party's page, the newest first."""
    rows = await unit.all(
        select(party_page_link)
        .where(party_page_link.c.merchant_id == unit.merchant_id, party_page_link.c.party_id == party_id)
        .order_by(party_page_link.c.created_at.desc(), party_page_link.c.page_link_id.desc())
        .limit(LINKS_SHOWN_MAX)
    )
    return tuple(_link(row) for row in rows)


async def enter(unit: Unit, token: str) -> Entered:
    """Come in by a link.

    Raises:
        NotFound: there never was such a link.
        PageLinkOver: there was one.
    """
    now = unit.now()
    row = await unit.one(
        select(party_page_link)
        .where(party_page_link.c.merchant_id == unit.merchant_id)
        .where(party_page_link.c.token_hash == sha256(token.encode()))
        .with_for_update()
    )
    if row is None:
        raise NotFound(what="page link", key="…")
    if not _link(row).is_alive(now):
        raise PageLinkOver
    await unit.run(
        update(party_page_link)
        .where(party_page_link.c.merchant_id == unit.merchant_id, party_page_link.c.page_link_id == row.page_link_id)
        .values(opened_at=now, opened_count=party_page_link.c.opened_count + 1)
    )
    await _make_room(unit, row.page_link_id)
    key, expires_at = secrets.token_urlsafe(TOKEN_BYTES), min(now + VISIT_LIFE, row.expires_at)
    await unit.insert(
        party_page_visit,
        token_hash=sha256(key.encode()),
        page_link_id=row.page_link_id,
        created_at=now,
        expires_at=expires_at,
    )
    return Entered(party_id=row.party_id, cookie=f"{unit.merchant_id.hex}.{key}", expires_at=expires_at)


async def may_see(unit: Unit, party_id: UUID, cookie: str) -> bool:
    """Whether a browser's cookie opens this party's page now."""
    key = cookie.partition(".")[2]
    by_link = and_(
        party_page_link.c.merchant_id == party_page_visit.c.merchant_id,
        party_page_link.c.page_link_id == party_page_visit.c.page_link_id,
    )
    now = unit.now()
    found = await unit.scalar(
        select(party_page_link.c.party_id)
        .join(party_page_visit, by_link)
        .where(party_page_visit.c.merchant_id == unit.merchant_id)
        .where(party_page_visit.c.token_hash == sha256(key.encode()), party_page_visit.c.expires_at > now)
        .where(party_page_link.c.party_id == party_id)
        .where(party_page_link.c.ended_at.is_(None), party_page_link.c.expires_at > now)
    )
    return found is not None


async def _lock(unit: Unit, party_id: UUID) -> None:
    """Two who make a link at once follow each other.

    Raises:
        NotFound: no such party.
    """
    found = await unit.one(
        select(party.c.party_id)
        .where(party.c.merchant_id == unit.merchant_id, party.c.party_id == party_id)
        .with_for_update()
    )
    if found is None:
        raise NotFound(what="party", key=str(party_id))


async def _end(unit: Unit, party_id: UUID) -> bool:
    ended = await unit.run(
        update(party_page_link)
        .where(party_page_link.c.merchant_id == unit.merchant_id, party_page_link.c.party_id == party_id)
        .where(party_page_link.c.ended_at.is_(None))
        .values(ended_at=unit.now())
    )
    return bool(ended.rowcount)


async def _make_room(unit: Unit, page_link_id: UUID) -> None:
    """Forget browsers whose time is over, and the oldest where there are too many."""
    mine = (party_page_visit.c.merchant_id == unit.merchant_id) & (party_page_visit.c.page_link_id == page_link_id)
    newest = (
        select(party_page_visit.c.token_hash)
        .where(mine)
        .order_by(party_page_visit.c.created_at.desc(), party_page_visit.c.token_hash)
        .limit(VISITS_PER_LINK_MAX - 1)
    )
    old = party_page_visit.c.token_hash.not_in(newest) | (party_page_visit.c.expires_at <= unit.now())
    await unit.run(delete(party_page_visit).where(mine, old))


def _link(row: Row[Any]) -> PageLink:
    return PageLink(**{name: getattr(row, name) for name in PageLink.__struct_fields__})
