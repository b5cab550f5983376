"""What a judge says: one JSON line for each check, and an exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

EXPLANATION_CHARS_MAX = 500


class Disagreement(Exception):
    """The SDK and the simulator do not agree."""


def expect(found: Any, wanted: Any) -> None:
    """Raise unless both are equal."""
    if found != wanted:
        raise Disagreement(f"found {found!r}, wanted {wanted!r}")


def run(
    checks: list[tuple[str, Callable[[], None]]], *, stop_at_first: bool, before: Callable[[], None] = lambda: None
) -> int:
    """Run the checks in order, ``before`` ahead of each; 0 when all agreed."""
    failed = 0
    for name, check in checks:
        try:
            before()
            check()
            explanation = ""
        except Exception as error:  # noqa: BLE001 (whatever the SDK raises is its way to disagree)
            explanation = f"{type(error).__name__}: {error}"[:EXPLANATION_CHARS_MAX]
            failed += 1
        sys.stdout.write(json.dumps({"check": name, "ok": not explanation, "why": explanation}) + "\n")
        sys.stdout.flush()
        if failed and stop_at_first:
            break
    return 1 if failed else 0
