"""A comparison that has a winner ends by itself: from then on everybody is led to the variant that sells best.

It is said to a person, who can give the others their shares back in the editor; the same winner is not crowned twice.
"""

from __future__ import annotations

import logging
from typing import Final
from uuid import UUID

import msgspec

from hutong.db.unit import Unit
from hutong.links.events import WinnerNamed
from hutong.links.hosts import host_states
from hutong.links.rules.broken import RuleBroken
from hutong.links.rules.model import Rule, Rules
from hutong.links.rules.service import rules_of, set_rules
from hutong.links.service import get_link
from hutong.merchants.tickets import Severity, TicketKind, open_ticket
from hutong.workflows.commands.link_winners import Standing, key_of, standings
from hutong.workflows.runtime import Runtime

log = logging.getLogger("hutong.links")

#: Links with comparisons of one merchant that are looked at in one round; the ones that changed last go first.
LINKS_MAX: Final = 500


async def crown_winners(runtime: Runtime, merchant_id: UUID) -> None:
    """Look at every comparison of a merchant; again is harmless."""
    async with runtime.unit(merchant_id, "links.comparisons") as unit:
        rows = await unit.fetch(
            "SELECT link_id FROM link_rules WHERE merchant_id = $1 AND position('\"variants\"'::bytea IN body) > 0 "
            "ORDER BY changed_at DESC LIMIT $2",
            merchant_id,
            LINKS_MAX,
        )
    for row in rows:
        try:
            async with runtime.unit(merchant_id, "links.winner") as unit:
                await _look_at(unit, row.link_id)
        except RuleBroken as broken:  # an address that was allowed once: one link's keeps no other from its winner
            log.warning("no winner is named for link %s: %s", row.link_id, broken.text("en").sentence)


async def _look_at(unit: Unit, link_id: UUID) -> None:
    kept = await rules_of(unit, link_id)
    rules = kept.rules
    for standing in await standings(unit, link_id):
        rule = rules.rules[standing.rule - 1]
        if standing.winner is None or not _is_open(rule):
            continue
        if await _tell(unit, link_id, rule, standing):
            rules = _ended(rules, standing.rule - 1, standing.winner.rpartition(".")[2])
    if rules is not kept.rules:
        await set_rules(
            unit,
            link_id,
            rules,
            expires_at=kept.expires_at,
            revision=kept.revision,
            own_hosts=frozenset(await host_states(unit)),
        )


def _is_open(rule: Rule) -> bool:
    """Whether visitors are still shared out."""
    return sum(bool(variant.weight) for variant in rule.variants) > 1


def _ended(rules: Rules, place: int, winner: str) -> Rules:
    rule = rules.rules[place]
    variants = tuple(
        variant if variant.key == winner else msgspec.structs.replace(variant, weight=0) for variant in rule.variants
    )
    changed = msgspec.structs.replace(rule, variants=variants)
    return msgspec.structs.replace(rules, rules=(*rules.rules[:place], changed, *rules.rules[place + 1 :]))


async def _tell(unit: Unit, link_id: UUID, rule: Rule, standing: Standing) -> bool:
    """Say so; False where this winner was named before: somebody has given the others their shares back since."""
    assert standing.winner is not None, "the caller has looked"
    winner = next(one for one in standing.variants if one.choice == standing.winner)
    number = [variant.key for variant in rule.variants].index(standing.winner.rpartition(".")[2]) + 1
    view = await get_link(unit, link_id)
    is_new = await open_ticket(
        unit,
        TicketKind.LINK_WINNER,
        Severity.NORMAL,
        subject=("link", view.code),
        details={
            "title": view.title,
            "rule": standing.rule,
            "variant": number,
            "clicks": winner.clicks,
            "orders": winner.orders,
        },
        dedupe_key=key_of(link_id, standing.winner),
    )
    if is_new:
        unit.emit(
            WinnerNamed(
                link_id=link_id,
                code=view.code,
                choice=standing.winner,
                clicks=winner.clicks,
                orders=winner.orders,
                weeks=standing.weeks,
            )
        )
    return is_new
