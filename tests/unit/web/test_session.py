"""Signing in: forms that cannot be forged, addresses that stay here, tries that are counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hutong.merchants.staff import LOGIN_CHARS_MAX
from hutong.web.session import (
    TRIED_LOGINS_MAX,
    TRIES_MAX,
    TRIES_WINDOW,
    ForgedForm,
    TooManyTries,
    Tries,
    check_form,
    cookie_of,
    csrf_token,
    login_path,
    safe_next,
)


class HandClock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 23, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


class FakeRequest:
    def __init__(self, **headers: str) -> None:
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
        "evil", "", "/a\nb", "/" + "a" * 600, "/\t/evil.example",
    ],
)  # fmt: skip
def test_next_never_leaves_the_hub(path):
    assert safe_next(path) == "/"


def test_next_keeps_own_pages():
    assert safe_next("/orders?source=taobao&page=2") == "/orders?source=taobao&page=2"
    assert login_path("/", "") == "/login"
    assert login_path("/orders", "page=2") == "/login?next=%2Forders%3Fpage%3D2"


def test_a_form_needs_the_token_of_its_cookie():
    request = FakeRequest()
    check_form(request, "cookie", csrf_token("cookie"))
    for cookie, given in [("cookie", ""), ("cookie", None), ("", csrf_token("")), ("cookie", csrf_token("other"))]:
        with pytest.raises(ForgedForm):
            check_form(request, cookie, given)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_from_another_site_is_refused_even_with_the_token(site):
    with pytest.raises(ForgedForm):
        check_form(FakeRequest(sec_fetch_site=site), "cookie", csrf_token("cookie"))


def test_wrong_passwords_are_counted_and_forgiven():
    clock = HandClock()
    tries = Tries(clock)
    for _ in range(TRIES_MAX):
        tries.check("li", "1.2.3.4")
        tries.failed("li", "1.2.3.4")
    with pytest.raises(TooManyTries):
        tries.check("li", "1.2.3.4")
    tries.check("li", "5.6.7.8")
    tries.check("wang", "1.2.3.4")
    clock.at += TRIES_WINDOW + timedelta(seconds=1)
    tries.check("li", "1.2.3.4")
    tries.failed("li", "1.2.3.4")
    tries.succeeded("li", "1.2.3.4")
    tries.check("li", "1.2.3.4")


def test_another_spelling_of_a_login_is_no_new_try():
    tries = Tries(HandClock())
    for number in range(TRIES_MAX):
        tries.failed(("li", " LI", "Li ", "lI")[number % 4], "1.2.3.4")
    for spelling in ("li", "LI ", "  li"):
        with pytest.raises(TooManyTries):
            tries.check(spelling, "1.2.3.4")
    tries.succeeded(" Li", "1.2.3.4")
    tries.check("li", "1.2.3.4")


def test_a_login_that_is_too_long_fills_no_memory():
    tries = Tries(HandClock())
    tries.failed("x" * 100_000, "1.2.3.4")
    [(login, _)] = tries._failed
    assert len(login) == LOGIN_CHARS_MAX


def test_the_memory_of_tries_is_limited():
    tries = Tries(HandClock())
    for number in range(TRIED_LOGINS_MAX + 5):
        tries.failed(f"login{number}", "1.2.3.4")
    assert len(tries._failed) == TRIED_LOGINS_MAX


def test_cookies_are_closed_to_scripts():
    cookie = cookie_of("name", "value", secure=True)
    assert cookie.httponly
    assert cookie.secure
    assert cookie.samesite == "lax"
    assert cookie_of("name", "", secure=False).max_age == 0
