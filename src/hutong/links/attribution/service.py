"""Ties of orders: the strongest evidence is kept, whatever comes in whatever order; and what leads to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, Text, any_, literal, select

from hutong.core.errors import Conflict, NotFound
from hutong.core.ids import new_code
from hutong.db.bulk import ROWS_PER_STATEMENT_MAX
from hutong.db.unit import Unit
from hutong.links.attribution.evidence import EXACT, STRENGTH, Evidence, Tie, moment_of, stronger, touched_at
from hutong.links.attribution.models import (
    click_parent,
    click_person,
    link_word,
    visit,
)
from hutong.links.attribution.words import check_word, words_in
from hutong.links.models import link

#: Words made by us: so many letters and digits, of which tries are drawn until one is free.
MADE_WORD_CHARS: Final = 4
MADE_WORD_TRIES_MAX: Final = 20
#: A chain of forwards that is longer is cut: the latest ones count.
FORWARDS_MAX: Final = 10
#: How far back what the same person touched counts.
PERSON_REACH: Final = timedelta(days=30)
#: How far back clicks from one address, on one system, are thought one person's.
ADDRESS_REACH: Final = timedelta(hours=24)
#: An address with more clicks within that time is a household's, a firm's or a mobile network's, and says nothing.
ADDRESS_CLICKS_MAX: Final = 5
#: What is read of an address: where more came from within reach it is a shop's network or a carrier's, and nobody's.
ADDRESS_READ_MAX: Final = 50
TOUCHES_MAX: Final = 20
#: Words of a page of orders; links that they name.
LINKS_FOUND_MAX: Final = 10_000


class WordKind(StrEnum):
    """What a word is: given by the buyer in so many letters, or used as a coupon."""

    CODE = "code"
    COUPON = "coupon"


class OrderTie(msgspec.Struct, frozen=True, kw_only=True):
    """A tie for an order. ``touched_at``: when the buyer touched what it names, where no click says that: when he
    ordered at the latest.
    """

    order_id: UUID
    touched_at: datetime
    tie: Tie


#: The stronger tie holds; the order of columns is that of ``Tie.weight``.
_TIE: Final = """
INSERT INTO order_tie
  (merchant_id, order_id, evidence, strength, confidence_bps, channel_id, link_id, click_id, word, tied_at)
SELECT $1, given.*, $2
FROM unnest($3::uuid[], $4::text[], $5::smallint[], $6::integer[], $7::uuid[], $8::uuid[], $9::uuid[], $10::text[])
  AS given (order_id, evidence, strength, confidence_bps, channel_id, link_id, click_id, word)
ORDER BY order_id
ON CONFLICT (merchant_id, order_id) DO UPDATE SET
  evidence = excluded.evidence, strength = excluded.strength, confidence_bps = excluded.confidence_bps,
  channel_id = excluded.channel_id, link_id = excluded.link_id, click_id = excluded.click_id, word = excluded.word,
  tied_at = excluded.tied_at
WHERE (excluded.strength, excluded.confidence_bps,
       coalesce(excluded.click_id, '00000000-0000-0000-0000-000000000000'), excluded.link_id)
    > (order_tie.strength, order_tie.confidence_bps,
       coalesce(order_tie.click_id, '00000000-0000-0000-0000-000000000000'), order_tie.link_id)
RETURNING order_id
"""

#: The tie goes only where it is the one that was withdrawn: one of another line, or by a word, stays. Of the touches
#: all clicks go, for others of the same person stand there because of it.
_WITHDRAW: Final = """
WITH given AS (
  SELECT * FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::uuid[]) AS given (order_id, evidence, link_id, click_id)
), touches AS (
  DELETE FROM order_touch touch USING given
  WHERE touch.merchant_id = $1 AND touch.order_id = given.order_id
    AND (touch.touch_id = given.link_id OR touch.touch_id <> touch.link_id)
)
DELETE FROM order_tie tie USING given
WHERE tie.merchant_id = $1 AND tie.order_id = given.order_id AND tie.evidence = given.evidence
  AND tie.link_id = given.link_id AND tie.click_id IS NOT DISTINCT FROM given.click_id
