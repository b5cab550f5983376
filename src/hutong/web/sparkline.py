"""A line of bars as small as a word, drawn here as SVG: no script, and its figures as text for who cannot see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

_STEP: Final = 10
_BAR: Final = 7
_HEIGHT: Final = 24
#: The smallest bar that stands for something, and the line that stands for nothing.
_LEAST: Final = 3
_NOTHING: Final = 1


def sparkline(values: Sequence[int], title: str) -> Markup:
    """Bars for values over equal steps; ``title`` says what they are in words."""
    most = max(values, default=0)
    bars = Markup("").join(
        Markup('<rect x="{}" y="{}" width="{}" height="{}"{}/>').format(
            at * _STEP, _HEIGHT - height, _BAR, height, Markup("") if value else Markup(' class="none"')
        )
        for at, value in enumerate(values)
        for height in [max(_LEAST, _HEIGHT * value // most) if value else _NOTHING]
    )
    return Markup(
        '<svg class="ht-spark" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        "<title>{}</title>{}</svg>"
    ).format(len(values) * _STEP - (_STEP - _BAR), _HEIGHT, title, title, bars)
