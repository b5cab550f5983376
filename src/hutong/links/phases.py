"""Whether a link leads anywhere at this moment: what its switch, its times and its maximum of clicks say."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import func, select

from hutong.db.unit import Unit
from hutong.links.guard_states import LinkState
from hutong.links.models import click
from hutong.links.rules.service import rules_of
from hutong.links.service import LinkView


class Phase(StrEnum):
    """``over``: switched off, past its end, or as often clicked by people as it may be."""

    EARLY = "early"
    OPEN = "open"
    OVER = "over"


async def phase_of(unit: Unit, view: LinkView) -> Phase:
    """The phase of a link; clicks of the last moment may not be stored yet, and the edge counts those, too."""
    if view.state != LinkState.ACTIVE.value:
        return Phase.OVER
    kept = await rules_of(unit, view.link_id)
    rules = kept.rules
    if rules.starts_at is not None and unit.now() < rules.starts_at:
        return Phase.EARLY
    if kept.expires_at is not None and kept.expires_at <= unit.now():
        return Phase.OVER
    if not rules.clicks_max:
        return Phase.OPEN
    people = select(click.c.click_id).where(
        click.c.merchant_id == unit.merchant_id, click.c.link_id == view.link_id, ~click.c.is_bot
    )
    count = await unit.scalar(select(func.count()).select_from(people.limit(rules.clicks_max).subquery()))
    return Phase.OVER if count >= rules.clicks_max else Phase.OPEN
