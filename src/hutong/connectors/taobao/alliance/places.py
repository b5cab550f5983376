"""Places (推广位): one for each link, made by the alliance and named with the link's mark.

Source: https://open.taobao.com/api.htm?docId=31372&docType=2 (taobao.tbk.adzone.create: ``site_id``, ``adzone_name`` of
64 characters at most; the answer is the whole pid in ``data.model``). No call lists places or finds one by its name.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from hutong.connectors.taobao.alliance.errors import ALLIANCE
from hutong.connectors.taobao.alliance.examine import PID
from hutong.connectors.taobao.gateway import call
from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.platforms.account import Account
from hutong.platforms.jump_links import MARK_CHARS_MAX

CREATE: Final = "taobao.tbk.adzone.create"
_MARK: Final = re.compile(rf"[0-9A-Za-z]{{1,{MARK_CHARS_MAX}}}")


class _Model(msgspec.Struct, frozen=True):
    model: str


class _Created(msgspec.Struct, frozen=True):
    data: _Model


def checked_mark(mark: str) -> str:
    """The mark, which names a place.

    Raises:
        InvalidInput: it is none.
    """
    if not _MARK.fullmatch(mark):
        raise InvalidInput(field="mark", problem=f"0-9A-Za-z, 1-{MARK_CHARS_MAX}")
    return mark


def own_place(account: Account) -> str:
    """The number of the promoter's own place: the last one of its pid."""
    return _pid(account)[3]


async def new_place(account: Account, mark: str) -> str:
    """The number of a new place of the promoter's medium (媒体), named with the mark.

    The call is sent once: a lost answer leaves a place that nobody's address stands for, and asking again makes another
    one of the same name. Nothing is told under the first, so no order is lost by it.

    Raises:
        PlatformUnknown: the answer names no place of this medium.
    """
    site = _pid(account)[2]
    business = {"site_id": site, "adzone_name": mark}
    made = (await call(account, CREATE, business, _Created, repeatable=False, manner=ALLIANCE)).data.model
    if not re.fullmatch(PID, made) or made.split("_")[2] != site:
        raise PlatformUnknown(platform=account.platform)
    return made.split("_")[3]


def _pid(account: Account) -> list[str]:
    """The parts of the promoter's id: ``mm``, whose it is, the medium, a place of it."""
    pid = account.credentials.get("pid", "").strip()
    if not re.fullmatch(PID, pid):
        raise InvalidInput(field="pid", problem="mm_1_2_3")
    return pid.split("_")
