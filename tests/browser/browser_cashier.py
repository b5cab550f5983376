"""The hands of a cashier, and what the till shows."""

from __future__ import annotations

from collections.abc import Callable

import browser_checks as checks
import pytest
from playwright.sync_api import Error, Page, Route

HAND_KEY_MS = 200
#: Asked of the till's own origin and answered here: it never reaches the hub once requests are held.
PROBE = "/counter/latest?is-held"
PROBES_MAX = 100


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


def holds(page: Page, pattern: str, handler: Callable[[Route], object]) -> None:
    """From now on ``handler`` has what the page asks of ``pattern``.

    A page that is open learns of its first route a moment after Playwright says that it does (three of a hundred key
    strokes were quicker): it is asked until an answer comes from here.
    """
    page.route(f"**{PROBE}", lambda route: route.fulfill(body="held"))
    page.route(pattern, lambda route: handler(route))  # noqa: PLW0108 (a built-in cannot be marked)
    for _ in range(PROBES_MAX):
        if page.evaluate(f"() => fetch('{PROBE}').then((got) => got.text())") == "held":
            return
    pytest.fail("the page's requests never came here")


def wait_until(page: Page, done: Callable[[], object]) -> None:
    """Lets the browser's events come until it is so; the page's own limit ends it."""
    for _ in range(100):
        if done():
            return
        page.wait_for_timeout(100)
    till = page.locator("#till")
    pytest.fail(f"it never came\nthe till is {till.get_attribute('data-state')}: {till.inner_text()}")
