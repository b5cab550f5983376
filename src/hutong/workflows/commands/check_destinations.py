"""Looks whether the pages that links lead to answer: a round at a time, few looks at one host, never our own desk.

Platforms show many a page to people only. What says so (403, a page to sign in at) is not held against the link: it
could not be judged. A redirect is followed to where a link might lead, too, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final
from urllib.parse import urljoin
from uuid import UUID

import msgspec

from hutong.core.errors import HutongError
from hutong.links.destinations import host_of, read_target
from hutong.links.health import CHECK_DESTINATIONS, HOST_LINKS_MAX, Look, Outcome, due_links, record_looks
from hutong.links.hosts import host_states
from hutong.links.switches import is_all_off
from hutong.transport.outward import OutwardSender, Told, Trouble
from hutong.transport.pacing import Pace
from hutong.workflows.runtime import Runtime

#: Looks at one host, for all merchants of this hub together: what a person with many tabs would ask for.
HOST_PACE: Final = Pace(calls=HOST_LINKS_MAX, seconds=60)
#: What no round had time for waits so long.
ROUND_GAP: Final = timedelta(minutes=1)
HOPS_MAX: Final = 3
HEADERS: Final = {"user-agent": "hutong-links (looks whether a page is there)", "accept": "text/html"}
_FOUND: Final = range(200, 300)
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_GONE: Final = frozenset({404, 410})
_SERVERS_FAULT: Final = 500
#: What our own line being down looks like.
_NO_LINE: Final = frozenset({Trouble.TIMEOUT.value, Trouble.UNREACHABLE.value, Trouble.NOT_RESOLVED.value})


class Nothing(msgspec.Struct, frozen=True):
    """Payload of the job: all there is to know is whose it is."""


async def plan_checks(runtime: Runtime, merchant_id: UUID) -> None:
    """Let the job look at what is due; again is harmless. Not in a trial home: it plays with no real page."""
    if runtime.trial:
        return
    async with runtime.unit(merchant_id, "destinations.plan") as unit:
        unit.schedule(CHECK_DESTINATIONS, Nothing(), dedupe_key=CHECK_DESTINATIONS)


async def check_destinations(runtime: Runtime, merchant_id: UUID, _payload: bytes) -> None:
    """The job: one round, and another after ROUND_GAP where something is left."""
    async with runtime.unit(merchant_id, "destinations.due") as unit:
        due = () if await is_all_off(unit) else await due_links(unit)
        own = frozenset(await host_states(unit))
    if not due:
        return

    def may_follow(url: str) -> bool:
        try:
            return read_target(url, own).url.startswith("https://")
        except HutongError:
            return False

    looks: dict[str, Look] = {}
    for url in dict.fromkeys(url for one in due for url in one.urls):
        if _is_admitted(runtime, url):
            looks[url] = await look_at(runtime.outward, url, may_follow)
    looks = _without_own_trouble(looks)
    async with runtime.unit(merchant_id, "destinations.record") as unit:
        whole = [one for one in due if all(url in looks for url in one.urls)]
        for one in whole:
            await record_looks(unit, one, looks)
        if len(whole) < len(due) or await due_links(unit):
            unit.schedule(CHECK_DESTINATIONS, Nothing(), delay=ROUND_GAP, dedupe_key=CHECK_DESTINATIONS)


async def look_at(outward: OutwardSender, url: str, may_follow: Callable[[str], bool]) -> Look:
    """Whether a page is there: one request, and one more for each redirect to where a link might lead, too."""
    told = Told()
    for _ in range(HOPS_MAX + 1):
        told = await outward.fetch(url, HEADERS)
        if told.trouble is not None or told.status not in _REDIRECTS:
            return judge(told)
        url = urljoin(url, told.location)
        if not may_follow(url):
            break
    return Look(outcome=Outcome.UNCLEAR, status=told.status, trouble="elsewhere")


def judge(told: Told) -> Look:
    """What an answer says of the page."""
    if told.trouble is not None:
        return Look(outcome=Outcome.BROKEN, trouble=told.trouble.value)
    if told.status in _FOUND:
        return Look(outcome=Outcome.OK, status=told.status)
    if told.status in _GONE:
        return Look(outcome=Outcome.BROKEN, status=told.status, trouble="gone")
    if told.status >= _SERVERS_FAULT:
        return Look(outcome=Outcome.BROKEN, status=told.status, trouble="status")
    return Look(outcome=Outcome.UNCLEAR, status=told.status, trouble="asked_in")


def _is_admitted(runtime: Runtime, url: str) -> bool:
    bucket = runtime.looks.of("look", host_of(url), HOST_PACE)
    return bucket.reserve(runtime.clock.now().timestamp(), 0) is not None


def _without_own_trouble(looks: dict[str, Look]) -> dict[str, Look]:
    """Where several hosts are looked at and none is reached, it is our own line."""
    hosts = {host_of(url) for url in looks}
    if len(hosts) > 1 and all(look.trouble in _NO_LINE for look in looks.values()):
        return {url: Look(outcome=Outcome.UNCLEAR, trouble="offline") for url in looks}
    return looks
