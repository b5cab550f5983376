"""A merchant's own word on a cell of the matrix: which of its attempts are on, and in which order they come.

He chooses among what the cell offers and adds nothing to it: schemes and hosts are the program's. What he does not name
stays behind as the matrix has it.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from hutong.core.clock import Clock
from hutong.db.engine import Database
from hutong.db.rounds import repeat
from hutong.db.unit import Unit
from hutong.links.jumps.matrix import Matrix
from hutong.links.jumps.picks import Picks, check_picks
from hutong.links.models import jump_choice
from hutong.merchants.actors import Actor, write_down

log = logging.getLogger("hutong.links")

#: A choice is in force this soon.
REFRESH_S: Final = 1.0
#: A transaction that wrote its time early may commit late; the feed looks this far back again.
OVERLAP: Final = timedelta(seconds=10)
ROWS_READ_MAX: Final = 100_000


async def choose(
    unit: Unit, matrix: Matrix, container: str, destination: str, picks: Picks | None, actor: Actor
) -> None:
    """Keep a merchant's choice for a cell; None: as the matrix has it.

    Raises:
        InvalidInput, ChoiceRefused: as :func:`hutong.links.jumps.picks.check_picks`.
    """
    check_picks(matrix, container, destination, picks or ())
    statement = insert(jump_choice).values(
        merchant_id=unit.merchant_id,
        container=container,
        destination=destination,
        picks=None if picks is None else msgspec.to_builtins(picks),
        changed_at=unit.now(),
    )
    key = ["merchant_id", "container", "destination"]
    new = {"picks": statement.excluded.picks, "changed_at": statement.excluded.changed_at}
    await unit.run(statement.on_conflict_do_update(index_elements=key, set_=new))
    await write_down(unit, actor, "jump.chosen", f"{container}/{destination}")


async def choice_of(unit: Unit, container: str, destination: str) -> Picks:
    """What the merchant chose for a cell; nothing where he chose nothing."""
    row = await unit.one(
        select(jump_choice.c.picks).where(
            jump_choice.c.merchant_id == unit.merchant_id,
            jump_choice.c.container == container,
            jump_choice.c.destination == destination,
        )
    )
    return () if row is None else _picks(row.picks)


def _picks(stored: Any) -> Picks:  # noqa: ANN401 (JSON)
    return () if stored is None else msgspec.convert(stored, Picks)


class Choices:
    """All merchants' choices, in memory."""

    def __init__(self) -> None:
        self._picks: dict[tuple[UUID, str, str], Picks] = {}

    def of(self, merchant_id: UUID | None, container: str, destination: str) -> Picks:
        """A merchant's choice for a cell; nothing where he has none."""
        return self._picks.get((merchant_id, container, destination), ()) if merchant_id else ()

    def keep(self, merchant_id: UUID, container: str, destination: str, picks: Picks) -> None:
        """Take a choice; an empty one is none."""
        key = (merchant_id, container, destination)
        if picks:
            self._picks[key] = picks
        else:
            self._picks.pop(key, None)


class ChoiceFeed:
    """Keeps the choices of this process up to date."""

    def __init__(self, database: Database, clock: Clock, choices: Choices) -> None:
        self._database = database
        self._clock = clock
        self._choices = choices
        self._seen_until: datetime | None = None

    async def refresh(self) -> None:
        """Read what changed since the last time."""
        started_at = self._clock.now()
        # law: allow tenant-in-statement because the edge answers for all merchants: read by the system role's policy
        statement = select(jump_choice).order_by(jump_choice.c.changed_at).limit(ROWS_READ_MAX)
        if self._seen_until is not None:
            statement = statement.where(jump_choice.c.changed_at >= self._seen_until - OVERLAP)
        async with self._database.plain("system") as connection:
            for row in (await connection.execute(statement)).all():
                self._choices.keep(row.merchant_id, row.container, row.destination, _picks(row.picks))
        self._seen_until = started_at

    async def follow(self, stop: asyncio.Event) -> None:
        """Refresh until ``stop``."""
        trouble = "choices of ways could not be read; the ones before stay in force"
        await repeat(self.refresh, stop, REFRESH_S, log, trouble)
