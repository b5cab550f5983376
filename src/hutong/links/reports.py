"""Reports: what visitors tell of a link. One ticket for each link, counted up; the words are kept beside it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from hutong.core.errors import InvalidInput
from hutong.db.unit import Unit
from hutong.links.events import LinkReported
from hutong.links.guard_models import link_report
from hutong.links.service import LinkView
from hutong.merchants.tickets import Severity, TicketKind, count_up

WORDS_CHARS_MAX: Final = 300
#: Reports of one link that are kept with their words; more are counted.
KEPT_MAX: Final = 200
SHOWN_MAX: Final = 20


class ReportReason(StrEnum):
    """What is wrong with a link."""

    SCAM = "scam"
    MISLEADING = "misleading"  # leads elsewhere than was said
    HARMFUL = "harmful"
    BROKEN = "broken"
    OTHER = "other"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What one visitor told."""

    reason: str
    words: str
    reported_at: datetime


async def report_link(unit: Unit, link: LinkView, reason: ReportReason, words: str, address_hash: bytes) -> int:
    """Take a report; how many this link has with it.

    Raises:
        InvalidInput: more words than WORDS_CHARS_MAX.
    """
    words = words.strip()
    if len(words) > WORDS_CHARS_MAX:
        raise InvalidInput(field="words", problem=f"≤ {WORDS_CHARS_MAX}")
    count = await count_up(
        unit,
        TicketKind.LINK_REPORTED,
        Severity.URGENT if reason in (ReportReason.SCAM, ReportReason.HARMFUL) else Severity.NORMAL,
        subject=("link", link.code),
        details={"title": link.title, "reason": reason.value},
        dedupe_key=link.link_id.hex,
    )
    here = (link_report.c.merchant_id == unit.merchant_id) & (link_report.c.link_id == link.link_id)
    if await unit.scalar(select(func.count()).where(here)) < KEPT_MAX:
        await unit.insert(
            link_report,
            report_id=unit.new_id(),
            link_id=link.link_id,
            reason=reason.value,
            words=words,
            address_hash=address_hash,
            reported_at=unit.now(),
        )
    unit.emit(LinkReported(link_id=link.link_id, code=link.code, reason=reason.value, reports_count=count))
    return count


async def reports_of(unit: Unit, link_id: UUID) -> tuple[Report, ...]:
    """The latest reports of a link that are kept."""
    statement = select(link_report.c.reason, link_report.c.words, link_report.c.reported_at).where(
        link_report.c.merchant_id == unit.merchant_id, link_report.c.link_id == link_id
    )
    rows = await unit.all(statement.order_by(link_report.c.report_id.desc()).limit(SHOWN_MAX))
    return tuple(Report(reason=row.reason, words=row.words, reported_at=row.reported_at) for row in rows)
