"""The rule book: rules are checked when they are made, ended and never changed; a change is a new version."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, Uuid, bindparam, func, or_, select, update

from hutong.core.errors import InvalidInput, NotFound, clipped
from hutong.core.money import MINOR_DIGITS
from hutong.db.fixed import Fixed, document, mine
from hutong.db.unit import Unit
from hutong.ledger.parties import get_party, owners_of, people
from hutong.ledger.posting import lock_chain
from hutong.ledger.promises import Facts, promises
from hutong.ledger.refusals import PartyCapExceeded, RuleRefused, TooManyLevels, TotalCapExceeded
from hutong.ledger.rule_terms import (
    LEVELS_MAX,
    PAID_FOR_ORDER,
    PRIORITY_DEFAULT,
    PRIORITY_MAX,
    Rule,
    RuleBase,
    RuleKind,
    RuleScope,
    RuleTerms,
    verify_ground,
    verify_terms,
)
from hutong.ledger.rules import Person, levels_above
from hutong.ledger.split_models import split_rule
from hutong.ledger.split_terms import get_terms

#: Open rules that may apply to one sale; each takes a leg of its batch.
RULES_PER_SALE_MAX: Final = 50
#: Open rules of a merchant.
OPEN_RULES_MAX: Final = 1000
PAGE_ROWS_MAX: Final = 200
#: Rules that one statement can name.
RULES_NAMED_MAX: Final = 5_000

#: The rules of one channel, and those that stand for all.
_FOR: Final = (
    select(split_rule)
    .where(mine(split_rule.c.merchant_id))
    .where(or_(split_rule.c.channel_id.is_(None), split_rule.c.channel_id == bindparam("channel_id", type_=Uuid())))
    .order_by(split_rule.c.created_at, split_rule.c.rule_id)
    .limit(OPEN_RULES_MAX)
)
_OPEN_FOR: Final = Fixed(_FOR.where(split_rule.c.ended_at.is_(None)))
_AT: Final = bindparam("at", type_=split_rule.c.created_at.type)
_OPEN_FOR_AT: Final = Fixed(
    _FOR.where(split_rule.c.created_at <= _AT, or_(split_rule.c.ended_at.is_(None), split_rule.c.ended_at > _AT))
)


class NewRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule to be made. ``paid_for`` says what it pays for: a paid order, nothing else is allowed."""

    party_id: UUID
    kind: RuleKind = RuleKind.PERCENT
    terms: RuleTerms = RuleTerms()
    scope: RuleScope = RuleScope()
    base: RuleBase = RuleBase.GROSS
    level: int = 1
    priority: int = PRIORITY_DEFAULT
    currency: str = "CNY"
    paid_for: str = PAID_FOR_ORDER


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """What other rooms know of the links and goods that rules name: a link's channel, a SKU's product."""

    channels: Mapping[UUID, UUID] = {}
    products: Mapping[UUID, UUID] = {}


NOTHING_NAMED: Final = Elsewhere()


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    """A rule with its life."""

    rule: Rule
    created_at: datetime
    ended_at: datetime | None
    replaces_rule_id: UUID | None


