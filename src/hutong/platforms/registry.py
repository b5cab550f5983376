"""Finds connectors by their entry points; built-in ones come through the same door as anybody's."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Final

from hutong.core.errors import PlatformNotThere
from hutong.platforms.contract import Connector

GROUP: Final = "hutong.connectors"


class Registry:
    """The connectors of this installation, by platform name."""

    def __init__(self, connectors: Mapping[str, Connector]) -> None:
        self._connectors = dict(connectors)

    @classmethod
    def from_entry_points(cls) -> Registry:
        """Load every installed connector.

        Raises:
            TypeError: an entry point does not hold a Connector, or its name differs from the entry's.
        """
        found: dict[str, Connector] = {}
        for entry in entry_points(group=GROUP):
            connector = entry.load()
            if not isinstance(connector, Connector) or connector.name != entry.name:
                raise TypeError(f"entry point {entry.name} of {GROUP} does not hold a Connector of that name")
            found[entry.name] = connector
        return cls(found)

    def get(self, platform: str) -> Connector:
        """The connector of a platform.

        Raises:
            PlatformNotThere: no connector of that name is installed.
        """
        try:
            return self._connectors[platform]
        except KeyError:
            raise PlatformNotThere(key=platform, known=", ".join(sorted(self._connectors))) from None

    def all(self) -> list[Connector]:
        """All connectors by name."""
        return [self._connectors[name] for name in sorted(self._connectors)]
