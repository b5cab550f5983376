"""Rules as they are asked for each click: everything that can be done once is done.

A visitor stays with his variant: it is drawn from the link, his blinded address, the app and the system. No cookie:
in-app browsers drop them, and the answer to a click is a bare redirect. What that costs: who changes his network or
opens the link in another app is drawn anew, and people behind one address who use the same app share a variant.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Final
from urllib.parse import unquote_plus
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from hutong.links.containers import Agent
from hutong.links.destinations import Target, target_and_host
from hutong.links.rules.checks import minutes_of
from hutong.links.rules.model import Rule, Rules, Variant, When
from hutong.links.rules.utm import tagged

#: What of a query is looked at.
QUERY_READ_CHARS_MAX: Final = 2_000
_SEED_BYTES: Final = 8


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """What rules may ask about a click; ``language`` is the first that the browser names."""

    container: str
    os: str
    language: str
    at: datetime
    query: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Where a visitor is led. ``choice`` names rule and variant, empty for the link itself; no ``url``: our desk."""

    choice: str
    url: str | None
    target: Target | None
    sku_id: UUID | None = None
    own_host: str | None = None  # of a page that is no platform's: whose it is, is looked at with each click


Test = Callable[[Visit], bool]


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """A link's rules, ready to be asked."""

    own: Outcome
    cases: tuple[tuple[tuple[Test, ...], tuple[Outcome, ...], tuple[int, ...]], ...]
    by_choice: dict[str, Outcome]
    starts_at: datetime | None
    clicks_max: int
    over_url: str | None

    def choose(self, visit: Visit, seed: bytes) -> Outcome:
        """Where a visitor is led: by the first rule that holds, or as the link says; ``seed`` stands for him."""
        for tests, outcomes, bounds in self.cases:
            if all(test(visit) for test in tests):
                return outcomes[0] if len(outcomes) == 1 else outcomes[share_of(seed, bounds)]
        return self.own

    def shares(self, visit: Visit) -> tuple[int, tuple[Outcome, ...], tuple[int, ...]]:
        """Where visitors like this one are led: the rule that holds (0: none), each of its ways and their weights."""
        for number, (tests, outcomes, bounds) in enumerate(self.cases, 1):
            if all(test(visit) for test in tests):
                return number, outcomes, tuple(high - low for low, high in pairwise((0, *bounds)))
        return 0, (self.own,), (1,)


def visitor_seed(link_id: UUID, address_hash: bytes, agent: Agent) -> bytes:
    """What stands for a visitor on a link."""
    return link_id.bytes + address_hash + f"{agent.container}/{agent.os}".encode()


def share_of(seed: bytes, bounds: tuple[int, ...]) -> int:
    """Which share a visitor falls into; ``bounds`` are the sums of the weights so far."""
    drawn = int.from_bytes(hashlib.blake2b(seed, digest_size=_SEED_BYTES).digest()) % bounds[-1]
    return bisect_right(bounds, drawn)


def compile_rules(rules: Rules, url: str | None, sku_id: UUID | None = None) -> Compiled:
    """Rules that were checked, and where the link itself leads, ready to be asked."""
    own = _outcome("", url, sku_id, rules)
    cases = tuple(_case(rule, rules) for rule in rules.rules)
    by_choice = {outcome.choice: outcome for _, outcomes, _ in cases for outcome in outcomes}
    return Compiled(
        own=own,
        cases=cases,
        by_choice={"": own, **by_choice},
        starts_at=rules.starts_at,
        clicks_max=rules.clicks_max,
        over_url=None if rules.over_url is None else tagged(rules.over_url, rules.utm),
    )


def _case(rule: Rule, rules: Rules) -> tuple[tuple[Test, ...], tuple[Outcome, ...], tuple[int, ...]]:
    live = tuple(variant for variant in rule.variants if variant.weight)
    variants = live or (Variant(weight=1, url=rule.url, sku_id=rule.sku_id),)
    outcomes = tuple(
        _outcome(f"{rule.key}.{one.key}" if live else rule.key, one.url, one.sku_id, rules) for one in variants
    )
    return _tests(rule.when, ZoneInfo(rules.zone)), outcomes, tuple(accumulate(one.weight for one in variants))


def _outcome(choice: str, url: str | None, sku_id: UUID | None, rules: Rules) -> Outcome:
    """An address that was allowed when it was written leads there still; it is only not jumped to."""
    if url is None:
        return Outcome(choice=choice, url=None, target=None, sku_id=sku_id)
    address = tagged(url, rules.utm)
    target, own_host = target_and_host(address)
    return Outcome(choice=choice, url=address, target=target, own_host=own_host)


def _tests(when: When, zone: ZoneInfo) -> tuple[Test, ...]:
    """The cheap ones first."""
    tests: list[Test] = []
    if when.containers:
        containers = frozenset(when.containers)
        tests.append(lambda visit: visit.container in containers)
    if when.systems:
        systems = frozenset(when.systems)
        tests.append(lambda visit: visit.os in systems)
    if when.languages:
        exact = frozenset(name.lower() for name in when.languages)
        prefixes = tuple(f"{name}-" for name in exact)
        tests.append(lambda visit: (told := visit.language.lower()) in exact or told.startswith(prefixes))
    if when.from_date or when.until_date:
        tests.append(_days(when, zone))
    if when.from_time:
        tests.append(_hours(when, zone))
    if when.query_name:
        tests.append(_query(when.query_name, when.query_value))
    return tuple(tests)


def _days(when: When, zone: ZoneInfo) -> Test:
    first, last = when.from_date, when.until_date

    def holds(visit: Visit) -> bool:
        day = visit.at.astimezone(zone).date()
        return (first is None or first <= day) and (last is None or day <= last)

    return holds


def _hours(when: When, zone: ZoneInfo) -> Test:
    start, end = minutes_of(when.from_time), minutes_of(when.until_time)

    def holds(visit: Visit) -> bool:
        local = visit.at.astimezone(zone)
        minute = local.hour * 60 + local.minute
        return start <= minute < end if start < end else minute >= start or minute < end

    return holds


def _query(name: str, value: str | None) -> Test:
    def holds(visit: Visit) -> bool:
        query = visit.query[:QUERY_READ_CHARS_MAX]
        if name not in query and "%" not in query:
            return False
        pairs = (part.partition("=") for part in query.split("&"))
        return any(
            unquote_plus(key) == name and (value is None or unquote_plus(given) == value) for key, _, given in pairs
        )

    return holds
