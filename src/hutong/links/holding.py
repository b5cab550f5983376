"""What a new link and its channel hold to, whether one is made or ten thousand."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec

from hutong.core.errors import ErrorText, HutongError, InvalidInput
from hutong.links.destinations import read_target
from hutong.links.share_codes import check_share_code

NAME_CHARS_MAX: Final = 100
PLATFORM_CHARS_MAX: Final = 40
#: What makes one sign of several, as of a family's emoji (zero width joiner).
JOINER: Final = "\u200d"
#: What turns the direction of the text after it, unseen (Unicode's property Bidi_Control).
TURNING: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class NameTurned(HutongError):
    """A name holds a character that shows what follows in another direction: it would read as another name."""

    code = "name_turned"
    status = 400
    zh = ErrorText(
        "名称里有改变文字方向的隐藏字符（{sign}）。",
        "这种字符看不见，却会让后面的字倒着显示，常被用来冒充别的名称。",
        "请删掉它：把名称重新打一遍，不要粘贴。",
    )
    en = ErrorText(
        "The name holds a hidden character that turns the direction of text ({sign}).",
        "It cannot be seen, shows what follows backwards, and is used to pass for another name.",
        "Remove it: type the name anew instead of pasting it.",
    )


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """Where a link leads, as it is kept: a page with the platform's own code for it, or the cash desk of a SKU."""

    url: str | None
    sku_id: UUID | None
    share_code: str | None


def one_line(text: str) -> str:
    """A text on one line: what is not seen (line ends, control characters, blanks of no width) is a blank, and there is
    one between words. What joins the parts of an emoji stays.
    """
    seen = "".join(char if char.isprintable() or char == JOINER else " " for char in text)
    return " ".join(word for word in seen.split() if word.strip(JOINER))


def check_name(given: str, field: str) -> str:
    """A title or a channel's name, on one line and without blanks around it.

    Raises:
        InvalidInput: empty, or too long.
        NameTurned: it holds a character of :data:`TURNING`.
    """
    turning = next((char for char in given if char in TURNING), "")
    if turning:
        raise NameTurned(field=field, sign=f"U+{ord(turning):04X}")
    name = one_line(given)
    if "\0" in given or not 0 < len(name) <= NAME_CHARS_MAX:
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
