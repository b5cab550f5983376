"""What a scheme brings to ``proof_callbacks``: genuine callbacks, and ways to get one wrong.

A scheme's module is called ``callbacks_NAME.py``, stands beside this file and has ``schemes()``.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol

#: Where a callback goes: to the merchant's connection, to a stranger's, to one that is not there.
OWN: Final = "own"
STRANGER: Final = "stranger"
NOWHERE: Final = "nowhere"


class Callback(NamedTuple):
    """One request to ``/callbacks/{platform}/{connection}``."""

    headers: dict[str, str]
    body: bytes
    to: str = OWN


#: Makes a callback that must be refused, from the dice and a number that no other callback has.
Mistake = Callable[[random.Random, int], Callback]


class Scheme(Protocol):
    """One way of signing. The keys of the platform's side are made by the scheme itself, at run time."""

    name: str
    platform: str
    own: Mapping[str, str]  # credentials of the merchant's connection
    stranger: Mapping[str, str]  # and of another merchant's at the same hub

    def genuine(self, number: int) -> Callback:
        """A callback of this moment that must be accepted; its notice id follows from the number."""
        ...

    def mistakes(self) -> Mapping[str, Mistake]:
        """Every way to get one wrong, by name."""
        ...


def cut(dice: random.Random, callback: Callback) -> Callback:
    """Only the beginning of the body."""
    return callback._replace(body=callback.body[: dice.randrange(len(callback.body))])


def flip_body(dice: random.Random, callback: Callback) -> Callback:
    """One bit of the body is another."""
    at = dice.randrange(len(callback.body))
    changed = callback.body[at] ^ (1 << dice.randrange(8))
    return callback._replace(body=callback.body[:at] + bytes([changed]) + callback.body[at + 1 :])


def flip_base64(dice: random.Random, text: str) -> str:
    """One bit of what a base64 text stands for is another (unused bits of the text itself would not count)."""
    raw = bytearray(base64.b64decode(text))
    raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
    return base64.b64encode(raw).decode()