class RuleSlice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of rules and how many there are in all."""

    rows: tuple[RuleRow, ...]
    total: int


async def create_rule(unit: Unit, *, party_id: UUID, rate_bps: int, channel_id: UUID | None = None) -> UUID:
    """The common case: a per cent of the gross price, on one channel or on all. See :func:`make_rule`."""
    terms, scope = RuleTerms(rate_bps=rate_bps), RuleScope(channel_id=channel_id)
    return await make_rule(unit, NewRule(party_id=party_id, terms=terms, scope=scope))


async def make_rule(
    unit: Unit, new: NewRule, *, known: Elsewhere = NOTHING_NAMED, replaces_rule_id: UUID | None = None
) -> UUID:
    """A new rule for sales from now on; its id. ``known``: of the links and goods of all open rules and of this one.

    Raises:
        NotFound: no such party.
        RuleRefused: the terms do not fit the kind.
        PaysForRecruiting, TooManyLevels, TotalCapExceeded, PartyCapExceeded: and why.
    """
    await lock_chain(unit)  # two rules made at the same time must see each other
    await get_party(unit, new.party_id)
    verify_ground(new.paid_for)
    verify_terms(new.kind, new.terms)
    if not 0 <= new.priority <= PRIORITY_MAX:
        raise InvalidInput(field="priority", problem=f"0–{PRIORITY_MAX}")
    if new.currency not in MINOR_DIGITS:
        raise InvalidInput(field="currency", problem=clipped(new.currency))
    others = await open_rules(unit)
    # A live session is a channel of its own: whose it is, or whose link's, brings what the rule pays for.
    own_link = None if new.scope.link_id is None else known.channels.get(new.scope.link_id)
    brings = {new.scope.channel_id, new.scope.live_session_id, own_link} - {None}
    channels = {*known.channels.values(), *brings}
    channels.update(named for rule in others for named in (rule.scope.channel_id, rule.scope.live_session_id))
    owners = await owners_of(unit, [channel for channel in channels if channel is not None])
    persons = {rule.scope.person_id for rule in others} | {new.scope.person_id}
    persons_known = await people(unit, [*owners.values(), *(person for person in persons if person is not None)])
    rule = Rule(
        rule_id=unit.new_id(),
        party_id=new.party_id,
        kind=new.kind,
        terms=new.terms,
        scope=new.scope,
        base=new.base,
        level=_level(new, [owners[channel] for channel in brings if channel in owners], persons_known),
        priority=new.priority,
        currency=new.currency,
    )
    if rule.scope.person_id is not None:
        await get_party(unit, rule.scope.person_id)
    facts = Facts(owners=owners, people=persons_known, channels=known.channels, products=known.products)
    await _verify_promises(unit, rule, others, facts)
    await _insert(unit, rule, replaces_rule_id)
    return rule.rule_id


async def replace_rule(unit: Unit, rule_id: UUID, new: NewRule, *, known: Elsewhere = NOTHING_NAMED) -> UUID:
    """A new version of an open rule: the old one ends and the new one begins in one moment.

    Raises:
        NotFound: no such open rule.
    """
    await lock_chain(unit)
    if not await end_rule(unit, rule_id):
        raise NotFound(what="split rule", key=str(rule_id))
    return await make_rule(unit, new, known=known, replaces_rule_id=rule_id)


async def end_rule(unit: Unit, rule_id: UUID) -> bool:
    """Stop a rule; False when it was stopped before or does not exist. Posted sales keep their shares."""
    statement = (
        update(split_rule)
        .where(split_rule.c.merchant_id == unit.merchant_id, split_rule.c.rule_id == rule_id)
        .where(split_rule.c.ended_at.is_(None))
        .values(ended_at=unit.now())
    )
    return (await unit.run(statement)).rowcount == 1


async def rules_for(unit: Unit, channel_id: UUID | None, at: datetime | None = None) -> list[Rule]:
    """The rules that may apply to a sale of a channel (None: of no channel), open now or at a moment, oldest first."""
    if at is None:
        rows = await unit.ask(_OPEN_FOR, channel_id=channel_id)
    else:
        rows = await unit.ask(_OPEN_FOR_AT, channel_id=channel_id, at=at)
    return [_rule(row) for row in rows]


async def open_rules(unit: Unit) -> list[Rule]:
    """Every open rule of the merchant, the oldest first."""
    statement = (
        select(split_rule)
        .where(split_rule.c.merchant_id == unit.merchant_id, split_rule.c.ended_at.is_(None))
        .order_by(split_rule.c.created_at, split_rule.c.rule_id)
        .limit(OPEN_RULES_MAX)
    )
    return [_rule(row) for row in await unit.all(statement)]


async def rules_by_id(unit: Unit, rule_ids: Collection[UUID]) -> dict[UUID, Rule]:
    """Rules, ended ones too, at most as many as ``RULES_NAMED_MAX``."""
    statement = select(split_rule).where(split_rule.c.merchant_id == unit.merchant_id)
    rows = await unit.all(statement.where(split_rule.c.rule_id.in_(rule_ids)).limit(RULES_NAMED_MAX))
    return {row.rule_id: _rule(row) for row in rows}


async def rules_page(unit: Unit, *, limit: int, offset: int, with_ended: bool = False) -> RuleSlice:
    """Rules, the newest first."""
    conditions = [split_rule.c.merchant_id == unit.merchant_id]
    if not with_ended:
        conditions.append(split_rule.c.ended_at.is_(None))
    total = await unit.scalar(select(func.count()).select_from(split_rule).where(*conditions))
    page = select(split_rule).where(*conditions).order_by(split_rule.c.created_at.desc(), split_rule.c.rule_id.desc())
    rows = await unit.all(page.limit(min(limit, PAGE_ROWS_MAX)).offset(offset))
    return RuleSlice(
        rows=tuple(
            RuleRow(
                rule=_rule(row),
                created_at=row.created_at,
                ended_at=row.ended_at,
                replaces_rule_id=row.replaces_rule_id,
            )
            for row in rows
        ),
        total=int(total or 0),
    )


def _level(new: NewRule, owners: Sequence[UUID], known: dict[UUID, Person]) -> int:
    """The level a rule really pays: whoever introduced the person of the sale stands on the second.

    That person is named, or owns the channel, the live session or the link's channel that is.

    Raises:
        TooManyLevels: above the second.
    """
    if new.level < 1:
        raise RuleRefused(problem=f"level: 1–{LEVELS_MAX}")
    persons = owners if new.scope.person_id is None else [new.scope.person_id]
    above = max((levels_above(new.party_id, person, known) for person in persons), default=0)
    level = max(new.level, above + 1)
    if level > LEVELS_MAX:
        raise TooManyLevels(level=clipped(str(level)))
    return level


async def _verify_promises(unit: Unit, rule: Rule, others: Sequence[Rule], facts: Facts) -> None:
    terms = await get_terms(unit)
    if len(others) >= OPEN_RULES_MAX:
        raise InvalidInput(field="rules", problem=f"≤ {OPEN_RULES_MAX}")
    found = promises(rule, others, facts)
    if any(promise.rules_count > RULES_PER_SALE_MAX for promise in found):
        raise InvalidInput(field="rules", problem=f"≤ {RULES_PER_SALE_MAX}")
    if rule.kind is RuleKind.CAP:
        return
    total_bps = max((promise.total_bps for promise in found), default=0)
    if total_bps > terms.total_cap_bps:
        raise TotalCapExceeded(total_bps=total_bps, cap_bps=terms.total_cap_bps)
    for promise in sorted(found, key=lambda promise: -promise.party_bps):
        if promise.party_cap_bps is not None and promise.party_bps > promise.party_cap_bps:
            raise PartyCapExceeded(total_bps=promise.party_bps, cap_bps=promise.party_cap_bps)


async def _insert(unit: Unit, rule: Rule, replaces_rule_id: UUID | None) -> None:
    await unit.insert(
        split_rule,
        rule_id=rule.rule_id,
        party_id=rule.party_id,
        channel_id=rule.scope.channel_id,
        rate_bps=rule.terms.most_bps(rule.kind),
        created_at=unit.now(),
        ended_at=None,
        kind=rule.kind.value,
        terms=msgspec.to_builtins(rule.terms),
        scope=msgspec.to_builtins(rule.scope),
        base=rule.base.value,
        level=rule.level,
        priority=rule.priority,
        currency=rule.currency,
        replaces_rule_id=replaces_rule_id,
    )


def _rule(row: Row[Any]) -> Rule:
    """A stored rule; one from before there were kinds has its figures in the columns alone."""
    terms = document(row.terms) or {"rate_bps": row.rate_bps}
    scope = document(row.scope) or ({} if row.channel_id is None else {"channel_id": str(row.channel_id)})
    return Rule(
        rule_id=row.rule_id,
        party_id=row.party_id,
        kind=RuleKind(row.kind),
        terms=msgspec.convert(terms, RuleTerms),
        scope=msgspec.convert(scope, RuleScope),
        base=RuleBase(row.base),
        level=row.level,
        priority=row.priority,
        currency=row.currency,
    )
