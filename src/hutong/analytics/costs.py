"""What each channel really took of its sales: fees and commissions by the books, beside the sales themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, and_, case, func, select

from hutong.analytics.models import sale_fact
from hutong.core.money import BPS_WHOLE, Money, round_half_up, share_bps
from hutong.db.unit import Unit
from hutong.ledger.accounts import EXPENSE_COMMISSION, EXPENSE_PLATFORM_FEE, EXPENSE_WALLET_FEE
from hutong.ledger.joins import ON_ACCOUNT, ON_BATCH
from hutong.ledger.models import ledger_account, ledger_batch, posting
from hutong.ledger.sales import ORDER
from hutong.merchants.connections import list_connections

#: Channels and shops of one answer.
GROUPS_MAX: Final = 10_000
EXPENSES: Final = "expense:%"
#: Sources of sales that take nothing for themselves. A file of an unknown shop is none: somebody may have kept a share.
OWN_SOURCES: Final = ("own",)


class ChannelCost(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel sold and what that cost, in one currency.

    ``channel_id`` None: sales that no link brought, one row for each shop platform (``source``); costs that belong to
    no sale we know stand in a row with an empty ``source``. ``platform_fee`` is every cost that is neither the
    wallet's nor a party's. ``unbilled``: what of ``kept`` was sold by shop platforms whose own fee for it nobody has
    told the books.
    """

    channel_id: UUID | None
    source: str
    orders_count: int
    gross: Money
    refunded: Money
    wallet_fee: Money
    commission: Money
    platform_fee: Money
    unbilled: Money

    @property
    def kept(self) -> Money:
        """Sales that did not go back."""
        return self.gross - self.refunded

    @property
    def cost(self) -> Money:
        """All that was taken."""
        return self.wallet_fee + self.commission + self.platform_fee

    @property
    def net(self) -> Money:
        """What stays with the merchant."""
        return self.kept - self.cost

    @property
    def billed(self) -> Money:
        """What of the kept sales all costs are known of."""
        return self.kept - self.unbilled

    @property
    def is_unbilled(self) -> bool:
        """Of no sale here the whole cost is known: the platforms' own fees are missing."""
        return self.unbilled.amount_minor > 0 and self.billed.amount_minor <= 0

    @property
    def rate_bps(self) -> int | None:
        """What was taken in hundredths of a per cent of the sales whose costs are known; None where there are none."""
        billed = self.billed.amount_minor
        return round_half_up(self.cost.amount_minor * BPS_WHOLE, billed) if billed > 0 else None


async def channel_costs(
    unit: Unit, currency: str, since: datetime | None = None, until: datetime | None = None
) -> tuple[ChannelCost, ...]:
    """Sales paid in ``[since, until)`` and all they have cost so far, the channel that sold most first.

    A cost follows its sale: what a later refund took back counts in the period of the sale. Without a period the sum
    of all rows is what the expense accounts say.
    """
    free = await free_platforms(unit)
    sold = {(row.channel_id, row.source): row for row in await unit.all(_sold(unit, currency, since, until, free))}
    spent = {(row.channel_id, row.source): row for row in await unit.all(_spent(unit, currency, since, until))}
    rows = [_cost(key, currency, sold.get(key), spent.get(key)) for key in {**sold, **spent}]
    rows.sort(key=lambda row: (-row.kept.amount_minor, -row.cost.amount_minor, row.source, str(row.channel_id)))
    return tuple(rows)


async def sale_currencies(unit: Unit) -> tuple[str, ...]:
    """The currencies of all sales, the one with the most sales first."""
    statement = (
        select(sale_fact.c.currency)
        .where(sale_fact.c.merchant_id == unit.merchant_id)
        .group_by(sale_fact.c.currency)
        .order_by(func.count().desc(), sale_fact.c.currency)
        .limit(GROUPS_MAX)
    )
    return tuple(row.currency for row in await unit.all(statement))


def cost_total(rows: Sequence[ChannelCost], currency: str) -> ChannelCost:
    """All rows added up."""
    zero = Money(0, currency)
    return ChannelCost(
        channel_id=None,
        source="",
        orders_count=sum(row.orders_count for row in rows),
        gross=sum((row.gross for row in rows), zero),
        refunded=sum((row.refunded for row in rows), zero),
        wallet_fee=sum((row.wallet_fee for row in rows), zero),
        commission=sum((row.commission for row in rows), zero),
        platform_fee=sum((row.platform_fee for row in rows), zero),
        unbilled=sum((row.unbilled for row in rows), zero),
    )


async def free_platforms(unit: Unit) -> frozenset[str]:
    """Platforms that keep nothing of a sale, as staff said of each account there: their fee is known, and zero."""
    told: dict[str, bool] = {}
    for view in await list_connections(unit):
        told[view.platform] = told.get(view.platform, True) and view.platform_fee_bps == 0
    return frozenset(platform for platform, is_free in told.items() if is_free)