"""

#: Of two moments of one touch the earlier holds: a word may be told before the place that was opened first.
_TOUCH: Final = """
INSERT INTO order_touch AS known (merchant_id, order_id, touch_id, channel_id, link_id, touched_at)
SELECT $1, given.* FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::timestamptz[])
  AS given (order_id, touch_id, channel_id, link_id, touched_at)
ORDER BY order_id, touch_id
ON CONFLICT (merchant_id, order_id, touch_id) DO UPDATE SET touched_at = excluded.touched_at
WHERE excluded.touched_at < known.touched_at
"""

#: What the buyer of each order touched: those who brought him, clicks of the same person, clicks from the same address
#: on the same system where few came from there. Each step is limited, so that the planner goes by the indexes and the
#: cost does not grow with the tables.
_TOUCHED: Final = """
WITH RECURSIVE given AS (
  SELECT * FROM unnest($2::uuid[], $3::uuid[]) AS given (order_id, click_id)
), chain AS (
  SELECT order_id, click_id, 0 AS depth FROM given
  UNION
  SELECT chain.order_id, parent.parent_id, chain.depth + 1
  FROM chain CROSS JOIN LATERAL (SELECT p.parent_id FROM click_parent p
    WHERE p.merchant_id = $1 AND p.click_id = chain.click_id LIMIT 1) parent
  WHERE chain.depth < $4
), person AS (
  SELECT given.order_id, other.click_id
  FROM given
  CROSS JOIN LATERAL (SELECT p.mark, p.seen_at FROM click_person p
    WHERE p.merchant_id = $1 AND p.click_id = given.click_id LIMIT 1) mine
  CROSS JOIN LATERAL (SELECT p.click_id FROM click_person p WHERE p.merchant_id = $1 AND p.mark = mine.mark
    AND p.seen_at BETWEEN mine.seen_at - $5::interval AND mine.seen_at ORDER BY p.seen_at DESC LIMIT $8) other
), address AS (
  SELECT given.order_id, near.click_id, near.clicks
  FROM given
  CROSS JOIN LATERAL (SELECT c.address_hash, c.os, c.clicked_at FROM click c
    WHERE c.merchant_id = $1 AND c.click_id = given.click_id AND NOT c.is_bot LIMIT 1) mine
  CROSS JOIN LATERAL (
    SELECT few.*, count(*) OVER () AS all_,
      count(*) FILTER (WHERE few.os = mine.os AND NOT few.is_bot) OVER () AS clicks
    FROM (SELECT o.click_id, o.os, o.is_bot FROM click o WHERE o.merchant_id = $1 AND o.address_hash = mine.address_hash
      AND o.clicked_at BETWEEN mine.clicked_at - $6::interval AND mine.clicked_at
      ORDER BY o.clicked_at DESC LIMIT $9) few
  ) near
  WHERE near.os = mine.os AND NOT near.is_bot AND near.all_ < $9
), touched AS (
  SELECT order_id, click_id FROM chain
  UNION SELECT order_id, click_id FROM person
  UNION SELECT order_id, click_id FROM address WHERE clicks <= $7
)
SELECT touched.order_id, click.click_id, click.channel_id, click.link_id, click.clicked_at
FROM touched CROSS JOIN LATERAL (SELECT c.* FROM click c
  WHERE c.merchant_id = $1 AND c.click_id = touched.click_id LIMIT 1) click
