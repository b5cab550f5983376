"""A member of staff says how a difference between a bill and our records was dealt with."""

from __future__ import annotations

from uuid import UUID

from hutong.db.unit import Unit
from hutong.merchants.actors import Actor, write_down
from hutong.payments.bill_differences import settle, settle_kind
from hutong.payments.bill_matching import Verdict
from hutong.payments.bills import BillKey
from hutong.workflows.commands.read_bill import subject_of, tell_of_differences


async def settle_difference(unit: Unit, difference_id: UUID, note: str, actor: Actor) -> BillKey:
    """End a difference with a note; its ticket closes with the last one of its day. Nothing is posted.

    Raises:
        Forbidden: a role is needed. NotFound, Conflict, InvalidInput: as :func:`settle`.
    """
    actor.require_refunds()
    key = BillKey(*await settle(unit, difference_id, text=note, actor=actor.name))
    await write_down(unit, actor, "difference.settle", f"difference:{difference_id}")
    await tell_of_differences(unit, key)
    return key


async def settle_differences(unit: Unit, key: BillKey, kind: Verdict, note: str, actor: Actor) -> int:
    """End all open differences of one kind on one account's day with one note; how many there were.

    Raises:
        Forbidden: a role is needed. InvalidInput: no note, or too long a one.
    """
    actor.require_refunds()
    count = await settle_kind(unit, key.connection_id, key.day, kind, text=note, actor=actor.name)
    if count:
        await write_down(unit, actor, f"difference.settle_{kind.value}", f"bill:{subject_of(key)}")
        await tell_of_differences(unit, key)
    return count
