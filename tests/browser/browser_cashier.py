"""The hands of a cashier, and what the till shows."""

from __future__ import annotations

from collections.abc import Callable

import browser_checks as checks
import pytest
from playwright.sync_api import Error, Page

HAND_KEY_MS = 200


def faults(page: Page) -> list[str]:
    return [
        *checks.untranslated(page, "zh-Hans"),
        *checks.overflow(page),
        *checks.lying_money(page),
        *checks.unlabelled(page),
    ]


def by_hand(page: Page, amount: str) -> None:
    page.keyboard.type(amount, delay=HAND_KEY_MS)
    page.wait_for_function("(text) => document.querySelector('#till-typed').textContent === text", arg=amount)


def by_gun(page: Page, auth_code: str) -> None:
    """A gun's keys come in one burst, however busy this machine is."""
    page.evaluate(
        """
        (keys) => keys.forEach((key) =>
          document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })))
        """,
        [*auth_code, "Enter"],
    )


def reaches(page: Page, state: str) -> None:
    try:
        page.wait_for_selector(f"#till[data-state={state}]")
    except Error as error:
        till = page.locator("#till")
        pytest.fail(f"{error}\nthe till is {till.get_attribute('data-state')}: {till.inner_text()}")


def wait_until(page: Page, done: Callable[[], object]) -> None:
    """Lets the browser's events come until it is so; the page's own limit ends it."""
    for _ in range(100):
        if done():
            return
        page.wait_for_timeout(100)
    pytest.fail("it never came")
