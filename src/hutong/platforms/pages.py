"""What a connector takes and gives that lets our pages speak to the app they are open in (WeChat's JS-SDK)."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from hutong.platforms.account import Account

#: No platform's grant is longer; more than this is no grant but somebody's page.
GRANT_CHARS_MAX: Final = 1024


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the platform lends for a while: an access token, a ticket. No repr shows it."""

    value: str
    lives_s: int

    def __repr__(self) -> str:
        return f"Grant({self.lives_s} s)"


class PageConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a page tells the app, so that the app believes that the page is the account's. Made for one address."""

    app_id: str
    timestamp: int
    nonce: str
    signature: str


class PageKit(Protocol):
    """Capability: sign pages for the app that they are open in.

    Both grants serve every page for hours and are few a day: whoever calls keeps them, in one place for all processes,
    and asks with one process at a time.
    """

    container: str  # the app (see links) in which such a page is more than a page

    def script(self, account: Account) -> str:
        """The address of the app's own script, which the page has to load."""
        ...

    async def token(self, account: Account) -> Grant:
        """What the account proves itself with in the next call."""
        ...

    async def ticket(self, account: Account, token: str) -> Grant:
        """What pages are signed with.

        Raises:
            PlatformRefused: with TOKEN_EXPIRED where another token is needed first.
        """
        ...

    def sign(self, account: Account, ticket: str, url: str) -> PageConfig:
        """The configuration of the page at ``url``, as the browser shows it; what stands behind ``#`` is no part."""
        ...
