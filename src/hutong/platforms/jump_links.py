"""What a connector of an alliance takes and gives: addresses that carry a click's id, and the orders that came by them.

An alliance (多多进宝, 京东联盟, 淘宝联盟, 精选联盟) makes a promoter's address of an item's address in a signed call,
and tells with each order what that address carried.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol
from unicodedata import category

import msgspec

from hutong.core.money import Money
from hutong.platforms.account import Account

#: The longest mark that is given out: a click's id, its tag and its link's code (``links.tokens.carried_token``).
MARK_CHARS_MAX: Final = 40
#: What ends the ``raw_status`` of a line that its buyer disputed after the settlement, where the platform does not say
#: with it what of the commission is taken back.
DISPUTED: Final = " 维权"
#: Categories of control characters, NUL among them, and of halves of surrogate pairs.
_NOT_PLAIN: Final = frozenset({"Cc", "Cs"})


def plain_text(text: str) -> str:
    """A platform's text with a blank for each character that no page shows and PostgreSQL may not hold."""
    return "".join(" " if category(char) in _NOT_PLAIN else char for char in text)


def is_plain(text: str) -> bool:
    """Whether a platform's text can be kept as it is: what means something else once changed (ids, addresses)."""
    return all(category(char) not in _NOT_PLAIN for char in text)


class Carries(StrEnum):
    """What an alliance's address stands for."""

    CLICK = "click"  # an argument of the call takes any mark: each click has an address of its own
    LINK = "link"  # addresses belong to places that are made one by one: each link has one


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """What to promote: the item's page as the link has it, what it names (``item``, ``goods``), and the mark.

    ``mark``: letters and digits, MARK_CHARS_MAX at most.
    """

    url: str
    names: dict[str, str]
    mark: str


class Promoted(msgspec.Struct, frozen=True, kw_only=True):
    """An address that carries. ``told_as``: what orders will tell of it; the mark itself, or the place's own number.

    ``app_url``: the same for the app, ``share_code``: its code to copy; empty where the platform gave none.
    """

    url: str
    told_as: str
    app_url: str = ""
    share_code: str = ""


class PromotedStatus(StrEnum):
    """A promoted order in our words. An unknown status of the platform is PENDING and moves nothing."""

    PENDING = "pending"
    UNPAID = "unpaid"
    PAID = "paid"
    RECEIVED = "received"  # the buyer confirmed; the commission can still be refused
    SETTLED = "settled"  # the commission is paid, or will be
    VOID = "void"  # closed, refunded, or refused: there is no commission


class PromotedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One item of an order that came by an address. ``changed_at`` orders versions: an older one moves nothing back.

    ``order_no``: the order's number as buyer and shop know it. ``line_id``: tells the lines of one order apart, the
    same in each answer. ``commission``: what the promoter gets, estimated until SETTLED. ``raw_status``: the
    platform's own word, and DISPUTED where that is so. ``clicked_at``: when the address was opened, where the platform
    says so.
    """

    order_no: str
    line_id: str
    mark: str
    goods_id: str
    title: str
    quantity: int
    paid: Money
    commission: Money
    status: PromotedStatus
    raw_status: str
    placed_at: datetime
    changed_at: datetime
    paid_at: datetime | None = None
    clicked_at: datetime | None = None


class PromotedPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of changed lines; ``next_cursor`` is None on the last page of the window."""

    lines: tuple[PromotedLine, ...]
    next_cursor: str | None


class JumpLinks(Protocol):
    """Capability: make addresses that carry a mark, and read the orders that came by them."""

    @property
    def destinations(self) -> tuple[str, ...]:
        """The destinations of links (see links) whose items can be promoted."""
        ...

    @property
    def sells_on(self) -> str:
        """The platform whose orders the alliance tells of: the name of its shop connector."""
        ...

    @property
    def carries(self) -> Carries:
        """What an address stands for."""
        ...

    @property
    def window_max(self) -> timedelta:
        """The longest window one query may span; longer ones are cut by the caller."""
        ...

    async def make(self, account: Account, promotion: Promotion) -> Promoted:
        """An address that carries the mark.

        Raises:
            PlatformRefused: NOT_FOUND where the alliance has no such item, NOT_PERMITTED where the promoter may not.
        """
        ...

    async def changed(self, account: Account, start: datetime, end: datetime, cursor: str | None) -> PromotedPage:
        """Lines changed in ``[start, end)``; the connector pages in the direction the platform needs."""
        ...
