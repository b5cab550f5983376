"""How the comparisons of a link stand, and whether one of their variants may be called the winner."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from hutong.analytics.variants import ChoiceFigures, choice_figures
from hutong.core.money import BPS_WHOLE
from hutong.db.unit import Unit
from hutong.links.rules.model import Rule
from hutong.links.rules.service import rules_of
from hutong.links.rules.winner import WEEK, WEEKS_MAX, Count, chances_of, verdict, weeks_of


class VariantStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A variant's clicks of people, the clicks that became an order, and its chance to be the best in basis points."""

    choice: str
    clicks: int
    orders: int
    chance_bps: int


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison. ``winner``: the variant that may be called the best by now; ``weeks``: whole ones that it ran."""

    rule: int
    weeks: int
    variants: tuple[VariantStanding, ...]
    winner: str | None


async def standings(unit: Unit, link_id: UUID) -> tuple[Standing, ...]:
    """All comparisons of a link, in the order of its rules.

    Raises:
        NotFound: not this merchant's.
    """
    rules = (await rules_of(unit, link_id)).rules
    if not any(rule.variants for rule in rules.rules):
        return ()
    figures = await choice_figures(unit, link_id)
    return tuple(
        [
            await _standing(unit, link_id, number, rule, figures)
            for number, rule in enumerate(rules.rules, 1)
            if rule.variants
        ]
    )


async def _standing(unit: Unit, link_id: UUID, number: int, rule: Rule, figures: Sequence[ChoiceFigures]) -> Standing:
    """A variant that is paused is not compared: what it led before would count for it for ever."""
    names = [f"{rule.key}.{variant.key}" for variant in rule.variants if variant.weight]
    # the one that came last: before it there was nothing to compare with
    began_at = max((row.first_at for row in figures if row.choice in names), default=unit.now())
    weeks = weeks_of(began_at, unit.now())
    winner: str | None = None
    for week in range(1, min(weeks, WEEKS_MAX) + 1):  # as it stood at the end of each week, whenever somebody asks
        then = await choice_figures(unit, link_id, began_at + week * WEEK)
        winner = winner or verdict(_counts(names, then), week).winner
    counts = _counts(names, figures)
    return Standing(
        rule=number,
        weeks=weeks,
        winner=winner,
        variants=tuple(
            VariantStanding(
                choice=one.choice, clicks=one.clicks, orders=one.orders, chance_bps=round(chance * BPS_WHOLE)
            )
            for one, chance in zip(counts, chances_of(counts), strict=True)
        ),
    )


def _counts(names: Sequence[str], figures: Sequence[ChoiceFigures]) -> list[Count]:
    known = {row.choice: row for row in figures}
    return [
        Count(choice=name, clicks=row.clicks if row else 0, orders=row.orders if row else 0)
        for name in names
        for row in (known.get(name),)
    ]
