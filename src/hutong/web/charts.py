"""What a chart is told: plain figures in a JSON script element, drawn by ``console.js``."""

from __future__ import annotations

from typing import Final

import msgspec
from markupsafe import Markup

#: No chart draws more points than a person can tell apart.
POINTS_MAX: Final = 240


class BarChart(msgspec.Struct, frozen=True, kw_only=True):
    """Bars over named steps. ``values_minor`` are minor units where ``currency`` is set, else plain counts."""

    labels: tuple[str, ...]
    values: tuple[int, ...]
    value_texts: tuple[str, ...]
    title: str
    minor_digits: int = 0

    def __post_init__(self) -> None:
        if not len(self.labels) == len(self.values) == len(self.value_texts) <= POINTS_MAX:
            raise ValueError("a chart needs one label and one text for each of its values, and not too many")


def chart_json(chart: BarChart) -> Markup:
    """JSON that is safe inside a script element: no ``<`` can end it."""
    text = msgspec.json.encode(chart).decode().replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(text)  # noqa: S704 (escaped above)
