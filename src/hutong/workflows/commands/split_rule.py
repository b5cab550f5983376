"""Make a split rule: a link is of a channel, and only links know of which; so who brings its sales is told here."""

from __future__ import annotations

from uuid import UUID

from hutong.db.unit import Unit
from hutong.ledger.split_rules import NewRule, make_rule, replace_rule
from hutong.links.service import get_link


async def make_split_rule(unit: Unit, new: NewRule) -> UUID:
    """A new rule for sales from now on; its id.

    Raises:
        NotFound: no such link.
        And everything that :func:`hutong.ledger.split_rules.make_rule` refuses, with the reason.
    """
    return await make_rule(unit, new, link_channel_id=await _channel_of_link(unit, new))


async def replace_split_rule(unit: Unit, rule_id: UUID, new: NewRule) -> UUID:
    """A new version of an open rule; its id. Refused as :func:`make_split_rule` does."""
    return await replace_rule(unit, rule_id, new, link_channel_id=await _channel_of_link(unit, new))


async def _channel_of_link(unit: Unit, new: NewRule) -> UUID | None:
    link_id = new.scope.link_id
    return None if link_id is None else (await get_link(unit, link_id)).channel_id
