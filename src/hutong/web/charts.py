"""What a chart is told: plain figures in a JSON script element, drawn by ``console.js``."""

from __future__ import annotations

from typing import Final, Literal

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


class RateSeries(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of cost over all rows; ``colour`` names a custom property of the style sheet."""

    name: str
    colour: str
    values_bps: tuple[int, ...]


class RateChart(msgspec.Struct, frozen=True, kw_only=True):
    """Stacked bars of rates, one row each, beside a line they are measured by. ``texts``: what a row says in full."""

    kind: Literal["rates"] = "rates"
    labels: tuple[str, ...]
    series: tuple[RateSeries, ...]
    texts: tuple[str, ...]
    line_bps: int
    line_text: str

    def __post_init__(self) -> None:
        counts = {len(self.labels), len(self.texts), *(len(series.values_bps) for series in self.series)}
        if len(counts) != 1 or counts.pop() > POINTS_MAX:
            raise ValueError("each row needs a label, a text and one value of every series, and not too many rows")


class CountSeries(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of thing that is counted; ``colour`` names a custom property of the style sheet."""

    name: str
    colour: str
    values: tuple[int, ...]


class StackChart(msgspec.Struct, frozen=True, kw_only=True):
    """Counts over steps of time, stacked."""

    kind: Literal["stack"] = "stack"
    labels: tuple[str, ...]
    series: tuple[CountSeries, ...]

    def __post_init__(self) -> None:
        if any(len(series.values) != len(self.labels) for series in self.series) or len(self.labels) > POINTS_MAX:
            raise ValueError("each step needs one value of every series, and there are not too many steps")


def chart_json(chart: BarChart | RateChart | StackChart) -> Markup:
    """JSON that is safe inside a script element: no ``<`` can end it."""
    text = msgspec.json.encode(chart).decode().replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(text)  # noqa: S704 (escaped above)
