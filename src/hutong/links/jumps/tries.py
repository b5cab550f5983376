"""What became of each attempt, as the visitor's page told: whether he left for the app, or stayed."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from hutong.db.unit import Unit
from hutong.links.containers import Agent
from hutong.links.jumps.plan import Step
from hutong.links.models import jump_try


class Outcome(StrEnum):
    """``left``: the page went out of sight within moments of the attempt. ``stayed``: it did not."""

    LEFT = "left"
    STAYED = "stayed"


async def record_try(
    unit: Unit,
    click_id: UUID,
    link_id: UUID,
    agent: Agent,
    destination: str,
    step: Step,
    outcome: Outcome,
    *,
    visitor: bytes | None,
) -> None:
    """Keep the outcome of one attempt of one click; a later word counts only where it says that he left after all.

    ``visitor``: his mark of the day; None where nobody knows whose address it was.
    """
    values = {
        "merchant_id": unit.merchant_id,
        "click_id": click_id,
        "form": step.form,
        "link_id": link_id,
        "container": agent.container,
        "os": agent.os,
        "destination": destination,
        "taps": step.taps,
        "outcome": outcome.value,
        "tried_at": unit.now(),
        "visitor": visitor,
    }
    statement = insert(jump_try).values(values)
    await unit.run(
        statement.on_conflict_do_update(
            index_elements=["merchant_id", "click_id", "form"],
            set_={"outcome": statement.excluded.outcome, "tried_at": statement.excluded.tried_at},
            where=(jump_try.c.outcome == Outcome.STAYED.value) & (statement.excluded.outcome == Outcome.LEFT.value),
        )
    )
