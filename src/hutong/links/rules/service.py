"""Rules of a link as they are kept: read, and put in place of the ones before."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert

from hutong.core.errors import Conflict
from hutong.db.unit import Unit
from hutong.links.models import link, link_rules
from hutong.links.rules.checks import check_rules
from hutong.links.rules.compiled import compile_rules
from hutong.links.rules.model import Rules, with_keys
from hutong.links.service import LinkView, get_link

_DECODER: Final = msgspec.json.Decoder(Rules)


class LinkRules(msgspec.Struct, frozen=True, kw_only=True):
    """A link's rules; ``revision`` 0: it never had any."""

    rules: Rules
    revision: int
    expires_at: datetime | None
    has_password: bool = False


def read_rules(body: bytes) -> Rules:
    """Rules from their stored form."""
    return _DECODER.decode(body)


async def rules_of(unit: Unit, link_id: UUID, zone: str = "") -> LinkRules:
    """The rules of a link; ``zone`` is what the hours of a link without rules would mean.

    Raises:
        NotFound: not this merchant's.
    """
    found = await get_link(unit, link_id)
    row = await _row(unit, link_id)
    rules = read_rules(row.body) if row else Rules(zone=zone) if zone else Rules()
    return LinkRules(
        rules=rules,
        revision=row.revision if row else 0,
        expires_at=found.expires_at,
        has_password=found.lock_id is not None,
    )


async def _row(unit: Unit, link_id: UUID) -> Row[Any] | None:
    return await unit.one(
        select(link_rules).where(link_rules.c.merchant_id == unit.merchant_id, link_rules.c.link_id == link_id)
    )


async def led_by(unit: Unit, view: LinkView, choice: str) -> LinkView:
    """The link as it leads a click that carries ``choice``; as it leads by itself where the rules know that no more.

    Its share code belongs to where it leads by itself.
    """
    kept = await _row(unit, view.link_id)
    if kept is None:
        return view
    compiled = compile_rules(read_rules(kept.body), view.url, view.sku_id)
    outcome = compiled.by_choice.get(choice, compiled.own)
    share_code = None if outcome.choice else view.share_code
    return msgspec.structs.replace(view, url=outcome.url, sku_id=outcome.sku_id, share_code=share_code)


async def set_rules(
    unit: Unit,
    link_id: UUID,
    rules: Rules,
    *,
    expires_at: datetime | None = None,
    revision: int | None = None,
    own_hosts: frozenset[str] = frozenset(),
) -> LinkRules:
    """Put rules in place of a link's; the edge follows within a second. ``revision`` is the one that was edited.
    The same rules again change nothing.

    Raises:
        RuleBroken: with rule and field; the rules before stay in force.
        Conflict: somebody changed them since.
    """
    check_rules(rules, own_hosts, expires_at)
    rules = with_keys(rules)
    before = await rules_of(unit, link_id)
    if revision is not None and revision != before.revision:
        raise Conflict(what="link")
    if (rules, expires_at) == (before.rules, before.expires_at):
        return before  # nothing to follow, and no revision that says nothing
    now = unit.now()
    values = {"body": msgspec.json.encode(rules), "revision": before.revision + 1, "changed_at": now}
    statement = insert(link_rules).values(merchant_id=unit.merchant_id, link_id=link_id, **values)
    done = await unit.run(
        statement.on_conflict_do_update(
            index_elements=["merchant_id", "link_id"],
            set_=values,
            where=link_rules.c.revision == before.revision,
        )
    )
    if not done.rowcount:
        raise Conflict(what="link")
    await unit.run(
        update(link)
        .where(link.c.merchant_id == unit.merchant_id, link.c.link_id == link_id)
        .values(expires_at=expires_at, changed_at=now)
    )
    return msgspec.structs.replace(before, rules=rules, revision=before.revision + 1, expires_at=expires_at)
