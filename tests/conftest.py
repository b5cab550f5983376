"""Which files begin first, what is left to the long run, and what is not looked through for garbage."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from typing import Any, Final

import pytest

#: As a running hub has it (``cli/serve.py``).
GARBAGE_YOUNG_MAX: Final = 10_000
#: Set to 1, tests marked ``long`` run too (``bench/proof_suite.py``).
LONG: Final = "HUTONG_TEST_LONG"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """What is loaded with the tests stays to the end: collections need not walk through it again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(GARBAGE_YOUNG_MAX)
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files with slow tests first, each in its own order: one that came last would leave the other workers idle."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
    if os.environ.get(LONG) != "1":
        left = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if not item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left)
