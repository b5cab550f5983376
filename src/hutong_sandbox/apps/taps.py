"""Taps from seeing a link to being there: what people do where a link does not open, and what the hub's link takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from hutong_sandbox.apps.cells import Cell
from hutong_sandbox.apps.habits import CHECKOUT, OWN_PAGES
from hutong_sandbox.apps.visitor import ARRIVED

#: Today: the platform's share text, which its own share button makes for want of a link that opens. The other app looks
#: at what was copied and offers it (taobao.tbk.tpwd.create, dy_password: what such a text is for).
TODAY: Final = ("press the text", "copy it", "leave the app", "open the other app", "open what it offers")
#: Pages of one's own, which open without an app: what they replace is no share text.
NO_SHARE_TEXT: Final = frozenset({CHECKOUT, OWN_PAGES})
#: The link itself is tapped, too.
LINK_TAPS: Final = 1


def taps_by_app(cells: Iterable[Cell]) -> list[dict[str, Any]]:
    """A line for each app: over all platforms, for those who have the other app."""
    by_app: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.has_app and cell.destination not in NO_SHARE_TEXT and cell.finally_at in ARRIVED:
            by_app.setdefault(cell.app, []).append(cell)
    lines = []
    for app, visits in sorted(by_app.items()):
        taps = [LINK_TAPS + cell.taps for cell in visits]
        lines.append(
            {
                "app": app,
                "before": len(TODAY),
                "after_least": min(taps),
                "after_mean": round(sum(taps) / len(taps), 1),
                "after_most": max(taps),
                "visits": len(taps),
            }
        )
    return lines
