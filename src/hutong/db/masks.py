"""How personal data looks in lists, logs, exports and webhooks. Masks what is masked already into itself."""

from __future__ import annotations

import re
from typing import Final

MASK: Final = "*"
#: Stars never tell how long the hidden part was.
STARS: Final = 4
NAME_STARS: Final = 2
#: Visible ends of a phone number, as China's operators and platforms print it: 138****5678.
PHONE_HEAD: Final = 3
PHONE_TAIL: Final = 4
#: Shorter numbers (an extension, a short landline) show only their last two digits.
PHONE_LENGTH_FULL: Final = 10
PHONE_TAIL_SHORT: Final = 2

_SEPARATORS: Final = re.compile(r"[\s\-()（）.·]")
_COUNTRY: Final = re.compile(r"^(?:\+|00)86(?=1\d{10}$)")
#: Province, city and district, the parts that shipping statistics need; whatever follows is hidden.
_REGION: Final = re.compile(
    r"^\s*(?:中国)?\s*"
    r"(?:[一-鿿]{2,8}?(?:省|自治区|特别行政区)\s*)?"
    r"(?:[一-鿿]{1,10}?(?:市|自治州|地区|盟)\s*)?"
    r"(?:[一-鿿]{1,10}?(?:区|县|旗|市))?"
)


def mask_phone(phone: str) -> str:
    """``13812345678`` → ``138****5678``; blanks, hyphens and +86 are dropped first."""
    bare = _COUNTRY.sub("", _SEPARATORS.sub("", phone))
    if not bare:
        return ""
    if len(bare) >= PHONE_LENGTH_FULL:
        return bare[:PHONE_HEAD] + MASK * STARS + bare[-PHONE_TAIL:]
    return MASK * STARS + (bare[-PHONE_TAIL_SHORT:] if len(bare) > 2 * PHONE_TAIL_SHORT else "")


def mask_name(name: str) -> str:
    """``王小明`` → ``王**``, ``John Smith`` → ``J**``: the first letter only."""
    bare = name.strip()
    return bare[0] + MASK * NAME_STARS if bare else ""


def mask_address(address: str) -> str:
    """``浙江省杭州市西湖区文三路 1 号`` → ``浙江省杭州市西湖区****``; an address of another form is hidden whole."""
    if not address.strip():
        return ""
    region = _REGION.match(address)
    return (region[0].strip() if region else "") + MASK * STARS
