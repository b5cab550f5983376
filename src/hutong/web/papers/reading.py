"""What a statement's files hold: read once, the same for every format."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.errors import StatementTooLong, StatementTorn
from hutong.ledger.queries import StatementRow, one_statement
from hutong.ledger.rule_terms import Rule
from hutong.ledger.split_rules import rules_by_id
from hutong.ledger.statement_details import LINES_MAX, DetailedLine, ShareNow, detailed_lines
from hutong.ledger.statement_seals import StatementSeal, seal_of
from hutong.links.queries import CHANNELS_MAX, channel_names
from hutong.merchants.queries import this_merchant
from hutong.shops.names import NAMES_MAX, OrderName, order_names

#: A printed statement of so many lines has about a thousand pages.
PRINTED_LINES_MAX: Final = 20_000


class PaperLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line with the names of what it is about."""

    line: DetailedLine
    order: OrderName
    channel: str
    rule: Rule | None

    @property
    def share(self) -> ShareNow | None:
        """How the share stands now; on the line of its sale alone, so that columns can be added up."""
        return self.line.share if self.line.is_sale else None


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """The columns added up: what the statement's shares are worth now, and how they were paid."""

    reversed: Money
    estimated: Money
    due: Money
    by_wallet: Money
    outside: Money
    netted: Money


class StatementPaper(msgspec.Struct, frozen=True, kw_only=True):
    """A statement as it is printed at a moment."""

    merchant: str
    timezone: str
    statement: StatementRow
    seal: StatementSeal
    made_at: datetime
    lines: tuple[PaperLine, ...]
    sums: Sums

    @property
    def currency(self) -> str:
        """All amounts are in it."""
        return self.statement.net.currency


async def read_paper(
    unit: Unit, statement_id: UUID, *, printed: bool = False, channels: Collection[UUID] | None = None
) -> StatementPaper:
    """A statement with all its lines; ``channels``: the only ones whose names the reader may know.

    Raises:
        NotFound: no such statement.
        StatementTooLong: more lines than a file (``printed``: a PDF) takes.
        StatementTorn: the lines do not add up to the statement.
    """
    statement = await one_statement(unit, statement_id)
    most = PRINTED_LINES_MAX if printed else LINES_MAX
    if statement.lines_count > most:
        raise StatementTooLong(lines=statement.lines_count, most=LINES_MAX, most_pdf=PRINTED_LINES_MAX)
    lines = await detailed_lines(unit, statement)
    _add_up(statement, lines)
    merchant = await this_merchant(unit)
    return StatementPaper(
        merchant=merchant.name,
        timezone=merchant.timezone,
        statement=statement,
        seal=await seal_of(unit, statement),
        made_at=unit.now(),
        lines=await with_names(unit, lines, channels),
        sums=_sums(lines, statement.net.currency),
    )


async def with_names(
    unit: Unit, lines: Sequence[DetailedLine], known: Collection[UUID] | None = None
) -> tuple[PaperLine, ...]:
    """Lines with the names of their orders, channels (of the ``known`` ones only, where they are given) and rules."""
    orders: dict[UUID, OrderName] = {}
    order_ids = list(dict.fromkeys(line.order_id for line in lines))
    for start in range(0, len(order_ids), NAMES_MAX):
        orders |= await order_names(unit, order_ids[start : start + NAMES_MAX])
    shares = [line.share for line in lines if line.share is not None]
    channel_ids = list(
        {s.channel_id for s in shares if s.channel_id is not None and (known is None or s.channel_id in known)}
    )
    channels: dict[UUID, str] = {}
    for start in range(0, len(channel_ids), CHANNELS_MAX):
        channels |= await channel_names(unit, channel_ids[start : start + CHANNELS_MAX])
    rules = await rules_by_id(unit, {share.rule_id for share in shares}) if shares else {}
    return tuple(
        PaperLine(
            line=line,
            order=orders.get(line.order_id, OrderName()),
            channel=_channel(line.share, channels),
            rule=None if line.share is None else rules.get(line.share.rule_id),
        )
        for line in lines
    )


def _channel(share: ShareNow | None, channels: Mapping[UUID, str]) -> str:
    return "" if share is None or share.channel_id is None else channels.get(share.channel_id, "")


def _add_up(statement: StatementRow, lines: Sequence[DetailedLine]) -> None:
    earned_minor = sum(line.earned.amount_minor for line in lines if line.earned.amount_minor > 0)
    net_minor = sum(line.earned.amount_minor for line in lines)
    told = (statement.lines_count, statement.earned.amount_minor, statement.net.amount_minor)
    if (len(lines), earned_minor, net_minor) != told:
        raise StatementTorn


def _sums(lines: Sequence[DetailedLine], currency: str) -> Sums:
    shares = [line.share for line in lines if line.is_sale and line.share is not None]
    return Sums(
        **{
            name: Money(sum(getattr(share, name).amount_minor for share in shares), currency)
            for name in Sums.__struct_fields__
        }
    )
