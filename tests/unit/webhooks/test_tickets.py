"""What a person is told of an endpoint: whole sentences in each language, the event by its name on the page."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from hutong.merchants.queries import TicketRow
from hutong.merchants.tickets import TicketKind
from hutong.web.console.ticket_items import ticket_items
from hutong.web.console.ticket_texts import ticket_text
from hutong.web.format import Formats
from hutong.web.i18n import Catalogues
from hutong.web.i18n.locales import LOCALES

KINDS = [kind for kind in TicketKind if kind.value.startswith("webhook_")]
NAMES = {"zh-Hans": "付款成功", "zh-Hant": "付款成功", "en": "paid"}


def row(kind):
    return TicketRow(
        ticket_id=UUID(int=1),
        kind=kind.value,
        severity="normal",
        subject_kind="webhook",
        subject_id=str(UUID(int=2)),
        details={"title": "ERP", "event_type": "payment.paid"},
        state="open",
        opened_at=datetime(2026, 11, 26, tzinfo=UTC),
        resolved_at=None,
    )


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", KINDS)
def test_each_trouble_is_told_whole_and_leads_to_its_page(kind, locale):
    translate = Catalogues().of(locale).ugettext
    formats = Formats(locale, ZoneInfo("Asia/Shanghai"))
    told = ticket_text(row(kind), translate, formats)
    assert "ERP" in told[0]
    assert not any("%(" in part or "–" in part or "payment.paid" in part for part in told)
    assert (NAMES[locale] in told[0].lower()) == (kind is TicketKind.WEBHOOK_FAILED)
    [item] = ticket_items([row(kind)], translate, formats)
    assert item.subject_href == f"/webhooks/{UUID(int=2)}"
