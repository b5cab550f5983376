"""Which files begin first, and what is not looked through for garbage."""

from __future__ import annotations

import gc
from collections.abc import Generator
from typing import Any, Final

import pytest

#: As a running hub has it (``cli/serve.py``).
GARBAGE_YOUNG_MAX: Final = 10_000


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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, each in its own order: one that came last would leave the other workers idle."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
