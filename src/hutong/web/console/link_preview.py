"""What happens in each app: a link's rules, unsaved ones too, put to the real plan of jumps for every app.

A page that is no platform's is asked about first, unless its host is proven; a link that is closed shows everybody the
same, and what its rules would do once it is open.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec

from hutong.links.containers import CONTAINERS, Agent
from hutong.links.destinations import CHECKOUT, WEB
from hutong.links.guard_states import HostState
from hutong.links.hosts import leads_on
from hutong.links.jumps.plan import Step
from hutong.links.jumps.ways import Ways
from hutong.links.rules.compiled import Compiled, Outcome, Visit
from hutong.links.standing import OVER, Standing
from hutong.web.console.views import View

#: Systems that each app is shown on; a computer has one.
PHONES: Final = ("ios", "android")
COMPUTER: Final = "desktop"
#: A link's order of ways is drawn for each click; this click's stands for all.
_SAMPLE: Final = UUID(int=0)


class Attempt(View, frozen=True, kw_only=True):
    """One thing that is tried, or that a visitor sees. ``kind`` as the matrix has it, or desk, desk_qr, asks (the page
    that names an unproven host) or closed (the friendly page).
    """

    kind: str
    taps: int
    evidence: str


class Way(View, frozen=True, kw_only=True):
    """Where one share of visitors is led. ``percent`` 100: all of them."""

    percent: int
    place: str
    url: str
    first: Attempt
    rest: tuple[Attempt, ...]


class Cell(View, frozen=True, kw_only=True):
    """What happens on some systems of an app. ``rule`` 0: no rule holds, the link leads as it always did."""

    systems: tuple[str, ...]
    rule: int
    ways: tuple[Way, ...]


class PreviewRow(View, frozen=True, kw_only=True):
    """Apps in which the same happens."""

    containers: tuple[str, ...]
    cells: tuple[Cell, ...]


class Preview(View, frozen=True, kw_only=True):
    """All apps; ``direct`` of the ``cells`` open at once what the link leads to, and ``asking`` ask first.

    ``standing``: where the link stands; while it is not active, the rows are what would happen, and ``over_url`` is
    where everybody is led instead of the friendly page, if anywhere; ``over_asks``: by the page that asks first.
    ``is_locked``: all of it after the password.
    """

    rows: tuple[PreviewRow, ...]
    cells: int
    direct: int
    asking: int
    standing: Standing
    over_url: str
    over_asks: bool = False
    is_locked: bool = False


def preview(
    compiled: Compiled,
    ways: Ways,
    link_url: str,
    seen: Visit,
    hosts: Mapping[str, HostState],
    standing: Standing = Standing.ACTIVE,
    *,
    is_locked: bool = False,
) -> Preview:
    """What happens with a link in every app. ``seen``: language, moment and query; ``hosts``: the merchant's own."""
    watcher = _Watcher(compiled, ways, link_url, seen, hosts)
    by_cells: dict[tuple[Cell, ...], list[str]] = {}
    for container in CONTAINERS:
        by_cells.setdefault(watcher.cells(container), []).append(container)
    rows = tuple(PreviewRow(containers=tuple(names), cells=made) for made, names in by_cells.items())
    cells = [cell for row in rows for cell in row.cells for _ in row.containers]
    direct = sum(all(way.first.kind in ("page", "scheme", "desk") for way in cell.ways) for cell in cells)
    asking = sum(any(way.first.kind == "asks" for way in cell.ways) for cell in cells)
    over_url = ((compiled.over.url if compiled.over else None) or "") if standing in OVER else ""
    return Preview(
        rows=rows,
        cells=len(cells),
        direct=direct,
        asking=asking,
        standing=standing,
        over_url=over_url,
        over_asks=bool(over_url) and not leads_on(over_url, hosts),
        is_locked=is_locked,
    )


class _Watcher:
    """Looks at one link through each app."""

    def __init__(
        self, compiled: Compiled, ways: Ways, link_url: str, seen: Visit, hosts: Mapping[str, HostState]
    ) -> None:
        self._compiled, self._ways, self._link_url = compiled, ways, link_url
        self._seen, self._hosts = seen, hosts

    def cells(self, container: str) -> tuple[Cell, ...]:
        """What happens in an app; systems on which the same happens share a cell."""
        systems = ("windows",) if container == COMPUTER else PHONES
        cells = [self._cell(container, system) for system in systems]
        first = cells[0]
        if all((cell.rule, cell.ways) == (first.rule, first.ways) for cell in cells):
            return (Cell(systems=systems, rule=first.rule, ways=first.ways),)
        return tuple(cells)

    def _cell(self, container: str, system: str) -> Cell:
        visit = msgspec.structs.replace(self._seen, container=container, os=system)
        agent = Agent(container=container, os=system, is_phone=container != COMPUTER, is_bot=False)
        place, outcomes, weights = self._compiled.shares(visit)
        percents = _percents(weights)
        made = tuple(self._way(one, part, agent) for one, part in zip(outcomes, percents, strict=True))
        return Cell(systems=(system,), rule=place, ways=made)

    def _way(self, outcome: Outcome, percent: int, agent: Agent) -> Way:
        if outcome.url is None:
            kind = "desk_qr" if agent.container == COMPUTER else "desk"
            only = Attempt(kind=kind, taps=0, evidence="seen")
            return Way(percent=percent, place=CHECKOUT, url="", first=only, rest=())
        if outcome.target is None:  # allowed no more
            only = Attempt(kind="closed", taps=0, evidence="seen")
            return Way(percent=percent, place=WEB, url=outcome.url, first=only, rest=())
        if not leads_on(outcome.url, self._hosts):
            only = Attempt(kind="asks", taps=1, evidence="seen")
            return Way(percent=percent, place=WEB, url=outcome.url, first=only, rest=())
        steps = self._ways.of(outcome.target, agent, self._link_url, _SAMPLE)
        attempts = tuple(_attempt(step) for step in steps)
        place = outcome.target.destination
        return Way(percent=percent, place=place, url=outcome.url, first=attempts[0], rest=attempts[1:])


def _attempt(step: Step) -> Attempt:
    return Attempt(kind=step.kind, taps=step.taps, evidence=step.evidence)


def _percents(weights: tuple[int, ...]) -> tuple[int, ...]:
    """Whole per cents that make 100: what rounding leaves over goes to the first."""
    total = sum(weights)
    parts = [weight * 100 // total for weight in weights]
    return (parts[0] + 100 - sum(parts), *parts[1:])