class AgentPrice(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent would have taken of the sales whose costs are known, beside what was taken."""

    known: ChannelCost
    rate_bps: int
    would_take: Money
    saved: Money  # negative: the channels were dearer


def held_against_agent(rows: Sequence[ChannelCost], currency: str, rate_bps: int) -> AgentPrice:
    """Costs beside an agent's price; sales of a platform that has not told its fee are left out on both sides."""
    known = cost_total([row for row in rows if not row.is_unbilled], currency)
    would_take = Money(share_bps(max(known.billed.amount_minor, 0), rate_bps), currency)
    return AgentPrice(known=known, rate_bps=rate_bps, would_take=would_take, saved=would_take - known.cost)


def paid_within(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    """Conditions on a sale: paid in ``[since, until)``; an open end is no condition."""
    wanted = []
    if since is not None:
        wanted.append(sale_fact.c.paid_at >= since)
    if until is not None:
        wanted.append(sale_fact.c.paid_at < until)
    return wanted


def _shop() -> Any:  # noqa: ANN401 (an SQL expression)
    """The shop of a sale that no link brought; sales of a channel stand together, whatever their shop."""
    return case((sale_fact.c.channel_id.is_(None), func.coalesce(sale_fact.c.source, "")), else_="").label("source")


def _sold(unit: Unit, currency: str, since: datetime | None, until: datetime | None, free: frozenset[str]) -> Any:  # noqa: ANN401
    shop = _shop()
    told = (*OWN_SOURCES, "", *free)
    is_unbilled = and_(func.coalesce(sale_fact.c.source, "").not_in(told), sale_fact.c.order_id.not_in(_billed(unit)))
    kept = sale_fact.c.gross_minor - sale_fact.c.refunded_minor
    return (
        select(
            sale_fact.c.channel_id,
            shop,
            func.count().filter(~sale_fact.c.is_refund).label("orders_count"),
            func.sum(sale_fact.c.gross_minor).label("gross_minor"),
            func.sum(sale_fact.c.refunded_minor).label("refunded_minor"),
            func.sum(kept).filter(is_unbilled).label("unbilled_minor"),
        )
        .where(sale_fact.c.merchant_id == unit.merchant_id, sale_fact.c.currency == currency)
        .where(*paid_within(since, until))
        .group_by(sale_fact.c.channel_id, shop)
        .limit(GROUPS_MAX)
    )


def _billed(unit: Unit) -> Any:  # noqa: ANN401
    """The orders of which the books know what a platform kept, also where it has given all of it back."""
    return (
        select(ledger_batch.c.subject_id)
        .select_from(posting.join(ledger_account, ON_ACCOUNT).join(ledger_batch, ON_BATCH))
        .where(
            posting.c.merchant_id == unit.merchant_id,
            ledger_batch.c.subject_kind == ORDER,
            ledger_account.c.path == EXPENSE_PLATFORM_FEE,
        )
    )


def _spent(unit: Unit, currency: str, since: datetime | None, until: datetime | None) -> Any:  # noqa: ANN401
    """One pass over the legs on expense accounts; each is hashed to its batch and its sale."""
    shop = _shop()
    amount = func.sum(posting.c.amount_minor)
    paid_at = func.coalesce(sale_fact.c.paid_at, ledger_batch.c.event_at)
    of_sale = and_(
        sale_fact.c.merchant_id == ledger_batch.c.merchant_id,
        sale_fact.c.order_id == ledger_batch.c.subject_id,
        ledger_batch.c.subject_kind == "order",
    )
    wanted = [posting.c.merchant_id == unit.merchant_id, posting.c.currency == currency]
    if since is not None:
        wanted.append(paid_at >= since)
    if until is not None:
        wanted.append(paid_at < until)
    return (
        select(
            sale_fact.c.channel_id,
            shop,
            amount.filter(ledger_account.c.path == EXPENSE_WALLET_FEE).label("wallet_fee_minor"),
            amount.filter(ledger_account.c.path == EXPENSE_COMMISSION).label("commission_minor"),
            amount.filter(ledger_account.c.path.not_in((EXPENSE_WALLET_FEE, EXPENSE_COMMISSION))).label(
                "platform_fee_minor"
            ),
        )
        .select_from(
            posting.join(ledger_account, ON_ACCOUNT).join(ledger_batch, ON_BATCH).outerjoin(sale_fact, of_sale)
        )
        .where(*wanted, ledger_account.c.path.like(EXPENSES))
        .group_by(sale_fact.c.channel_id, shop)
        .limit(GROUPS_MAX)
    )


def _cost(key: tuple[UUID | None, str], currency: str, sold: Row[Any] | None, spent: Row[Any] | None) -> ChannelCost:
    return ChannelCost(
        channel_id=key[0],
        source=key[1],
        orders_count=0 if sold is None else sold.orders_count,
        gross=Money(0 if sold is None else int(sold.gross_minor), currency),
        refunded=Money(0 if sold is None else int(sold.refunded_minor), currency),
        wallet_fee=Money(0 if spent is None else int(spent.wallet_fee_minor or 0), currency),
        commission=Money(0 if spent is None else int(spent.commission_minor or 0), currency),
        platform_fee=Money(0 if spent is None else int(spent.platform_fee_minor or 0), currency),
        unbilled=Money(0 if sold is None else int(sold.unbilled_minor or 0), currency),
    )
