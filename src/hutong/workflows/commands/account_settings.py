"""Settings of an account that are no credentials: its place, its rate, its fee, whether it is in use."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from hutong.db.unit import Unit
from hutong.links.promotions.places import switch_off_places
from hutong.merchants.actors import Actor, write_down
from hutong.merchants.connections import IS_ACTIVE, change_settings


async def change_account_settings(
    unit: Unit, actor: Actor, connection_id: UUID, changes: Mapping[str, str | int]
) -> None:
    """Change them; links are led by none of an account's addresses from the moment it is out of use.

    Raises:
        NotFound: not this merchant's.
    """
    await change_settings(unit, connection_id, **changes)
    if changes.get(IS_ACTIVE) == 0:
        await switch_off_places(unit, connection_id)
    await write_down(unit, actor, "connection.settings", f"connection:{connection_id}")
