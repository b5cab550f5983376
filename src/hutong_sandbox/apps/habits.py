"""What each simulated app lets through: ``apps.yaml`` as values."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

TABLE: Final = Path(__file__).parent / "apps.yaml"
#: What an app does with another app's address.
OPENS, ASKS, TAP, SWALLOWS, REFUSES = VERDICTS = ("opens", "asks", "tap", "swallows", "refuses")
#: With these the other app opens in the end.
PASSING: Final = frozenset({OPENS, ASKS})
#: Systems of phones: there are apps to jump to.
PHONES: Final = frozenset({"ios", "android", "harmony"})
#: The system's own browser, by whether it is a phone's.
BROWSERS: Final = {True: "mobile", False: "desktop"}
ANY: Final = "any"
NO_PAGES: Final = "none"
#: The hub's own cash desk.
CHECKOUT: Final = "checkout"
#: A page on a host of the merchant's own.
OWN_PAGES: Final = "web"


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """One app; ``apps.yaml`` explains the fields."""

    name: str
    agents: dict[str, str]
    pages: str | tuple[str, ...]
    own: frozenset[str]
    schemes: dict[str, str]
    leave: str
    pages_not: frozenset[str] = frozenset()

    def shows(self, destination: str) -> bool:
        """Whether its web-view loads the destination's https pages."""
        if destination in self.own or destination == CHECKOUT:
            return True
        if destination == OWN_PAGES:
            return self.pages != NO_PAGES
        listed = self.pages == ANY or destination in self.pages
        return listed and destination not in self.pages_not

    def does(self, destination: str) -> str:
        """What becomes of an address of the destination's app."""
        return OPENS if destination in self.own else self.schemes.get(destination, REFUSES)


class Apps(msgspec.Struct, frozen=True, kw_only=True):
    """All of them, and each destination's scheme."""

    schemes: dict[str, str]
    apps: dict[str, Habits]

    def moving(self) -> tuple[tuple[str, str, str], ...]:
        """App, system and destination of each jump that depends on an app's list: what can change overnight."""
        return tuple(
            (app.name, system, destination)
            for app in self.apps.values()
            for system in app.agents
            if system in PHONES
            for destination in app.schemes
        )


@lru_cache(maxsize=1)
def all_apps() -> Apps:
    """The table that comes with the sandbox."""
    told: dict[str, Any] = yaml.safe_load(TABLE.read_text("utf-8"))
    apps = {name: msgspec.convert({"name": name, **fields}, Habits) for name, fields in told["apps"].items()}
    return Apps(schemes=told["schemes"], apps=apps)
