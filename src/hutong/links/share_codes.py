"""A platform's own code for what a link leads to (淘口令, 抖口令 …): copied where an app lets nothing else through.

The merchant makes it in the platform's app and enters it as the platform wrote it: a line or two of text, often with
the platform's own short address in it. An address of anybody else has no place there: it would lead buyers past the
allow-list.
"""

from __future__ import annotations

import re
from typing import Final

from hutong.core.errors import ErrorText, HutongError, InvalidInput
from hutong.links.destinations import HOST_SHOWN_CHARS_MAX, KNOWN_HOSTS

SHARE_CODE_CHARS_MAX: Final = 200
#: An address with its scheme, or a host with a path behind it.
_ADDRESS: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://([^\s/?#]*)|(?<![\w@.-])((?:[a-z0-9-]+\.)+[a-z]{2,})(?=/)", re.IGNORECASE
)


class ShareCodeRefused(HutongError):
    """A share code holds an address that is not the platforms' own."""

    code = "share_code_refused"
    status = 400
    zh = ErrorText(
        "口令里有不是平台的网址“{host}”。",
        "口令会被买家复制去打开，里面只能有平台自己的网址。",
        "请在平台的应用里重新复制口令，原样粘贴。",
    )
    en = ErrorText(
        "The code holds the address “{host}”, which is not a platform's.",
        "Buyers copy the code to open it: only platforms' own addresses may stand in it.",
        "Copy the code in the platform's app once more and paste it as it is.",
    )


def check_share_code(text: str) -> str | None:
    """The code, in one line; None where there is none.

    Raises:
        InvalidInput: too long, or with control characters.
        ShareCodeRefused: an address in it is not a platform's.
    """
    code = " ".join(text.split())
    if not code:
        return None
    if len(code) > SHARE_CODE_CHARS_MAX or not code.isprintable():
        raise InvalidInput(field="share_code", problem=f"≤ {SHARE_CODE_CHARS_MAX}")
    for found in _ADDRESS.finditer(code):
        host = (found[1] or found[2]).lower()
        if host not in KNOWN_HOSTS:
            raise ShareCodeRefused(host=host[:HOST_SHOWN_CHARS_MAX])
    return code
