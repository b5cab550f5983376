"""A platform's own code for what a link leads to (淘口令, 抖口令 …): copied where an app lets nothing else through.

The merchant makes it in the platform's app and enters it as the platform wrote it: a line or two of text, often with
the platform's own short address in it. An address of anybody else has no place there: it would lead buyers past the
allow-list. An address is whatever an app might make a link of, in whatever letters: with a scheme, a host with a path,
query, port or number, a bare host under a usual ending. Douyin's own marks (``8.23``, ``x@y.zz``, ``Rfl:/``) are none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from hutong.core.errors import ErrorText, HutongError, InvalidInput
from hutong.links.destinations import HOST_SHOWN_CHARS_MAX, DestinationNotAllowed, check_destination
from hutong.links.passing_on import COMMON_ENDINGS

SHARE_CODE_CHARS_MAX: Final = 200
_DOTS: Final = re.compile(r"[\u3002\uff0e\uff61]")
#: Douyin's own mark; a domain of one letter in it names no page.
_MARK: Final = re.compile(r"(?<!\S)\w{1,3}@\w{1,2}\.\w{2,3}(?!\S)")
#: Endings in Chinese that domains have (IANA's list of the root zone).
_CHINESE_ENDINGS: Final = (
    "中国|中國|香港|台湾|台灣|臺灣|澳门|澳門|新加坡|公司|网络|網絡|网址|网店|网站|在线|中文网|我爱你|商城|商标|商店|集团|移动|手机|餐厅|购物|娱乐|时尚|新闻|游戏|健康|企业|招聘|"
    "信息|政务|公益|机构|世界|点看|點看|八卦|慈善|食品|大拿|家電|書籍|佛山|广东|微博|淡马锡|谷歌|电讯盈科|联通|中信|嘉里|大众汽车|诺基亚|飞利浦|天主教|组织机构|通販|珠宝|工行|亚马逊|香格里拉|政府"
)
_ENDING: Final = rf"(?:[a-z]{{2,24}}|xn--[a-z0-9-]+|{_CHINESE_ENDINGS})"
_LABELS: Final = r"(?:[\w-]+\.)+"
_SLASH: Final = r"[/\\\uff0f\uff3c]"
_COLON: Final = r"[:\uff1a]"
_ADDRESS: Final = re.compile(
    # with a scheme, whichever; slashes may be turned round
    rf"(?P<scheme>[a-z][a-z0-9+.-]*){_COLON}{_SLASH}{{2}}(?P<there>[!-~]*)|https?{_COLON}{_SLASH}?(?P<here>[!-~]+)"
    # schemes that need no slashes
    r"|(?<![a-z0-9])(?:javascript|vbscript|data|file|blob|intent|mailto|tel|sms|about|view-source)"
    rf"{_COLON}(?=\S)"
    # a host with something behind it, or a number for one
    rf"|(?P<host>{_LABELS}{_ENDING}\.?(?={_SLASH}|[?#\uff1f\uff03]|{_COLON}\d)[!-~]*)"
    r"|(?<![\w.])\d+(?:\.\d+){3}(?![\w.])"
    # a bare host: apps make links of those that end as most do
    rf"|(?P<bare>{_LABELS}(?:(?:{COMMON_ENDINGS})(?![a-z0-9_-])|(?:{_CHINESE_ENDINGS})(?![\w-])))",
    re.IGNORECASE,
)
_BEHIND: Final = ".,;:!?)]}'\""


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
    for address in _addresses(code):
        try:
            if "\\" in address:
                raise DestinationNotAllowed(host=address)
            check_destination(f"https://{address}")
        except DestinationNotAllowed:
            raise ShareCodeRefused(host=address[:HOST_SHOWN_CHARS_MAX]) from None
    return code


def _addresses(code: str) -> Iterator[str]:
    """Whatever an app might make a link of, without the scheme of the web.

    Looked for twice: where an app ends an address at a wide comma, and where it reads wide signs as plain ones.
    """
    dotted = _DOTS.sub(".", code)
    for text in (_plain(dotted), unicodedata.normalize("NFKC", _plain(dotted))):
        for found in _ADDRESS.finditer(_MARK.sub(" ", text)):
            is_web = (found["scheme"] or "https").lower().endswith(("https", "http"))
            address = found["there"] or found["here"] or found["host"] or found["bare"]
            yield address.rstrip(_BEHIND) if is_web and address else found[0]


def _plain(text: str) -> str:
    """Letters and figures in their plain form, marks on them taken off; all other signs as they are."""
    letters = "".join(unicodedata.normalize("NFKC", sign) if sign.isalnum() else sign for sign in text)
    return "".join(sign for sign in letters if not unicodedata.combining(sign))
