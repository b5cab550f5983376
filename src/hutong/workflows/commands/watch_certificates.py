"""An account whose certificate ends stops overnight: a person is told while there is time to renew it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from hutong.core.errors import HutongError
from hutong.db.outages import log_trouble
from hutong.db.unit import Unit
from hutong.merchants.connections import ConnectionView, hold_connection, list_connections, open_credentials
from hutong.merchants.days import zone_here
from hutong.merchants.tickets import Severity, TicketKind, close_tickets, open_ticket
from hutong.platforms.contract import Connector
from hutong.workflows.runtime import Runtime

log = logging.getLogger("hutong.certificates")

#: Wallets renew a certificate within days; a month leaves room for holidays.
TOLD_BEFORE: Final = timedelta(days=30)


async def watch_certificates(runtime: Runtime, merchant_id: UUID) -> None:
    """Tell of each account of a merchant whose certificate ends soon, once for each end; again is harmless."""
    async with runtime.unit(merchant_id, "certificates.list") as unit:
        views = await list_connections(unit)
    able = {one.name: one for one in runtime.registry.all() if one.certificate_fields}
    for view in views:
        if view.platform not in able:
            continue
        try:
            await _look_at(runtime, merchant_id, view, able[view.platform])
        except HutongError as error:  # what cannot be opened keeps the other accounts from nothing
            log_trouble(log, error, "the certificates of an account could not be looked at")


async def _look_at(runtime: Runtime, merchant_id: UUID, view: ConnectionView, connector: Connector) -> None:
    async with runtime.unit(merchant_id, "certificates.watch") as unit:
        await hold_connection(unit, view.connection_id)  # who renews it meanwhile must not be told of the one before
        credentials = await open_credentials(unit, runtime.vault, view.connection_id)
        await tell_certificate_end(unit, view, connector.certificate_end(credentials, unit.now()))


async def tell_certificate_end(unit: Unit, view: ConnectionView, first: tuple[str, datetime] | None) -> None:
    """Put it on the desk where it ends soon; what was told of the account's earlier certificates is over."""
    subject = str(view.connection_id)
    if first is None or first[1] - unit.now() >= TOLD_BEFORE:
        await close_tickets(unit, TicketKind.CERTIFICATE_ENDING, subject)
        return
    field, ends_at = first
    key = f"{view.connection_id.hex}:{ends_at:%Y%m%dT%H%M%S}"
    await close_tickets(unit, TicketKind.CERTIFICATE_ENDING, subject, but=key)
    await open_ticket(
        unit,
        TicketKind.CERTIFICATE_ENDING,
        Severity.URGENT if ends_at <= unit.now() else Severity.NORMAL,
        subject=("connection", subject),
        details={
            "platform": view.platform,
            "title": view.title,
            "certificate": field,
            "ends_on": ends_at.astimezone(await zone_here(unit)).date().isoformat(),
        },
        dedupe_key=key,
    )
