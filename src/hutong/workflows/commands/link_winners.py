"""How the comparisons of a link stand, and whether one of their variants may be called the winner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from hutong.analytics.variants import ChoiceFigures, choice_figures, choice_money
from hutong.core.errors import NotFound
from hutong.core.money import BPS_WHOLE, Money
from hutong.db.unit import Unit
from hutong.links.rules.model import Rule, Variant
from hutong.links.rules.service import rules_of
from hutong.links.rules.winner import WEEK, WEEKS_MAX, Count, chances_of, interval_of, verdict, weeks_of
from hutong.merchants.tickets import TicketKind, tickets_opened
from hutong.workflows.commands.link_rules import save_rules


class VariantMoney(msgspec.Struct, frozen=True, kw_only=True):
    """What a variant sold in one currency, less what went back."""

    currency: str
    net_minor: int


class VariantStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A variant's clicks of people, the clicks that became an order, and its chance to be the best in basis points.

    ``low_bps`` and ``high_bps``: between what orders per click lie with 95 %. ``weight``: its share of visitors by now.
    """

    choice: str
    clicks: int
    orders: int
    chance_bps: int
    low_bps: int
    high_bps: int
    weight: int
    money: tuple[VariantMoney, ...]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison. ``winner``: the variant that may be called the best by now; ``weeks``: whole ones that it ran.

    ``named_at``: when the winner was named and took all. With ``is_over`` it still has them: the figures are those of
    that moment. ``paused``: variants that are not compared, for they get no visitors.
    """

    rule: int
    weeks: int
    variants: tuple[VariantStanding, ...]
    winner: str | None
    named_at: datetime | None
    is_over: bool
    paused: tuple[VariantStanding, ...]


class _Sold(msgspec.Struct, frozen=True, kw_only=True):
    figures: Sequence[ChoiceFigures]
    money: Mapping[str, tuple[Money, ...]]


async def standings(unit: Unit, link_id: UUID) -> tuple[Standing, ...]:
    """All comparisons of a link, in the order of its rules.

    Raises:
        NotFound: not this merchant's.
    """
    rules = (await rules_of(unit, link_id)).rules
    compared = [(number, rule) for number, rule in enumerate(rules.rules, 1) if rule.variants]
    if not compared:
        return ()
    keys = {key_of(link_id, name) for _, rule in compared for name in _names(rule, rule.variants)}
    named = await tickets_opened(unit, TicketKind.LINK_WINNER, sorted(keys))
    sold = _Sold(figures=await choice_figures(unit, link_id), money=await choice_money(unit, link_id))
    return tuple([await _standing(unit, link_id, number, rule, sold, named) for number, rule in compared])


def key_of(link_id: UUID, choice: str) -> str:
    """What tells the ticket of a winner from others."""
    return f"{link_id.hex}:{choice}"


async def go_on(unit: Unit, link_id: UUID, number: int) -> None:
    """Share visitors out alike again over all that rule ``number`` compared before its winner took all; what is still
    running stays as it is.

    Raises:
        NotFound: there is no such comparison.
    """
    standing = next((one for one in await standings(unit, link_id) if one.rule == number), None)
    if standing is None:
        raise NotFound(what="rule", key=str(number))
    if not standing.is_over:
        return
    kept = await rules_of(unit, link_id)
    rule = kept.rules.rules[number - 1]
    share = max(variant.weight for variant in rule.variants)
    compared = {one.choice for one in standing.variants}
    variants = tuple(
        msgspec.structs.replace(variant, weight=share) if name in compared else variant
        for variant, name in zip(rule.variants, _names(rule, rule.variants), strict=True)
    )
    changed = msgspec.structs.replace(rule, variants=variants)
    rules = (*kept.rules.rules[: number - 1], changed, *kept.rules.rules[number:])
    whole = msgspec.structs.replace(kept.rules, rules=rules)
    await save_rules(unit, link_id, whole, expires_at=kept.expires_at, revision=kept.revision)


async def _standing(
    unit: Unit, link_id: UUID, number: int, rule: Rule, sold: _Sold, named: Mapping[str, datetime]
) -> Standing:
    """A variant that is paused is not compared: what it led before would count for it for ever."""
    running = [variant for variant in rule.variants if variant.weight]
    names = _names(rule, running)
    ended_at = named.get(key_of(link_id, names[0])) if len(names) == 1 else None
    if ended_at is not None:
        return await _over(unit, link_id, number, rule, names[0], ended_at)
    # the one that came last: before it there was nothing to compare with
    began_at = max((row.first_at for row in sold.figures if row.choice in names), default=unit.now())
    weeks = weeks_of(began_at, unit.now())
    winner: str | None = None
    for week in range(1, min(weeks, WEEKS_MAX) + 1):  # as it stood at the end of each week, whenever somebody asks
        then = await choice_figures(unit, link_id, began_at + week * WEEK)
        winner = winner or verdict(_counts(names, then), week).winner
    return Standing(
        rule=number,
        weeks=weeks,
        winner=winner,
        named_at=named.get(key_of(link_id, winner)) if winner else None,
        is_over=False,
        variants=_told(rule, running, sold),
        paused=_told(rule, [variant for variant in rule.variants if not variant.weight], sold, are_compared=False),
    )


async def _over(unit: Unit, link_id: UUID, number: int, rule: Rule, winner: str, ended_at: datetime) -> Standing:
    """The comparison as it stood when its winner took all; who had no visitors by then was not compared."""
    figures = await choice_figures(unit, link_id, ended_at)
    led = {row.choice: row for row in figures}
    compared = [one for one, name in zip(rule.variants, _names(rule, rule.variants), strict=True) if name in led]
    began_at = max((led[name].first_at for name in _names(rule, compared)), default=ended_at)
    sold = _Sold(figures=figures, money=await choice_money(unit, link_id, ended_at))
    return Standing(
        rule=number,
        weeks=weeks_of(began_at, ended_at),
        winner=winner,
        named_at=ended_at,
        is_over=True,
        variants=_told(rule, compared, sold),
        paused=_told(rule, [one for one in rule.variants if one not in compared], sold, are_compared=False),
    )


def _names(rule: Rule, variants: Sequence[Variant]) -> list[str]:
    return [f"{rule.key}.{variant.key}" for variant in variants]


def _told(
    rule: Rule, variants: Sequence[Variant], sold: _Sold, *, are_compared: bool = True
) -> tuple[VariantStanding, ...]:
    counts = _counts(_names(rule, variants), sold.figures)
    chances = (
        [round(chance * BPS_WHOLE) for chance in chances_of(counts)] if counts and are_compared else [0] * len(counts)
    )
    made = []
    for variant, one, chance_bps in zip(variants, counts, chances, strict=True):
        low, high = interval_of(one)
        made.append(
            VariantStanding(
                choice=one.choice,
                clicks=one.clicks,
                orders=one.orders,
                chance_bps=chance_bps,
                low_bps=round(low * BPS_WHOLE),
                high_bps=round(high * BPS_WHOLE),
                weight=variant.weight,
                money=tuple(
                    VariantMoney(currency=amount.currency, net_minor=amount.amount_minor)
                    for amount in sold.money.get(one.choice, ())
                ),
            )
        )
    return tuple(made)


def _counts(names: Sequence[str], figures: Sequence[ChoiceFigures]) -> list[Count]:
    known = {row.choice: row for row in figures}
    return [
        Count(choice=name, clicks=row.clicks if row else 0, orders=row.orders if row else 0)
        for name in names
        for row in (known.get(name),)
    ]
