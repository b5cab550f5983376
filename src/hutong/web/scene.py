"""What every page knows besides its own content: language, zone, nonce, who is signed in."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec

from hutong.web.format import DEFAULT_ZONE
from hutong.web.i18n import DEFAULT_LOCALE, Locale


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """The surroundings of one response."""

    path: str = "/"
    query: str = ""  # without the leading question mark
    locale: Locale = DEFAULT_LOCALE
    zone: ZoneInfo = DEFAULT_ZONE
    nonce: str = ""
    csrf_token: str = ""
    merchant_name: str = ""
    staff_name: str = ""
    mode: str = ""  # sandbox or live, of the merchant's connections; empty where nobody is signed in
    open_tickets: int = 0
    closed: tuple[str, ...] = ()  # pages that the reader's role may not open
    notice: str = ""  # source text shown once after an action
