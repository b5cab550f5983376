"""Make a split rule: which channel a link is of, and which product a SKU, is known in other rooms and told here."""

from __future__ import annotations

from uuid import UUID

from hutong.db.unit import Unit
from hutong.ledger.posting import lock_chain
from hutong.ledger.split_rules import Elsewhere, NewRule, make_rule, open_rules, replace_rule
from hutong.links.service import channels_of_links, get_link
from hutong.shops.catalogue import products_of


async def make_split_rule(unit: Unit, new: NewRule) -> UUID:
    """A new rule for sales from now on; its id.

    Raises:
        NotFound: no such link.
        And everything that :func:`hutong.ledger.split_rules.make_rule` refuses, with the reason.
    """
    return await make_rule(unit, new, known=await _known(unit, new))


async def replace_split_rule(unit: Unit, rule_id: UUID, new: NewRule) -> UUID:
    """A new version of an open rule; its id. Refused as :func:`make_split_rule` does."""
    return await replace_rule(unit, rule_id, new, known=await _known(unit, new))


async def _known(unit: Unit, new: NewRule) -> Elsewhere:
    if new.scope.link_id is not None:
        await get_link(unit, new.scope.link_id)
    await lock_chain(unit)  # no rule is made between this look at the open ones and the next
    scopes = [new.scope, *(rule.scope for rule in await open_rules(unit))]
    return Elsewhere(
        channels=await channels_of_links(unit, {scope.link_id for scope in scopes if scope.link_id is not None}),
        products=await products_of(unit, {scope.sku_id for scope in scopes if scope.sku_id is not None}),
    )
