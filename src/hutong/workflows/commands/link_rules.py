"""Change a link's rules: what they sell must be the shop's."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from hutong.core.errors import NotFound
from hutong.db.unit import Unit
from hutong.links.hosts import host_states
from hutong.links.locks import UNCHANGED, Change, set_lock
from hutong.links.rules.broken import RuleBroken
from hutong.links.rules.model import Rules
from hutong.links.rules.service import LinkRules, set_rules
from hutong.shops.catalogue import get_sku


async def save_rules(
    unit: Unit,
    link_id: UUID,
    rules: Rules,
    *,
    expires_at: datetime | None = None,
    revision: int | None = None,
    password: Change = UNCHANGED,
) -> LinkRules:
    """Put rules in place of a link's, and its password where one is given; None takes it away.

    Raises:
        RuleBroken: with rule and field, also where a rule sells what the shop does not have.
        Conflict: somebody changed them since ``revision``.
    """
    for number, rule in enumerate(rules.rules, 1):
        for place, sku_id in enumerate((rule.sku_id, *(variant.sku_id for variant in rule.variants))):
            if sku_id is not None:
                await _known(unit, number, place, sku_id)
    own_hosts = frozenset(await host_states(unit))
    made = await set_rules(unit, link_id, rules, expires_at=expires_at, revision=revision, own_hosts=own_hosts)
    if password is UNCHANGED:
        return made
    await set_lock(unit, link_id, password)
    return msgspec.structs.replace(made, has_password=password is not None)


async def _known(unit: Unit, number: int, place: int, sku_id: UUID) -> None:
    try:
        await get_sku(unit, sku_id)
    except NotFound:
        raise RuleBroken(number, "sku_id", "unknown", str(sku_id), variant=place) from None
