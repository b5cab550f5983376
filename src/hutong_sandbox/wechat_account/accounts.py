"""Official accounts with what they lend: two kinds of tokens that know nothing of each other, and tickets.

Source: developers.weixin.qq.com, pages on access_token, stable_token and jsapi_ticket. The older call makes a new token
each time, and the one before lives five minutes more; the stable one stays the same until shortly before its end.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from hutong_sandbox.drbg import HEX, LETTERS
from hutong_sandbox.roster import Roster
from hutong_sandbox.world import World

ACCOUNTS_MAX: Final = 1000
LIFE: Final = timedelta(seconds=7200)
#: What the platform leaves two tokens side by side for.
OVERLAP: Final = timedelta(minutes=5)
TOKENS_A_DAY_MAX: Final = 2000
_TOKEN_CHARS: Final = 120
_TICKET_CHARS: Final = 84


class Account:
    """One official account."""

    def __init__(self, world: World, merchant: str) -> None:
        drbg = world.drbg(f"wechat account {merchant}")
        self.merchant = merchant
        self.appid = "wx" + drbg.text(16, HEX)
        self.app_secret = drbg.text(32, HEX)
        self._world = world
        self.clear()

    def clear(self) -> None:
        """Begin again: nothing lent, nothing asked for."""
        self._drbg = self._world.drbg(f"wechat account grants {self.merchant}")
        self._ends: dict[str, datetime] = {}  # token -> when it ends
        self._plain = ""
        self._stable = ""
        self._tickets: dict[str, datetime] = {}
        self._asked: dict[str, int] = {}  # day -> tokens that were asked for

    def plain_token(self) -> str:
        """A new token each time; the one before ends soon."""
        now = self._world.clock.now()
        if self._plain:
            self._ends[self._plain] = min(self._ends[self._plain], now + OVERLAP)
        self._plain = self._made(now)
        return self._plain

    def stable_token(self, *, force: bool) -> tuple[str, int]:
        """The token, and the seconds that are left of it. By force it is a new one, and the one before ends at once."""
        now = self._world.clock.now()
        ends_at = self._ends.get(self._stable, now)
        if force and self._stable:
            self._ends[self._stable] = now
        if force or ends_at - now <= OVERLAP:
            self._stable = self._made(now)
            ends_at = self._ends[self._stable]
        return self._stable, int((ends_at - now).total_seconds())

    def counted(self) -> bool:
        """Count a token that is asked for; False beyond the day's quota."""
        day = self._world.clock.now().date().isoformat()
        self._asked[day] = self._asked.get(day, 0) + 1
        return self._asked[day] <= TOKENS_A_DAY_MAX

    def end_of(self, token: str) -> datetime | None:
        """When a token ends; None for one that is none of this account's."""
        return self._ends.get(token)

    def ticket(self) -> tuple[str, int]:
        """The ticket that is in force, and the seconds that are left of it."""
        now = self._world.clock.now()
        for ticket, ends_at in self._tickets.items():
            if ends_at > now:
                return ticket, int((ends_at - now).total_seconds())
        ticket = self._drbg.text(_TICKET_CHARS, LETTERS + "_-")
        self._tickets = {ticket: now + LIFE}
        return ticket, int(LIFE.total_seconds())

    def live_tickets(self) -> list[str]:
        """The tickets that pages may be signed with now."""
        now = self._world.clock.now()
        return [ticket for ticket, ends_at in self._tickets.items() if ends_at > now]

    def _made(self, now: datetime) -> str:
        token = "88_" + self._drbg.text(_TOKEN_CHARS, LETTERS + "_-")
        self._ends[token] = now + LIFE
        return token


class Accounts(Roster[Account]):
    """Every account."""

    def __init__(self, world: World) -> None:
        super().__init__(partial(Account, world), ACCOUNTS_MAX)

    def by_appid(self, appid: str) -> Account | None:
        """The account with this id."""
        return self.find(lambda one: one.appid == appid)

    def by_token(self, token: str) -> Account | None:
        """Whose token it is, ended or not."""
        return self.find(lambda one: one.end_of(token) is not None)