ORDER BY touched.order_id, click.clicked_at DESC, click.click_id
"""


def told_tie(order_id: UUID, placed_at: datetime, tie: Tie) -> OrderTie:
    """What was told of an order that was placed then."""
    return OrderTie(order_id=order_id, touched_at=touched_at(tie, placed_at), tie=tie)


async def tie_orders(unit: Unit, ties: Sequence[OrderTie]) -> set[UUID]:
    """Take these ties; the orders of which one now holds that did not before. What is exact is a touch, too."""
    best: dict[UUID, OrderTie] = {}
    for one in ties:
        known = best.get(one.order_id)
        best[one.order_id] = one if known is None or stronger(known.tie, one.tie) is not known.tie else known
    if not best:
        return set()
    chosen = [best[order_id].tie for order_id in best]
    rows = await unit.fetch(
        _TIE,
        unit.merchant_id,
        unit.now(),
        list(best),
        [tie.evidence.value for tie in chosen],
        [STRENGTH[tie.evidence] for tie in chosen],
        [tie.confidence_bps for tie in chosen],
        [tie.channel_id for tie in chosen],
        [tie.link_id for tie in chosen],
        [tie.click_id for tie in chosen],
        [tie.word for tie in chosen],
    )
    await touch_orders(unit, [one for one in ties if one.tie.evidence in EXACT], keep_single=True)
    return {row.order_id for row in rows}


async def withdraw_ties(unit: Unit, withdrawn: Mapping[UUID, Sequence[Tie]]) -> None:
    """What was told of these orders holds no more: neither as their tie nor as a touch. Call :func:`tie_orders` with
    all that holds afterwards.
    """
    gone = [
        (order_id, tie.evidence.value, tie.link_id, tie.click_id)
        for order_id, ties in withdrawn.items()
        for tie in ties
    ]
    if not gone:
        return
    given = [list(column) for column in zip(*gone, strict=True)]
    await unit.fetch(_WITHDRAW, unit.merchant_id, *given)


async def touch_orders(unit: Unit, ties: Sequence[OrderTie], *, keep_single: bool = False) -> None:
    """Keep what the buyers of these orders touched before.

    ``keep_single``: also where there is one touch alone, which an order of our own checkout says itself.
    """
    clicked = [one for one in ties if one.tie.click_id is not None]
    touched: dict[UUID, dict[UUID, tuple[UUID, UUID, datetime]]] = {}
    for one in ties:
        # The order's own click counts also where it was lost, or is on its way to the database: its id says its time.
        at = one.touched_at if one.tie.click_id is None else moment_of(one.tie.click_id)
        touch_id, its = one.tie.click_id or one.tie.link_id, touched.setdefault(one.order_id, {})
        if touch_id not in its or at < its[touch_id][2]:
            its[touch_id] = (one.tie.channel_id, one.tie.link_id, at)
    if clicked:
        rows = await unit.fetch(
            _TOUCHED,
            unit.merchant_id,
            [one.order_id for one in clicked],
            [one.tie.click_id for one in clicked],
            FORWARDS_MAX,
            PERSON_REACH,
            ADDRESS_REACH,
            ADDRESS_CLICKS_MAX,
            TOUCHES_MAX,
            ADDRESS_READ_MAX,
        )
        for row in rows:
            its = touched[row.order_id]
            if len(its) < TOUCHES_MAX:
                its.setdefault(row.click_id, (row.channel_id, row.link_id, row.clicked_at))
    await _keep_touches(unit, {order: its for order, its in touched.items() if keep_single or len(its) > 1})


async def _keep_touches(unit: Unit, touched: Mapping[UUID, Mapping[UUID, tuple[UUID, UUID, datetime]]]) -> None:
    rows = [
        (order_id, touch_id, *its[touch_id]) for order_id, its in sorted(touched.items()) for touch_id in sorted(its)
    ]
    if not rows:
        return
    for at in range(0, len(rows), ROWS_PER_STATEMENT_MAX):
        columns = [list(column) for column in zip(*rows[at : at + ROWS_PER_STATEMENT_MAX], strict=True)]
        await unit.fetch(_TOUCH, unit.merchant_id, *columns)


async def bring(unit: Unit, click_id: UUID, parent_id: UUID) -> bool:
    """A visitor came by the forwarded address of another's click; False when that was known, or cannot be."""
    if parent_id.int >= click_id.int:  # ids are ordered by time: nobody is brought by who came later, so no rings
        return False
    return await unit.insert_once(click_parent, click_id=click_id, parent_id=parent_id, told_at=unit.now())


async def know_person(unit: Unit, click_id: UUID, mark: bytes) -> None:
    """Whose click it was, by a blind index."""
    await unit.insert_once(click_person, click_id=click_id, mark=mark, seen_at=moment_of(click_id))


