"""Evidence that was told of orders by their numbers, known or not: their ties may have to be made anew of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ARRAY, Text, any_, literal, select

from hutong.core.money import BPS_WHOLE
from hutong.db.unit import Unit
from hutong.links.attribution.evidence import Evidence, Tie
from hutong.links.attribution.models import told_evidence

#: Evidence of the orders of one page.
TOLD_MAX: Final = 50_000


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A tie for an order by its number at its platform."""

    source: str
    order_no: str
    tie: Tie


#: What somebody has told stays told, also where it stands in a remark, too.
_TELL: Final = """
INSERT INTO told_evidence AS known
  (merchant_id, is_remark, told_at, source, order_no, evidence, channel_id, link_id, touch_id, word)
SELECT DISTINCT ON (source, order_no, evidence, touch_id) $1::uuid, $2::boolean, $3::timestamptz, given.*
FROM unnest($4::text[], $5::text[], $6::text[], $7::uuid[], $8::uuid[], $9::uuid[], $10::text[])
  AS given (source, order_no, evidence, channel_id, link_id, touch_id, word)
ORDER BY source, order_no, evidence, touch_id
ON CONFLICT (merchant_id, source, order_no, evidence, touch_id) DO UPDATE SET is_remark = false
WHERE known.is_remark AND NOT excluded.is_remark
"""
_SUPERSEDE: Final = """
DELETE FROM told_evidence known
WHERE known.merchant_id = $1 AND known.source = $2 AND known.order_no = ANY($3::text[]) AND known.is_remark
  AND NOT EXISTS (SELECT FROM unnest($4::text[], $5::text[], $6::uuid[]) AS now (order_no, evidence, link_id)
    WHERE now.order_no = known.order_no AND now.evidence = known.evidence AND now.link_id = known.link_id)
RETURNING known.*
"""


async def keep_told(unit: Unit, told: Sequence[Told], *, is_remark: bool = False) -> None:
    """Keep evidence of orders by their numbers, known or not: their ties may have to be made anew of it.

    ``is_remark``: it stands in what buyer or seller wrote, which may be corrected (:func:`supersede`).
    """
    if not told:
        return
    columns = zip(
        *(
            (
                one.source,
                one.order_no,
                one.tie.evidence.value,
                one.tie.channel_id,
                one.tie.link_id,
                one.tie.click_id or one.tie.link_id,
                one.tie.word,
            )
            for one in told
        ),
        strict=True,
    )
    await unit.fetch(_TELL, unit.merchant_id, is_remark, unit.now(), *(list(column) for column in columns))


async def supersede(unit: Unit, source: str, numbers: Sequence[str], told: Sequence[Told]) -> list[Told]:
    """Forget what stood in remarks of these orders before and does not stand there now; what was forgotten.

    ``told``: what stands there now, of all of them.
    """
    if not numbers:
        return []
    now = (
        [one.order_no for one in told],
        [one.tie.evidence.value for one in told],
        [one.tie.link_id for one in told],
    )
    return [_told(row) for row in await unit.fetch(_SUPERSEDE, unit.merchant_id, source, list(numbers), *now)]


async def told_of(unit: Unit, source: str, numbers: Sequence[str]) -> list[Told]:
    """What was told of these orders, before they were known and since."""
    told = told_evidence.c
    statement = select(told_evidence).where(
        told.merchant_id == unit.merchant_id,
        told.source == source,
        told.order_no == any_(literal(list(numbers), ARRAY(Text))),
    )
    rows = await unit.all(statement.limit(TOLD_MAX))
    return [_told(row) for row in rows]


def _told(row: Any) -> Told:  # noqa: ANN401 (a row of told_evidence)
    tie = Tie(
        evidence=Evidence(row.evidence),
        channel_id=row.channel_id,
        link_id=row.link_id,
        click_id=None if row.touch_id == row.link_id else row.touch_id,
        word=row.word,
        confidence_bps=BPS_WHOLE,
    )
    return Told(source=row.source, order_no=row.order_no, tie=tie)
