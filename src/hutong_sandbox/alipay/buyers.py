"""Who pays at Alipay: user ids, and the payment codes that buyers show at a till."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from hutong_sandbox.drbg import DIGITS
from hutong_sandbox.world import World

#: 16 to 24 digits that begin with 25 to 30.
CODE: Final = re.compile(r"(2[5-9]|30)[0-9]{14,22}")
CODES_KEPT_MAX: Final = 200_000
#: The phone shows another one after this.
CODE_LIFE: Final = timedelta(minutes=1)


class Users:
    """The sandbox's buyers under the ids that Alipay gives them, the same for every app."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._drbg = self._world.drbg("alipay codes")
        self._shown: dict[str, tuple[int, datetime]] = {}
        self._charged: dict[str, str] = {}

    def user_id(self, number: int) -> str:
        """The id of buyer ``number``."""
        return "2088" + self._world.drbg(f"alipay user {number}").text(12, DIGITS)

    def show_code(self, number: int) -> tuple[str, datetime]:
        """A fresh payment code on the buyer's phone, and when it is good no more."""
        code, until = f"28{self._drbg.text(16, DIGITS)}", self._world.clock.now() + CODE_LIFE
        if len(self._shown) >= CODES_KEPT_MAX:
            del self._shown[next(iter(self._shown))]
        self._shown[code] = number, until
        return code, until

    def charge(self, code: str, out_trade_no: str) -> int | None:
        """Use a code up for an order; the buyer, or None where it is no code, is too old, or served another order.

        A well-formed code that nobody showed here belongs to buyer 1.
        """
        now = self._world.clock.now()
        number, until = self._shown.get(code, (1, now))
        if not CODE.fullmatch(code) or until < now:
            return None
        return number if self._charged.setdefault(code, out_trade_no) == out_trade_no else None

    def charged_for(self, code: str) -> str:
        """The order that a code was used for; empty where it was not used."""
        return self._charged.get(code, "")