async def arrive(unit: Unit, click_id: UUID, link_id: UUID) -> bool:
    """A click arrived where it was carried to; False when that was told before."""
    return await unit.insert_once(visit, click_id=click_id, link_id=link_id, visited_at=unit.now())


async def add_word(unit: Unit, link_id: UUID, kind: WordKind, word: str = "") -> str:
    """A word that names this link from now on; without one, a short one is made.

    Raises:
        InvalidInput: the word could stand in a remark by chance.
        Conflict: another link has it.
        NotFound: no such link.
    """
    known = select(link.c.link_id).where(link.c.merchant_id == unit.merchant_id, link.c.link_id == link_id)
    if await unit.scalar(known) is None:
        raise NotFound(what="link", key=str(link_id))
    if word:
        kept = check_word(word)
        if not await _take_word(unit, link_id, kind, kept) and await _owner_of(unit, kept) != link_id:
            raise Conflict(what="word")
        return kept
    for _ in range(MADE_WORD_TRIES_MAX):
        made = new_code(MADE_WORD_CHARS).upper()
        if not made.isalpha() and not made.isdigit() and await _take_word(unit, link_id, kind, made):
            return made
    raise RuntimeError("no free word found; the space of words is too full")


async def _take_word(unit: Unit, link_id: UUID, kind: WordKind, word: str) -> bool:
    return await unit.insert_once(link_word, word=word, link_id=link_id, kind=kind.value, created_at=unit.now())


async def _owner_of(unit: Unit, word: str) -> UUID | None:
    owner: UUID | None = await unit.scalar(
        select(link_word.c.link_id).where(link_word.c.merchant_id == unit.merchant_id, link_word.c.word == word)
    )
    return owner


async def ties_of_words(unit: Unit, remarks: Mapping[UUID, Sequence[str]]) -> dict[UUID, list[Tie]]:
    """The links whose words stand in an order's remarks, of each kind one at most: where words of one kind name two
    links it is a guess, and they name none. An order whose remarks hold no known word is left out.
    """
    by_order = {order_id: words for order_id, texts in remarks.items() if (words := words_in(texts))}
    wanted = sorted({word for words in by_order.values() for word in words})
    if not wanted:
        return {}
    statement = (
        select(link_word.c.word, link_word.c.kind, link.c.link_id, link.c.channel_id)
        .join(link, (link.c.merchant_id == link_word.c.merchant_id) & (link.c.link_id == link_word.c.link_id))
        .where(link_word.c.merchant_id == unit.merchant_id, link_word.c.word == any_(literal(wanted, ARRAY(Text))))
        .limit(LINKS_FOUND_MAX)
    )
    known = {
        row.word: Tie(evidence=Evidence(row.kind), channel_id=row.channel_id, link_id=row.link_id, word=row.word)
        for row in await unit.all(statement)
    }
    named = {order_id: [known[word] for word in words if word in known] for order_id, words in by_order.items()}
    return {order_id: one_of_each(its) for order_id, its in named.items() if its}


def one_of_each(ties: Sequence[Tie]) -> list[Tie]:
    """Of each kind of evidence the tie whose link alone it names. Pure."""
    kinds: dict[Evidence, list[Tie]] = {}
    for tie in ties:
        kinds.setdefault(tie.evidence, []).append(tie)
    return [max(its, key=lambda tie: tie.weight) for its in kinds.values() if len({tie.link_id for tie in its}) == 1]


async def tie_to_click(unit: Unit, click_id: UUID, code: str) -> Tie:
    """The tie of a click whose id came back.

    Raises:
        NotFound: the link is gone.
    """
    row = await unit.one(
        select(link.c.link_id, link.c.channel_id).where(link.c.merchant_id == unit.merchant_id, link.c.code == code)
    )
    if row is None:
        raise NotFound(what="link", key=code)
    return Tie(evidence=Evidence.CARRIED, channel_id=row.channel_id, link_id=row.link_id, click_id=click_id)
