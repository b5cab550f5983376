"""The buyers: numbered people with a stable id at every platform."""

from __future__ import annotations

import re
from typing import Final

from hutong_sandbox.drbg import LETTERS, Drbg

BUYERS_MAX: Final = 1_000_000
OPENID: Final = re.compile(r"o[0-9A-Za-z_-]{27}")
_FAMILY: Final = "王李张刘陈杨黄赵吴周"
_GIVEN: Final = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平"


class Buyers:
    """Everything about buyer ``n`` follows from the seed."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._appids: dict[str, str] = {}
        self._openids: dict[tuple[str, int], str] = {}

    def openid(self, appid: str, number: int) -> str:
        """The buyer's id under one app: 28 characters that begin with ``o``."""
        openid = self._openids.get((appid, number))
        if openid is None:
            openid = "o" + Drbg(self._seed, f"openid {appid} {number}").text(27, LETTERS)
            self._appids[openid] = appid
            self._openids[appid, number] = openid
        return openid

    def belongs(self, appid: str, openid: str) -> bool:
        """Whether an openid can be one of this app: not one that was given out under another app.

        Well-formed openids that nobody was given are taken as buyers whom the sandbox has not met.
        """
        return OPENID.fullmatch(openid) is not None and self._appids.get(openid, appid) == appid

    def name(self, number: int) -> str:
        """A made-up name."""
        drbg = Drbg(self._seed, f"name {number}")
        return drbg.text(1, _FAMILY) + drbg.text(1 + drbg.below(2), _GIVEN)

    def phone(self, number: int) -> str:
        """A number of the 199 range, never complete anywhere but here."""
        return "199" + Drbg(self._seed, f"phone {number}").text(8, "0123456789")
