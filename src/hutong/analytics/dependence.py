"""How much of the shop hangs on one platform: where sales come from and where they are closed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec
from sqlalchemy import Numeric, and_, case, cast, func, literal, select

from hutong.analytics.costs import OWN_SOURCES, paid_within
from hutong.analytics.models import sale_fact
from hutong.core.money import BPS_WHOLE, Money
from hutong.db.unit import Unit
from hutong.links.models import channel

#: Platforms of one answer; there are a few dozen in the world.
PARTS_MAX: Final = 200
#: Sales that no platform can take away: no link and our own checkout, shops of stone.
DIRECT: Final = "direct"
#: Sales of a file that names no platform: nobody knows on whom they hang.
UNNAMED: Final = "generic"
OWN_PARTS: Final = (DIRECT, *OWN_SOURCES, UNNAMED, "other", "store", "desktop", "mobile", "")
#: From here on a single platform carries too much of the sales, or is about to.
HIGH_SHARE_BPS: Final = 6_000
MEDIUM_SHARE_BPS: Final = 4_000
#: Where competition authorities begin to call a market highly concentrated (HHI 2500 of 10000).
MEDIUM_HHI: Final = 2_500


class Level(StrEnum):
    """How much one platform could hurt."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one platform carries. ``is_platform`` is false where nobody but the merchant himself is behind it."""

    key: str
    is_platform: bool
    orders_count: int
    kept: Money
    share_bps: int


class Dependence(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of the sales that did not go back, the largest first.

    ``hhi``: the Herfindahl index of the platforms' shares, 0 to 10000 (one platform carries everything); the
    merchant's own part counts in the whole and adds nothing to it.
    """

    total: Money
    parts: tuple[Part, ...]
    hhi: int

    @property
    def largest(self) -> Part | None:
        """The platform that carries most."""
        return next((part for part in self.parts if part.is_platform and part.share_bps), None)

    @property
    def is_known(self) -> bool:
        """Whether anything can be said: a platform is named, or all sales are the merchant's own."""
        return self.largest is not None or all(part.key != UNNAMED for part in self.parts if part.share_bps)

    @property
    def level(self) -> Level:
        """How loud to warn."""
        share_bps = 0 if self.largest is None else self.largest.share_bps
        if share_bps >= HIGH_SHARE_BPS:
            return Level.HIGH
        return Level.MEDIUM if share_bps >= MEDIUM_SHARE_BPS or self.hhi >= MEDIUM_HHI else Level.LOW


async def traffic_dependence(
    unit: Unit, currency: str, since: datetime | None = None, until: datetime | None = None
) -> Dependence:
    """By the platform that brought the buyer: the channel's, else the shop's own buyers."""
    here = sale_fact.c.source.in_(OWN_SOURCES)
    key = func.coalesce(channel.c.platform, case((here, literal(DIRECT)), else_=sale_fact.c.source))
    return await _dependence(unit, key, currency, since, until)


async def shop_dependence(
    unit: Unit, currency: str, since: datetime | None = None, until: datetime | None = None
) -> Dependence:
    """By the shop that closed the sale."""
    return await _dependence(unit, sale_fact.c.source, currency, since, until)


async def _dependence(
    unit: Unit,
    key: Any,  # noqa: ANN401 (an SQL expression)
    currency: str,
    since: datetime | None,
    until: datetime | None,
) -> Dependence:
    on_channel = and_(channel.c.merchant_id == sale_fact.c.merchant_id, channel.c.channel_id == sale_fact.c.channel_id)
    net = func.sum(sale_fact.c.gross_minor - sale_fact.c.refunded_minor)
    # Shops whose returns exceed their sales carry nothing; they must not make the others look larger.
    parts = (
        select(
            key.label("key"),
            func.count().filter(~sale_fact.c.is_refund).label("orders_count"),
            cast(func.greatest(net, 0), Numeric).label("kept"),
        )
        .select_from(sale_fact.outerjoin(channel, on_channel))
        .where(sale_fact.c.merchant_id == unit.merchant_id, sale_fact.c.currency == currency)
        .where(*paid_within(since, until))
        .group_by(key)
        .subquery()
    )
    total = func.sum(parts.c.kept).over()
    squares = func.sum(parts.c.kept * parts.c.kept).filter(parts.c.key.not_in(OWN_PARTS)).over()
    whole = func.nullif(total, 0)
    statement = (
        select(
            parts.c.key,
            parts.c.orders_count,
            parts.c.kept,
            total.label("total"),
            _rounded(parts.c.kept * BPS_WHOLE, whole).label("share_bps"),
            _rounded(squares * BPS_WHOLE, whole * whole).label("hhi"),
        )
        .order_by(parts.c.kept.desc(), parts.c.key)
        .limit(PARTS_MAX)
    )
    rows = await unit.all(statement)
    return Dependence(
        total=Money(int(rows[0].total) if rows else 0, currency),
        parts=tuple(
            Part(
                key=row.key,
                is_platform=row.key not in OWN_PARTS,
                orders_count=row.orders_count,
                kept=Money(int(row.kept), currency),
                share_bps=int(row.share_bps),
            )
            for row in rows
        ),
        hhi=int(rows[0].hhi) if rows else 0,
    )


def _rounded(part: Any, whole: Any) -> Any:  # noqa: ANN401 (SQL expressions)
    """The integer nearest to a quotient of exact numbers; 0 where there is no whole."""
    return func.coalesce(func.round(part / whole), 0)  # law: allow money-no-float because SQL divides numerics exactly
