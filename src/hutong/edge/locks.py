"""Whether a visitor of a link with a password has given it. A link without one is not looked at."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from uuid import UUID

from hutong.core.asgi import Scope
from hutong.links.lock_tokens import PASS_CHARS, PASS_COOKIE, PASS_NAME, is_pass

#: Where the application behind asks for the password.
LOCK_PREFIX: Final = "/lock/"
#: Of passes in one request; a browser sends one, or two where it kept an old one.
PASSES_MAX: Final = 4
_IN_COOKIES: Final = re.compile(rb"(?:^|;) *%s=([0-9a-f]{%d})(?=;|$)" % (PASS_COOKIE.encode(), PASS_CHARS))
_IN_QUERY: Final = re.compile(rb"(?:^|&)%s=([0-9a-f]{%d})(?=&|$)" % (PASS_NAME.encode(), PASS_CHARS))


def is_through(key: bytes, code: str, lock_id: UUID, scope: Scope, headers: dict[bytes, bytes], now: datetime) -> bool:
    """Whether the request carries a pass for the link's present password, as a cookie or in its address."""
    passes = _IN_COOKIES.findall(headers.get(b"cookie", b"")) + _IN_QUERY.findall(scope.get("query_string", b""))
    return any(is_pass(key, code, lock_id, found.decode(), now) for found in passes[:PASSES_MAX])
