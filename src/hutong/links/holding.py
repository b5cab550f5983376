"""What a new link and its channel hold to, whether one is made or ten thousand."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import InvalidInput
from hutong.links.destinations import read_target
from hutong.links.share_codes import check_share_code

NAME_CHARS_MAX: Final = 100
PLATFORM_CHARS_MAX: Final = 40


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """Where a link leads, as it is kept: a page with the platform's own code for it, or the cash desk of a SKU."""

    url: str | None
    sku_id: UUID | None
    share_code: str | None


def check_name(given: str, field: str) -> str:
    """A title or a channel's name, without blanks around it.

    Raises:
        InvalidInput: empty, or too long.
    """
    name = given.strip()
    if not 0 < len(name) <= NAME_CHARS_MAX:
        raise InvalidInput(field=field, problem=f"1–{NAME_CHARS_MAX}")
    return name


def check_platform(given: str, field: str = "platform") -> str:
    """The platform of a channel, without blanks around it; empty where it has none.

    Raises:
        InvalidInput: too long.
    """
    platform = given.strip()
    if len(platform) > PLATFORM_CHARS_MAX:
        raise InvalidInput(field=field, problem=f"≤ {PLATFORM_CHARS_MAX}")
    return platform


def check_way(sku_id: UUID | None, url: str | None, share_code: str, own_hosts: frozenset[str]) -> Way:
    """Where a link is to lead; whether the goods are there is looked at elsewhere. ``own_hosts``: the merchant's.

    Raises:
        InvalidInput: neither goods nor an address, or both; or a code without a page.
        DestinationNotAllowed: the page's host is not on the allow-list.
        ShareCodeRefused: the code holds somebody else's address.
    """
    if (sku_id is None) == (url is None):
        raise InvalidInput(field="destination", problem="sku_id | url")
    read = None if url is None else read_target(url, own_hosts).url
    code = check_share_code(share_code) if share_code else None
    if code and read is None:
        raise InvalidInput(field="share_code", problem="url")
    return Way(url=read, sku_id=sku_id, share_code=code)
