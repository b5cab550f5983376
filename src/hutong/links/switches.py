"""The switches: one link off and on again, or all links of a merchant. The edge sees both within a second."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from hutong.core.errors import NotFound
from hutong.db.unit import Unit
from hutong.links.guard_models import link_switch
from hutong.links.guard_states import LINK, LinkEvent
from hutong.links.models import link
from hutong.merchants.actors import Actor, write_down


async def switch_link(unit: Unit, actor: Actor, code: str, *, on: bool) -> bool:
    """Switch a link off (visitors get a friendly page) or on again; False where it was so already.

    Raises:
        NotFound: not this merchant's.
    """
    link_id = await unit.scalar(
        select(link.c.link_id).where(link.c.merchant_id == unit.merchant_id, link.c.code == code)
    )
    if link_id is None:
        raise NotFound(what="link", key=code)
    event = LinkEvent.ENABLE if on else LinkEvent.DISABLE
    done = await unit.transition(link, {"link_id": link_id}, LINK, event, changed_at=unit.now())
    if done:
        await write_down(unit, actor, f"link.{event.value}", f"link:{link_id}")
    return done


async def switch_all(unit: Unit, actor: Actor, *, on: bool) -> bool:
    """Switch all links of the merchant off or on again; False where they were so already.

    No link is rewritten: one that was off by itself is off still when all go on again.
    """
    statement = insert(link_switch).values(merchant_id=unit.merchant_id, is_off=not on, changed_at=unit.now())
    changed = {"is_off": statement.excluded.is_off, "changed_at": statement.excluded.changed_at}
    if on and not await is_all_off(unit):
        return False
    done = await unit.run(
        statement.on_conflict_do_update(
            index_elements=["merchant_id"], set_=changed, where=link_switch.c.is_off != statement.excluded.is_off
        )
    )
    if not done.rowcount:
        return False
    await write_down(unit, actor, f"links.{'enable' if on else 'disable'}", "links")
    return True


async def is_all_off(unit: Unit) -> bool:
    """Whether all links of the merchant are off."""
    is_off = select(link_switch.c.is_off).where(link_switch.c.merchant_id == unit.merchant_id)
    return bool(await unit.scalar(is_off))


async def merchants_off(connection: AsyncConnection) -> frozenset[UUID]:
    """Every merchant whose links are all off, read by the system role; they are few."""
    # law: allow tenant-in-statement because the edge answers for all merchants: read by the system role's policy
    rows = (await connection.execute(select(link_switch.c.merchant_id).where(link_switch.c.is_off))).all()
    return frozenset(row.merchant_id for row in rows)
