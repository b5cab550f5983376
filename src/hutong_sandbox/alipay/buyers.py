"""Who pays at Alipay: user ids, and the payment codes that buyers show at a till."""

from __future__ import annotations

import re
from typing import Final

from hutong_sandbox.drbg import DIGITS
from hutong_sandbox.world import World

#: 16 to 24 digits that begin with 25 to 30.
CODE: Final = re.compile(r"(2[5-9]|30)[0-9]{14,22}")
CODES_KEPT_MAX: Final = 200_000


class Users:
    """The sandbox's buyers under the ids that Alipay gives them, the same for every app."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._drbg = self._world.drbg("alipay codes")
        self._shown: dict[str, int] = {}
        self._charged: dict[str, str] = {}

    def user_id(self, number: int) -> str:
        """The id of buyer ``number``."""
        return "2088" + self._world.drbg(f"alipay user {number}").text(12, DIGITS)

    def show_code(self, number: int) -> str:
        """A fresh payment code on the buyer's phone."""
        code = f"28{self._drbg.text(16, DIGITS)}"
        if len(self._shown) >= CODES_KEPT_MAX:
            del self._shown[next(iter(self._shown))]
        self._shown[code] = number
        return code

    def charge(self, code: str, out_trade_no: str) -> int | None:
        """Use a code up for an order; the buyer, or None where it is no code or served another order before.

        A well-formed code that nobody showed here belongs to buyer 1.
        """
        if not CODE.fullmatch(code) or self._charged.setdefault(code, out_trade_no) != out_trade_no:
            return None
        return self._shown.get(code, 1)

    def charged_for(self, code: str) -> str:
        """The order that a code was used for; empty where it was not used."""
        return self._charged.get(code, "")
