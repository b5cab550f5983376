"""Counts of clicks over a period, all in one reading: by time, app, system, language, source, kind of machine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import DateTime, cast, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from hutong.analytics.clicks import ClickFilter, Who, conditions
from hutong.db.unit import Unit
from hutong.links.machines import read_kind
from hutong.links.models import click

#: Steps of one picture; what a person can tell apart.
STEPS_MAX: Final = 240
#: Groups of one answer; languages are what visitors make them, the most frequent are shown.
GROUPS_MAX: Final = 20_000
SPARK_LINKS_MAX: Final = 200
_MOMENTS: Final = ARRAY(DateTime(timezone=True))
KINDS: Final = ("container", "os", "language", "referrer", "machine")


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """People and machines that have one value."""

    value: str
    people: int = 0
    bots: int = 0


class ClickCounts(msgspec.Struct, frozen=True, kw_only=True):
    """``steps`` as the bounds that were given; the others by count, the most first."""

    people: int
    bots: int
    steps: tuple[Count, ...]
    by: dict[str, tuple[Count, ...]]


async def count_clicks(unit: Unit, wanted: ClickFilter, bounds: Sequence[datetime]) -> ClickCounts:
    """Clicks of a filter within ``bounds`` (the beginning of each step, and the end of the last).

    People and machines are both counted, whichever of them the filter wants to see.
    """
    if not 1 < len(bounds) <= STEPS_MAX + 1:
        raise ValueError("a picture has one step at least, and not too many")
    within = msgspec.structs.replace(wanted, who=Who.ALL, since=bounds[0], until=bounds[-1])
    step = func.width_bucket(click.c.clicked_at, cast(literal(list(bounds), _MOMENTS), _MOMENTS))
    # Few combinations stand for many clicks: they are counted first, and then folded by each column.
    rows = (
        select(step.label("step"), *(click.c[kind] for kind in KINDS), click.c.is_bot)
        .where(click.c.merchant_id == unit.merchant_id, *conditions(unit, within))
        .subquery()
    )
    combined = select(*rows.c, func.count().label("clicks")).group_by(*rows.c).subquery()
    columns = [combined.c[name] for name in ("step", *KINDS)]
    statement = (
        select(
            func.grouping(*columns).label("absent"),
            *columns,
            combined.c.is_bot,
            func.sum(combined.c.clicks).label("clicks"),
        )
        .group_by(func.grouping_sets(*(tuple_(column, combined.c.is_bot) for column in columns)))
        .limit(GROUPS_MAX)
    )
    found: dict[str, dict[Any, list[int]]] = {name: {} for name in ("step", *KINDS)}
    names = {_absent(at): name for at, name in enumerate(found)}
    for row in await unit.all(statement):
        name = names[row.absent]
        value = read_kind(row.machine)[0] if name == "machine" else getattr(row, name)
        found[name].setdefault(value, [0, 0])[row.is_bot] += int(row.clicks)
    steps = found.pop("step")
    return ClickCounts(
        people=sum(people for people, _ in steps.values()),
        bots=sum(bots for _, bots in steps.values()),
        steps=tuple(_count(bounds[at - 1].isoformat(), steps.get(at, [0, 0])) for at in range(1, len(bounds))),
        by={name: _ordered(values) for name, values in found.items()},
    )


def _absent(at: int) -> int:
    """What GROUPING answers where only the column at this place is grouped by."""
    count = len(KINDS) + 1
    return (1 << count) - 1 - (1 << (count - 1 - at))


def _ordered(values: dict[Any, list[int]]) -> tuple[Count, ...]:
    counts = [_count(value, pair) for value, pair in values.items()]
    return tuple(sorted(counts, key=lambda one: (-one.people - one.bots, one.value)))


def _count(value: str, pair: list[int]) -> Count:
    return Count(value=value, people=pair[0], bots=pair[1])


async def clicks_by_step(
    unit: Unit, link_ids: Sequence[UUID], bounds: Sequence[datetime]
) -> dict[UUID, tuple[int, ...]]:
    """Clicks of people on each of these links, step by step; a link without any is left out."""
    if not link_ids or not 1 < len(bounds) <= STEPS_MAX + 1:
        return {}
    step = func.width_bucket(click.c.clicked_at, cast(literal(list(bounds), _MOMENTS), _MOMENTS)).label("step")
    inner = (
        select(click.c.link_id, step)
        .where(
            click.c.merchant_id == unit.merchant_id,
            click.c.link_id.in_(link_ids[:SPARK_LINKS_MAX]),
            click.c.clicked_at >= bounds[0],
            click.c.clicked_at < bounds[-1],
            ~click.c.is_bot,
        )
        .subquery()
    )
    statement = select(inner.c.link_id, inner.c.step, func.count().label("clicks")).group_by(
        inner.c.link_id, inner.c.step
    )
    found: dict[UUID, list[int]] = {}
    for row in await unit.all(statement.limit(SPARK_LINKS_MAX * STEPS_MAX)):
        found.setdefault(row.link_id, [0] * (len(bounds) - 1))[row.step - 1] = row.clicks
    return {link_id: tuple(counts) for link_id, counts in found.items()}
