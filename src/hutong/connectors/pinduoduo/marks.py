"""A mark on its way: into ``custom_parameters`` of a promotion address, and out of those that an order tells.

Source: https://open.pinduoduo.com/application/document/api?id=pdd.ddk.goods.promotion.url.generate: JSON text of at
most 64 bytes, ``{"uid": …, "sid": …}``; ``uid`` names a user and is needed, ``sid`` a context (a session) and is not.

Positions are filed (备案) by their pid, or by pid and ``uid``; whether a filing of the pid alone is enough for marks in
``uid``, those who tried tell in two ways (see README). So there are two shapes: the mark is the ``uid``, or, where the
account names the ``uid`` that was filed, that one stays and the mark is the ``sid``.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from hutong.core.errors import InvalidInput
from hutong.platforms.jump_links import MARK_CHARS_MAX

#: A position, as the documents' example has it: the promoter's number and its own.
PID: Final = r"[0-9]{1,20}_[0-9]{1,20}"
#: The platform's.
CUSTOM_BYTES_MAX: Final = 64
#: What is left beside the longest mark and the JSON around both.
UID_CHARS_MAX: Final = 5
UID: Final = rf"[0-9A-Za-z]{{1,{UID_CHARS_MAX}}}"
_MARK: Final = re.compile(rf"[0-9A-Za-z]{{1,{MARK_CHARS_MAX}}}")
_UID: Final = re.compile(UID)
#: Characters of what others wrote that are kept.
FOREIGN_CHARS_MAX: Final = 64


def carrying(mark: str, filed_uid: str) -> str:
    """The custom parameters that carry a mark.

    Raises:
        InvalidInput: a mark that could be cut or changed, a filed ``uid`` that leaves no room for it.
    """
    if not _MARK.fullmatch(mark):
        raise InvalidInput(field="mark", problem=f"[0-9A-Za-z]{{1,{MARK_CHARS_MAX}}}")
    return _text({"uid": filed_uid, "sid": mark} if filed_uid else {"uid": mark})


def filed(filed_uid: str) -> str:
    """The custom parameters under which a position was filed; empty where it was filed by itself.

    Raises:
        InvalidInput: a ``uid`` that leaves no room for a mark.
    """
    if not filed_uid:
        return ""
    if not _UID.fullmatch(filed_uid):
        raise InvalidInput(field="uid", problem=UID)
    return _text({"uid": filed_uid})


def mark_of(told: object) -> str:
    """The mark in the custom parameters of an order: ``sid``, else ``uid``; other people's text is kept as it is.

    Never raises: an order that came by somebody else's address is an order all the same.
    """
    if told is None:
        return ""
    if isinstance(told, str):
        try:
            read = msgspec.json.decode(told)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            read = told
    else:
        read = told
    if isinstance(read, dict):
        for name in ("sid", "uid"):
            value = read.get(name)
            if type(value) in (str, int) and value != "":
                return str(value)[:FOREIGN_CHARS_MAX]
    return told[:FOREIGN_CHARS_MAX] if isinstance(told, str) else ""


def _text(fields: dict[str, str]) -> str:
    text = msgspec.json.encode(fields)
    if len(text) > CUSTOM_BYTES_MAX:
        raise InvalidInput(field="uid", problem=UID)
    return text.decode()
