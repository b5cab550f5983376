"""Read an account's orders now, whatever kind of account it is."""

from __future__ import annotations

from uuid import UUID

from hutong.workflows.commands.promote_links import promote_links
from hutong.workflows.commands.pull_orders import pull_orders
from hutong.workflows.commands.pull_promoted import pull_promoted
from hutong.workflows.commands.pull_windows import Pulled
from hutong.workflows.runtime import Runtime


async def pull_now(runtime: Runtime, merchant_id: UUID, connection_id: UUID) -> Pulled:
    """A shop's orders, or those that came by an alliance's addresses; then some links that have none get theirs, the
    latest first. The account's own job goes on with the rest.

    Raises:
        InvalidInput: the connection is neither.
        PlatformFailure, PlatformUnknown: what was read stays.
    """
    opened = await runtime.open_account(merchant_id, connection_id)
    if opened.connector.jump_links is None:
        return await pull_orders(runtime, merchant_id, connection_id)
    told = await pull_promoted(runtime, merchant_id, connection_id)
    await promote_links(runtime, merchant_id, connection_id, rounds_max=1)
    return told
