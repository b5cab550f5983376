"""The ways for one click: the plan of its cell, in the order in which ways arrive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

import msgspec

from hutong.links.containers import Agent
from hutong.links.destinations import Target
from hutong.links.jumps.book import JumpBook
from hutong.links.jumps.choices import Choices
from hutong.links.jumps.matrix import CLICK, Matrix
from hutong.links.jumps.picks import Picks
from hutong.links.jumps.plan import Step, plan
from hutong.links.jumps.ranking import WATCHED, Ranking

#: Addresses by container and system whose plan is known; some 2 kB each.
PLANS_KNOWN_MAX: Final = 20_000


class Ways:
    """Plans that are made once, and ordered anew for each click."""

    def __init__(self, book: JumpBook | None = None, ranking: Ranking | None = None) -> None:
        self.book = book or JumpBook()
        self.ranking = ranking or Ranking()
        self.choices = Choices()
        self._plans: dict[tuple[str | bool | Picks, ...], tuple[Matrix, tuple[Step, ...]]] = {}

    def of(
        self,
        target: Target,
        agent: Agent,
        link_url: str,
        click_id: UUID,
        token: Callable[[], str] | None = None,
        *,
        merchant_id: UUID | None = None,
        share_code: str = "",
        is_once: bool = False,
    ) -> tuple[Step, ...]:
        """The steps for a click; the same click in the same state of knowledge has the same.

        ``token`` makes the click's id as addresses carry it; it is asked only where one does. ``merchant_id``: whose
        choices hold; ``share_code``: the platform's own code of the link, where it has one. ``is_once``: the target is
        this click's alone, and is not remembered.
        """
        picks = self.choices.of(merchant_id, agent.container, target.destination)
        carries = token is not None
        if is_once:
            steps = plan(self.book.matrix, agent, target, link_url, share_code, picks, carries=carries)
        else:
            steps = self._plan(target, agent, link_url, share_code, picks, carries=carries)
        if any(step.kind in WATCHED for step in steps):
            steps = self.ranking.order(steps, agent.container, agent.os, target.destination, click_id.bytes)
        if token is None or not any(CLICK in step.address for step in steps):
            return steps
        carried = token()
        return tuple(msgspec.structs.replace(step, address=step.address.replace(CLICK, carried)) for step in steps)

    def _plan(
        self, target: Target, agent: Agent, link_url: str, share_code: str, picks: Picks, *, carries: bool
    ) -> tuple[Step, ...]:
        matrix = self.book.matrix
        key = (
            *(target.url, target.app_url, target.share_code),
            *(agent.container, agent.os, link_url, carries, share_code, picks),
        )
        known = self._plans.get(key)
        if known is None or known[0] is not matrix:
            if len(self._plans) >= PLANS_KNOWN_MAX:
                self._plans.clear()
            steps = plan(matrix, agent, target, link_url, share_code, picks, carries=carries)
            known = self._plans[key] = (matrix, steps)
        return known[1]
