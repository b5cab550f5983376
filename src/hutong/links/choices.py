"""Links by name, for lists to choose from."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import select

from hutong.db.unit import Unit
from hutong.links.models import link

CHOICES_MAX: Final = 200


class LinkChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A link's code and title."""

    code: str
    title: str


async def link_choices(unit: Unit) -> tuple[LinkChoice, ...]:
    """The newest links; older ones are found by their code."""
    statement = (
        select(link.c.code, link.c.title)
        .where(link.c.merchant_id == unit.merchant_id)
        .order_by(link.c.created_at.desc(), link.c.link_id.desc())
    )
    return tuple(LinkChoice(code=row.code, title=row.title) for row in await unit.all(statement.limit(CHOICES_MAX)))
