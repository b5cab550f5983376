"""Many visitors by a schedule: how many clicks a hub takes until it tries what works first, and how many arrive."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, Final

import httpx
import msgspec

from hutong_sandbox.apps.habits import ASKS, OPENS, PASSING, TAP, all_apps
from hutong_sandbox.apps.schedule import CellSchedule
from hutong_sandbox.apps.visitor import APP, ARRIVED, Visit, Visitor, someone

#: After a change the hub has adapted within this many clicks …
SETTLED_CLICKS: Final = 200
#: … and from then on this share of clicks begins with a way that works.
BEST_FIRST_MIN: Final = 0.8
#: The first click from which on so many clicks in a row hold that share is when it had adapted.
WINDOW_CLICKS: Final = 40
#: Clicks of one cell on their way at once: what they tell is learned about a second later.
STEP: Final = 10
AT_ONCE: Final = 24
TIMEOUT_S: Final = 120.0
#: The noise: who has the app, whose page runs scripts, who tries the buttons that are shown; bots between the clicks.
HAS_APP: Final = 0.7
RUNS_SCRIPT: Final = 0.9
TRIES_BUTTONS: Final = 0.3
BOTS: Final = 0.1
BOT_AGENT: Final = "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)"


class Clicked(msgspec.Struct, frozen=True):
    """One click as it is judged."""

    is_best_first: bool
    has_arrived: bool
    could_arrive: bool
    taps: int
    problem: str


class Trial:
    """All schedules side by side against one hub. ``is_mute``: the hub hears nothing, so it cannot learn.

    ``page_first``: where the hub's own documents have a page before the app's own way (app, system, destination);
    elsewhere a click does not begin well with a page while the app lets its scheme through. None: nobody knows, and a
    page begins well everywhere.
    """

    def __init__(
        self,
        cells: Sequence[CellSchedule],
        links: Mapping[str, str],
        seed: int,
        *,
        is_mute: bool,
        page_first: Container[tuple[str, str, str]] | None = None,
    ) -> None:
        self._cells = cells
        self._links = links
        self._seed = seed
        self._is_mute = is_mute
        self._page_first = page_first
        self._clicks: dict[CellSchedule, list[Clicked]] = {cell: [] for cell in cells}

    async def run(self, clicks: int) -> list[dict[str, Any]]:
        """So many clicks for each cell; a line for each phase. Where an app has no jump that its list decides on there
        is nothing to learn, and after a phase as short as learning may take nothing to see: the line says that it is
        not judged.
        """
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        places = asyncio.Semaphore(AT_ONCE)
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=TIMEOUT_S, limits=limits) as http:  # noqa: S501

            async def one(cell: CellSchedule, click: int) -> Clicked:
                async with places:
                    return await self._click(http, cell, click)

            for start in range(0, clicks, STEP):
                numbers = range(start, min(start + STEP, clicks))
                given = [(cell, click) for click in numbers for cell in self._cells]
                told = await asyncio.gather(*(one(cell, click) for cell, click in given))
                for (cell, _), clicked in zip(given, told, strict=True):
                    self._clicks[cell].append(clicked)
        return [line for cell in self._cells for line in self._lines(cell, clicks)]

    async def _click(self, http: httpx.AsyncClient, cell: CellSchedule, click: int) -> Clicked:
        chance = random.Random(f"{self._seed} {cell.app} {cell.system} {cell.to} {click}")  # noqa: S311 (a test's)
        link, does = self._links[cell.to], cell.does(click)
        if chance.random() < BOTS:
            answer = await http.get(link, headers={"user-agent": BOT_AGENT})
            if not answer.headers.get("location", "").startswith("https://"):
                return Clicked(False, False, False, 0, f"a bot was sent to {answer.headers.get('location')}")
        person = someone(chance, cell.app, cell.system, has_app=HAS_APP, script=RUNS_SCRIPT, tries=TRIES_BUTTONS)
        person = msgspec.structs.replace(person, is_mute=self._is_mute)
        visit = await Visitor(http, person, cell.to, does=does).open(link)
        shows = all_apps().apps[cell.app].shows(cell.to)
        able = does in (OPENS, ASKS) or (does == TAP and person.tries_buttons)
        return Clicked(
            is_best_first=_is_best(visit, does, may_be_page=self._may_be_page(cell)),
            has_arrived=visit.ending in ARRIVED,
            could_arrive=shows or (person.has_app and able),
            taps=visit.taps if visit.ending == APP else 0,
            problem=visit.problem,
        )

    def _may_be_page(self, cell: CellSchedule) -> bool:
        return self._page_first is None or (cell.app, cell.system, cell.to) in self._page_first

    def _lines(self, cell: CellSchedule, clicks: int) -> Iterator[dict[str, Any]]:
        can_move = (cell.app, cell.system, cell.to) in all_apps().moving()
        for number, (first, last, does) in enumerate(cell.phases(clicks)):
            told = self._clicks[cell][first:last]
            after = told[SETTLED_CLICKS:]
            is_judged = can_move and bool(after)
            share = sum(one.is_best_first for one in after) / len(after) if after else None
            adapted = _adapted(told) if is_judged else None
            arrived, could = (
                sum(flags) for flags in zip(*((t.has_arrived, t.could_arrive) for t in told), strict=True)
            )
            taps = [one.taps for one in told if one.has_arrived]
            problems = [one.problem for one in told if one.problem]
            yield {
                "app": cell.app,
                "system": cell.system,
                "to": cell.to,
                "phase": number,
                "does": does,
                "clicks": last - first,
                "is_judged": is_judged,
                "adapted_after": adapted,
                "best_first_after": None if share is None else round(share, 3),
                "arrived": round(arrived / len(told), 3),
                "could_arrive": round(could / len(told), 3),
                "taps_mean": round(sum(taps) / len(taps), 2) if taps else None,
                "problems": problems[:3],
                "ok": not problems
                and (
                    not is_judged
                    or (
                        share is not None
                        and share >= BEST_FIRST_MIN
                        and adapted is not None
                        and adapted <= SETTLED_CLICKS
                    )
                ),
            }


def _is_best(visit: Visit, does: str, *, may_be_page: bool) -> bool:
    """Whether the click began with what works: a way that passes or a page; where neither is there, the way out."""
    kind, _ = visit.first
    offers = {told.split(" ")[0] for told in visit.offered}
    if kind == "page":
        return may_be_page or does not in PASSING
    if does == TAP:  # nothing opens by itself, whatever comes first: its button must be there
        return "scheme" in offers
    if does in PASSING and "scheme" in offers:
        return kind == "scheme"
    return kind not in ("scheme", "wrapper") and "page" not in offers


def _adapted(told: Sequence[Clicked]) -> int | None:
    """The first click from which on a window of clicks begins well often enough."""
    for start in range(len(told) - WINDOW_CLICKS + 1):
        if sum(one.is_best_first for one in told[start : start + WINDOW_CLICKS]) >= BEST_FIRST_MIN * WINDOW_CLICKS:
            return start
    return None
