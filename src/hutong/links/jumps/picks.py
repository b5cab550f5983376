"""Choosing among the attempts of a cell: what a merchant may say, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from hutong.core.errors import ErrorText, HutongError, InvalidInput
from hutong.links.containers import CONTAINERS, SYSTEMS
from hutong.links.destinations import DESTINATIONS
from hutong.links.jumps.matrix import FALLBACKS, SCHEME, Attempt, Matrix

#: What needs nobody's permission and is always there; a code is there only where a link has one.
_ALWAYS: Final = FALLBACKS - {"code"}


class ChoiceRefused(HutongError):
    """A choice would leave visitors without a way, or names what the cell does not offer."""

    code = "jump_choice_refused"
    status = 400
    zh = ErrorText(
        "这样设置不行：{reason}。",
        "每一格至少要留一种打开的办法，其中一种不靠别的应用放行。",
        "至少保留“打开网页”“教买家在浏览器打开”“复制口令”“用手机扫码”里的一种。",
    )
    en = ErrorText(
        "This cannot be chosen: {reason}.",
        "Each cell needs a way, and one of them must need nobody's permission.",
        "Leave one of page, guide, code or QR on.",
    )
    REASONS: Final = {
        "unknown": ("这一格里没有这种办法", "the cell does not offer this way"),
        "twice": ("同一种办法写了两次", "a way stands there twice"),
        "no_way": ("没有留下任何办法", "no way is left on"),
        "no_fallback": ("留下的办法都要别的应用放行", "all ways that are left need an app's permission"),
    }

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)

    def text(self, locale: str) -> ErrorText:
        """The texts in a locale, with the reason in words of the same language."""
        words = self.REASONS[str(self.details["reason"])][0 if locale.startswith("zh") else 1]
        return HutongError.text(self.with_details({**self.details, "reason": words}), locale)


class Pick(msgspec.Struct, frozen=True):
    """One attempt of a cell, named as the matrix does, and whether it is on."""

    do: str
    is_on: bool


Picks = tuple[Pick, ...]


def chosen(attempts: Sequence[Attempt], picks: Picks) -> tuple[Attempt, ...]:
    """The attempts in the merchant's order; those that he does not name behind, as they are."""
    offered = {attempt.do: attempt for attempt in attempts}
    named = [msgspec.structs.replace(offered[pick.do], is_on=pick.is_on) for pick in picks if pick.do in offered]
    rest = [attempt for attempt in attempts if attempt.do not in {pick.do for pick in picks}]
    return (*named, *rest)


def check_picks(matrix: Matrix, container: str, destination: str, picks: Picks) -> None:
    """See that every system of the cell keeps a way.

    Raises:
        InvalidInput: no such container or destination.
        ChoiceRefused: a way is unknown, named twice, or what is left needs an app's permission.
    """
    for field, value, known in (
        ("container", container, CONTAINERS),
        ("destination", destination, DESTINATIONS),
    ):
        if value not in known:
            raise InvalidInput(field=field, problem=", ".join(known))
    cells = [matrix.cell(container, system, destination).attempts for system in SYSTEMS]
    names = [pick.do for pick in picks]
    if len(set(names)) < len(names):
        raise ChoiceRefused("twice")
    if not set(names) <= {attempt.do for attempts in cells for attempt in attempts}:
        raise ChoiceRefused("unknown")
    for attempts in cells:
        live = [attempt for attempt in chosen(attempts, picks) if attempt.is_on]
        if not live:
            raise ChoiceRefused("no_way")
        if not any(kind_of(matrix, attempt) in _ALWAYS for attempt in live):
            raise ChoiceRefused("no_fallback")


def kind_of(matrix: Matrix, attempt: Attempt) -> str:
    """What an attempt does (a kind of the matrix)."""
    return SCHEME if attempt.do == SCHEME else matrix.forms[attempt.do].kind
