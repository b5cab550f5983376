"""The base record of everything that happened. Domains subclass it; ``hutong.events`` lists them all."""

from __future__ import annotations

import re
from typing import ClassVar

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact, in the past tense. Stored as name, version and JSON bytes; also the public webhook body.

    Subclasses set ``name`` (``domain.what_happened``) and ``version``; a changed shape gets a new version and
    keeps the old decoder. ``formerly`` are names that rows may already be stored under.
    """

    name: ClassVar[str] = ""
    version: ClassVar[int] = 1
    formerly: ClassVar[tuple[str, ...]] = ()

    def encode(self) -> bytes:
        """The stored bytes (JSON, UTF-8)."""
        return msgspec.json.encode(self)


_NAME = re.compile(r"[a-z]+\.[a-z]+(_[a-z]+)*")


class EventCatalogue:
    """Finds the record class of a stored event by name and version."""

    def __init__(self, classes: list[type[Event]]) -> None:
        self._by_key: dict[tuple[str, int], type[Event]] = {}
        self._formerly: dict[tuple[str, int], type[Event]] = {}
        for record in classes:
            self._add(self._by_key, record.name, record)
        for record in classes:
            for name in record.formerly:
                self._add(self._formerly, name, record)

    def _add(self, place: dict[tuple[str, int], type[Event]], name: str, record: type[Event]) -> None:
        key = (name, record.version)
        if not _NAME.fullmatch(name) or key in self._by_key or key in self._formerly:
            raise ValueError(f"event name is malformed or listed twice: {key}")
        place[key] = record

    def decode(self, name: str, version: int, body: bytes) -> Event:
        """The record again, also under a former name. An unknown name or version is a programming error: KeyError."""
        key = (name, version)
        return msgspec.json.decode(body, type=self._by_key[key] if key in self._by_key else self._formerly[key])

    def names(self) -> list[str]:
        """All event names, sorted."""
        return sorted({name for name, _ in self._by_key})

    def classes(self) -> list[type[Event]]:
        """All record classes, in name and version order."""
        return [self._by_key[key] for key in sorted(self._by_key)]
