"""The order in which ways are tried, by how often each has arrived: Thompson sampling with a stated prior.

Every way that can be watched has a belief about its chance to arrive, per container, system and destination: a beta
distribution whose prior comes from the matrix and whose counts come from visitors' pages, newer ones weighing more. For
each click a chance is drawn from each belief, and ways are tried by chance per second that they cost; that order is the
best for independent ways tried one after the other until one arrives (Smith's rule; Smith 1956). Drawing instead of
taking the mean tries what is little known as often as it may be the best (Thompson 1933); what seems closed is fired in
a small share of clicks all the same, so that a wall that opens is seen.

Of a cell of which nothing was told yet the matrix's own order holds, but for that share of clicks where it hides a way
behind another. A page is opened at once where it comes first, and nobody can watch whether an app then shows it: it
stands by a chance of its own.

A click's draws come from its id: the same click in the same state of knowledge has the same order.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

import msgspec

from hutong.links.jumps.plan import Step

#: Arrivals and failures that a way begins with, by the matrix's evidence for it.
PRIORS: Final = {"seen": (4.0, 1.0), "guessed": (2.0, 2.0)}
#: For a way that the matrix puts behind one that needs nobody's permission: it is thought closed.
PRIOR_BEHIND: Final = (1.0, 3.0)
#: What stands for a page's chance: where the matrix has it first, and where it is what is left of a jump.
PAGE_CHANCE: Final = 0.8
PAGE_CHANCE_BEHIND: Final = 0.35
#: Tries that are remembered: each new one makes all before it, the prior too, weigh this much less.
MEMORY_TRIES: Final = 20
#: Keeps a belief open at both ends (Jeffreys' prior).
OPEN: Final = 0.5
#: A way whose drawn chance is less seems closed: it is not fired by itself, but its button stays.
CHANCE_MIN: Final = 0.2
#: The share of clicks in which it is fired all the same, and before a page: nobody who is led on by one would see that
#: a wall has opened.
EXPLORED: Final = 1 / 16
#: The same where one of its last tries has arrived, and so long as its belief is low: the wall may be open again.
EXPLORED_AT_NEWS: Final = 1 / 2
NEWS_TRIES: Final = 3
NEWS_BELIEF_MAX: Final = 0.5
#: What a way costs: the moment the page watches it, and each tap.
WATCH_S: Final = 2.5
TAP_S: Final = 1.5
#: Ways whose arrival the page can watch.
WATCHED: Final = frozenset({"scheme", "wrapper"})
FIRED: Final = WATCHED | {"page"}


class Way(msgspec.Struct, frozen=True):
    """What is believed of: a form in a cell."""

    container: str
    system: str
    destination: str
    form: str


class Counts(msgspec.Struct):
    """Arrivals and failures of a way since its first try, older ones weighing less; ``prior_weight`` is what is left of
    the prior, ``tries`` how many there were, ``since_left`` how many of them after the last arrival.
    """

    left: float = 0.0
    stayed: float = 0.0
    prior_weight: float = 1.0
    tries: int = 0
    since_left: int = 0

    @property
    def is_news(self) -> bool:
        """It seemed closed, and somebody has arrived by it lately."""
        seemed_closed = self.left < NEWS_BELIEF_MAX * (self.left + self.stayed)
        return seemed_closed and self.left > 0 and self.since_left < NEWS_TRIES

    def add(self, *, left: bool) -> None:
        """One more try."""
        keep = 1 - 1 / MEMORY_TRIES
        self.left = self.left * keep + left
        self.stayed = self.stayed * keep + (not left)
        self.prior_weight *= keep
        self.tries += 1
        self.since_left = 0 if left else self.since_left + 1


class Ranking:
    """What is known of all ways; hub-wide, for walls are the apps' and not a merchant's."""

    def __init__(self) -> None:
        self._counts: dict[Way, Counts] = {}

    def learn(self, way: Way, *, left: bool) -> None:
        """A try has ended."""
        self._counts.setdefault(way, Counts()).add(left=left)

    def counts(self, way: Way) -> Counts:
        """What is known of a way; nothing yet for a new one."""
        return self._counts.get(way, Counts())

    def order(
        self, steps: Sequence[Step], container: str, system: str, destination: str, seed: bytes
    ) -> tuple[Step, ...]:
        """The steps of a plan in the order to try: fired ones by chance per second, then what needs nobody's
        permission, then fired ones that have hardly a chance.
        """
        ways = {step.form: Way(container, system, destination, step.form) for step in steps if step.kind in WATCHED}
        draw = random.Random(seed)  # noqa: S311 (an order, no secret)
        is_news = any(self.counts(way).is_news for way in ways.values())
        explores = draw.random() < (EXPLORED_AT_NEWS if is_news else EXPLORED)
        if not any(self.counts(way).tries for way in ways.values()) and not (explores and _hides_a_way(steps)):
            return tuple(steps)
        drawn: list[tuple[float, int, Step]] = []
        is_behind = False
        for place, step in enumerate(steps):
            if step.kind in FIRED:
                if step.form in ways:
                    prior = PRIOR_BEHIND if is_behind else PRIORS[step.evidence]
                    chance = self._draw(ways[step.form], draw, prior)
                else:
                    chance = PAGE_CHANCE_BEHIND if place else PAGE_CHANCE
                drawn.append((max(chance, CHANCE_MIN) if explores else chance, place, step))
            else:
                is_behind = True
        likely = sorted(
            (one for one in drawn if one[0] >= CHANCE_MIN),
            key=lambda one: (explores and one[2].kind not in WATCHED, -one[0] / _cost_s(one[2]), one[1]),
        )
        hardly = [step for chance, _, step in drawn if chance < CHANCE_MIN]
        free = [step for step in steps if step.kind not in FIRED]
        return (*(step for _, _, step in likely), *free, *hardly)

    def _draw(self, way: Way, draw: random.Random, prior: tuple[float, float]) -> float:
        arrived, failed = prior
        known = self.counts(way)
        return draw.betavariate(
            OPEN + arrived * known.prior_weight + known.left, OPEN + failed * known.prior_weight + known.stayed
        )


def _hides_a_way(steps: Sequence[Step]) -> bool:
    """Whether a way stands behind a page or what is only shown: in the matrix's order nobody would ever try it."""
    first = next((place for place, step in enumerate(steps) if step.kind not in WATCHED), len(steps))
    return any(step.kind in WATCHED for step in steps[first:])


def _cost_s(step: Step) -> float:
    return WATCH_S + TAP_S * step.taps
