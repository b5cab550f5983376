"""Signs a page of ours for the app that it is open in, where the merchant has an account there.

Token and ticket are few a day and shared by every process: they stay in the database (``merchants.grants``), and one
process at a time asks for new ones. A page never waits long and never fails for it: it is then only not signed.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import HutongError, PlatformFailure, PlatformUnknown
from hutong.merchants.connections import list_connections
from hutong.merchants.grants import Kept, Lent, give_back, keep_grants, kept_grants, lease, note_failure
from hutong.platforms.contract import ErrorWord
from hutong.platforms.pages import Grant, PageConfig, PageKit
from hutong.platforms.refusals import PlatformRefused
from hutong.workflows.runtime import OpenedAccount, Runtime

log = logging.getLogger("hutong.pages")

#: A page that is open longer than this has been signed with what still lives.
LEFT_MIN: Final = timedelta(minutes=5)
#: After a failure pages are not signed for so long, and nobody asks: the day's quota is small.
PAUSE: Final = timedelta(minutes=1)
#: What only a person can change (wrong secret, IP allow-list, quota) is not asked for every minute.
PAUSE_REFUSED: Final = timedelta(minutes=10)
#: A page that finds somebody else asking waits for him at most so often and so long.
WAITS_MAX: Final = 15
WAIT_S: Final = 0.2


class SignedPage(msgspec.Struct, frozen=True, kw_only=True):
    """What a page needs: the app's own script, and the configuration to call it with."""

    script_url: str
    config: PageConfig


class PageAccount(msgspec.Struct, frozen=True, kw_only=True):
    """How the account that signs pages is doing; ``problem`` is the platform's code of the last failure."""

    connection_id: UUID
    title: str
    problem: str | None


async def signed_page(runtime: Runtime, merchant_id: UUID, container: str, url: str) -> SignedPage | None:
    """The configuration of the page at ``url``; None where the app has none, or the merchant no account there."""
    kits = {each.name: each.page_kit for each in runtime.registry.all() if each.page_kit is not None}
    if not any(kit.container == container for kit in kits.values()):
        return None
    async with runtime.unit(merchant_id, "page.account") as unit:
        views = [view for view in await list_connections(unit) if view.platform in kits and view.is_active]
    for view in views:
        kit = kits[view.platform]
        if kit.container != container:
            continue
        ticket = await page_ticket(runtime, merchant_id, view.connection_id, kit)
        if ticket is not None:
            account = (await runtime.open_account(merchant_id, view.connection_id)).account
            return SignedPage(script_url=kit.script(account), config=kit.sign(account, ticket, url))
    return None


async def page_account(runtime: Runtime, merchant_id: UUID) -> PageAccount | None:
    """The account that signs this merchant's pages."""
    kits = {each.name for each in runtime.registry.all() if each.page_kit is not None}
    async with runtime.unit(merchant_id, "page.account") as unit:
        for view in await list_connections(unit):
            if view.platform in kits and view.is_active:
                kept = await kept_grants(unit, runtime.vault, view.connection_id)
                return PageAccount(connection_id=view.connection_id, title=view.title, problem=kept.problem)
    return None


async def page_ticket(runtime: Runtime, merchant_id: UUID, connection_id: UUID, kit: PageKit) -> str | None:
    """What pages of this account are signed with now; None where nothing is lent."""
    for _ in range(WAITS_MAX):
        async with runtime.unit(merchant_id, "page.ticket") as unit:
            kept = await kept_grants(unit, runtime.vault, connection_id)
            now = unit.now()
            if kept.lent is not None and kept.lent.ticket_ends_at - now > LEFT_MIN:
                return kept.lent.ticket
            if kept.retry_at is not None and kept.retry_at > now:
                return _still(runtime, kept)
            is_mine = await lease(unit, connection_id)
            if is_mine:  # whoever asked may have kept his answer between the reading and the lease
                kept = await kept_grants(unit, runtime.vault, connection_id)
                if kept.lent is not None and kept.lent.ticket_ends_at - now > LEFT_MIN:
                    await give_back(unit, connection_id)
                    return kept.lent.ticket
        if is_mine:
            return await _ask(runtime, merchant_id, connection_id, kit, kept)
        await asyncio.sleep(WAIT_S)
    return None


def _still(runtime: Runtime, kept: Kept) -> str | None:
    """What was lent before, while it lives."""
    lent = kept.lent
    return lent.ticket if lent is not None and lent.ticket_ends_at > runtime.clock.now() else None


async def _ask(runtime: Runtime, merchant_id: UUID, connection_id: UUID, kit: PageKit, kept: Kept) -> str | None:
    """Ask, holding the lease; no transaction is open meanwhile."""
    try:
        opened = await runtime.open_account(merchant_id, connection_id)
        lent = await _lent(runtime, opened, kit, kept)
    except (PlatformRefused, PlatformUnknown, PlatformFailure) as error:
        code = str(error.details.get("platform_code") or error.code)
        pause = PAUSE_REFUSED if isinstance(error, PlatformRefused) else PAUSE
        log.warning("pages of connection %s are not signed: %s", connection_id, told(error))
        async with runtime.unit(merchant_id, "page.failure") as unit:
            await note_failure(unit, connection_id, code, unit.now() + pause)
        return _still(runtime, kept)
    async with runtime.unit(merchant_id, "page.keep") as unit:
        await keep_grants(unit, runtime.vault, connection_id, lent)
    return lent.ticket


async def _lent(runtime: Runtime, opened: OpenedAccount, kit: PageKit, kept: Kept) -> Lent:
    """A ticket with the token that is there, or with a new one where that has ended or is said to have."""
    account, now = opened.account, runtime.clock.now()
    before = kept.lent
    if before is not None and before.token_ends_at - now > LEFT_MIN:
        try:
            ticket = await kit.ticket(account, before.token)
            return _both(runtime, before.token, before.token_ends_at, ticket)
        except PlatformRefused as error:
            if error.word is not ErrorWord.TOKEN_EXPIRED:
                raise
    token = await kit.token(account)
    return _both(runtime, token.value, now + timedelta(seconds=token.lives_s), await kit.ticket(account, token.value))


def _both(runtime: Runtime, token: str, token_ends_at: datetime, ticket: Grant) -> Lent:
    return Lent(
        token=token,
        token_ends_at=token_ends_at,
        ticket=ticket.value,
        ticket_ends_at=runtime.clock.now() + timedelta(seconds=ticket.lives_s),
    )


def told(error: HutongError) -> str:
    """An error in one line of the log: code, cause, fix. It never holds what was lent."""
    text = error.text("en")
    return f"{error.details.get('platform_code', error.code)}: {text.cause} {text.fix}"
