"""Promoters (淘宝客): their app, their medium, and its places (推广位)."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

import msgspec

from hutong.core.errors import InvalidInput
from hutong_sandbox.drbg import DIGITS, HEX
from hutong_sandbox.roster import Roster
from hutong_sandbox.world import World

PROMOTERS_MAX: Final = 1000
#: Of one medium: a bound of this simulation, for no page names the platform's.
PLACES_MAX: Final = 100_000


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One place; orders tell its number and its name."""

    adzone_id: str
    name: str
    made_at: datetime


class Promoter:
    """One promoter with one app and one medium."""

    def __init__(self, world: World, merchant: str) -> None:
        drbg = world.drbg(f"taobao_alliance promoter {merchant}")
        self.merchant = merchant
        self.app_key = "3" + drbg.text(7, DIGITS)
        self.app_secret = drbg.text(32, HEX)
        self.access_token = "6102" + drbg.text(52, HEX)
        self.member_id = "1" + drbg.text(8, DIGITS)
        self.site_id = "4" + drbg.text(8, DIGITS)
        self._first = "11" + drbg.text(10, DIGITS)
        self._world = world
        self.clear()

    def clear(self) -> None:
        """Begin again with the one place that every promoter has."""
        self._drbg = self._world.drbg(f"taobao_alliance places {self.merchant}")
        first = Place(adzone_id=self._first, name="默认推广位", made_at=self._world.clock.now())
        self.places: dict[str, Place] = {first.adzone_id: first}

    def pid(self, adzone_id: str | None = None) -> str:
        """The whole id of a place; of the first one without a number."""
        return f"mm_{self.member_id}_{self.site_id}_{adzone_id or self._first}"

    def new_place(self, name: str) -> Place:
        """One more place. Two may have the same name: no page says that they must differ."""
        if len(self.places) >= PLACES_MAX:
            raise InvalidInput(field="places", problem=f"> {PLACES_MAX}")
        adzone_id = "11" + self._drbg.text(10, DIGITS)
        place = Place(adzone_id=adzone_id, name=name, made_at=self._world.clock.now())
        self.places[adzone_id] = place
        self._world.events.add("taobao_alliance", "place_made", merchant=self.merchant, adzone_id=adzone_id, name=name)
        return place


class Promoters(Roster[Promoter]):
    """Every promoter."""

    def __init__(self, world: World) -> None:
        super().__init__(partial(Promoter, world), PROMOTERS_MAX)

    def by_app_key(self, app_key: str) -> Promoter | None:
        """The promoter whose app this is."""
        return self.find(lambda one: one.app_key == app_key)
