"""Signing in to the console: cookies, forms that cannot be forged, tries that are counted."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from litestar import Request
from litestar.datastructures import Cookie

from hutong.core.clock import Clock
from hutong.core.errors import ErrorText, HutongError, Unauthorized
from hutong.crypto.digests import sha256
from hutong.links.visitors import network_of
from hutong.merchants.staff import (
    LOGIN_CHARS_MAX,
    SESSION_LIFE,
    Session,
    check_password,
    close_session,
    find_session,
    login_of,
    merchant_of_cookie,
    merchant_of_login,
    open_session,
)
from hutong.merchants.staffing import note_sign_in
from hutong.workflows.runtime import Runtime

SESSION_COOKIE: Final = "hutong_session"
#: Carries the sign-in form before there is a session.
VISIT_COOKIE: Final = "hutong_visit"
CSRF_FIELD: Final = "_csrf_token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
LOGIN_PATH: Final = "/login"
_VISIT_BYTES: Final = 24
_COOKIE_CHARS_MAX: Final = 200
_NEXT_CHARS_MAX: Final = 500
#: Wrong passwords for one login from one address before it has to wait.
TRIES_MAX: Final = 8
TRIES_WINDOW: Final = timedelta(minutes=10)
#: Logins whose tries are remembered; the oldest is forgotten first.
TRIED_LOGINS_MAX: Final = 10_000
#: Stands for the merchant of an unknown login, so that it is refused at the same place.
NOBODY: Final = UUID(int=0)


class ForgedForm(HutongError):
    """A form came without the secret that its page carries."""

    code = "forged_form"
    status = 403
    zh = ErrorText("表单已失效。", "页面打开太久，或请求不是从本页面发出的。", "请返回上一页，刷新后重新提交。")
    en = ErrorText(
        "This form is no longer valid.",
        "The page was open too long, or the request did not come from it.",
        "Go back, reload the page and send it again.",
    )


class TooManyTries(HutongError):
    """Too many wrong passwords in a short time."""

    code = "too_many_tries"
    status = 429
    zh = ErrorText("尝试次数太多。", "短时间内多次输错密码。", "请十分钟后再试。")
    en = ErrorText("Too many tries.", "The password was wrong many times in a row.", "Try again in ten minutes.")


class Tries:
    """Counts wrong passwords, in this process only: it slows guessing down, the password hash does the rest."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failed: OrderedDict[tuple[str, str], tuple[int, datetime]] = OrderedDict()

    def begin(self, login: str, address: str) -> None:
        """Count a try until it has succeeded: of many at the same time no more are let through than one by one.

        Raises:
            TooManyTries: as :meth:`check`.
        """
        self.check(login, address)
        self.failed(login, address)

    def check(self, login: str, address: str) -> None:
        """Refuse a try while there were too many.

        Raises:
            TooManyTries: the window of the last wrong one is not over.
        """
        key = _tried(login, address)
        count, last_at = self._failed.get(key, (0, None))
        if last_at is not None and self._clock.now() - last_at > TRIES_WINDOW:
            del self._failed[key]
        elif count >= TRIES_MAX:
            raise TooManyTries

    def failed(self, login: str, address: str) -> None:
        """Remember a wrong try."""
        key = _tried(login, address)
        count, _ = self._failed.pop(key, (0, None))
        self._failed[key] = (count + 1, self._clock.now())
        while len(self._failed) > TRIED_LOGINS_MAX:
            self._failed.popitem(last=False)

    def succeeded(self, login: str, address: str) -> None:
        """Forget the wrong ones."""
        self._failed.pop(_tried(login, address), None)


def _tried(login: str, address: str) -> tuple[str, str]:
    """One entry for a login however it is spelt, and no longer than a login can be; a home's IPv6 addresses are one."""
    return login_of(login)[:LOGIN_CHARS_MAX], network_of(address).hex()


async def signed_in(runtime: Runtime, cookie: str) -> Session | None:
    """Whose session a cookie opens."""
    merchant_id = merchant_of_cookie(cookie) if len(cookie) <= _COOKIE_CHARS_MAX else None
    if merchant_id is None:
        return None
    async with runtime.unit(merchant_id, "session.find") as unit:
        return await find_session(unit, cookie)


async def sign_in(runtime: Runtime, login: str, password: str) -> str:
    """The cookie of a fresh session.

    Raises:
        Unauthorized: login or password is wrong; which one is not told.
    """
    if len(login_of(login)) > LOGIN_CHARS_MAX:
        raise Unauthorized
    async with runtime.database.plain("app") as connection:
        merchant_id = await merchant_of_login(connection, login)
    if merchant_id is None:
        merchant_id = NOBODY
    async with runtime.unit(merchant_id, "session.open") as unit:
        session = await check_password(unit, login, password)
        await note_sign_in(unit, session.staff_id)
        return await open_session(unit, session.staff_id)


async def sign_out(runtime: Runtime, cookie: str) -> None:
    """End the session of a cookie, if it has one."""
    merchant_id = merchant_of_cookie(cookie)
    if merchant_id is not None:
        async with runtime.unit(merchant_id, "session.close") as unit:
            await close_session(unit, cookie)


def session_cookie(request: Request[Any, Any, Any]) -> str:
    """The session cookie's value, or nothing."""
    return request.cookies.get(SESSION_COOKIE, "")


def visit_secret() -> str:
    """A fresh value for the visit cookie."""
    return secrets.token_urlsafe(_VISIT_BYTES)


def csrf_token(cookie: str) -> str:
    """The secret a form carries: only who holds the HttpOnly cookie's page can know it."""
    return sha256(b"hutong form\0" + cookie.encode()).hex()


def check_form(request: Request[Any, Any, Any], cookie: str, given: object) -> None:
    """Refuse a form that was not made by our own page.

    Raises:
        ForgedForm: the token is missing or wrong, or a browser says the form came from another site.
    """
    from_elsewhere = request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}
    if from_elsewhere or not cookie or not isinstance(given, str) or not _same(given, csrf_token(cookie)):
        raise ForgedForm


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


def cookie_of(key: str, value: str, *, secure: bool) -> Cookie:
    """A cookie that scripts cannot read; an empty value removes it."""
    life_s = int(SESSION_LIFE.total_seconds()) if value else 0
    return Cookie(key=key, value=value, path="/", max_age=life_s, httponly=True, secure=secure, samesite="lax")


def login_path(path: str, query: str) -> str:
    """The sign-in page that leads back to where the visitor wanted to go."""
    wanted = f"{path}?{query}" if query else path
    return LOGIN_PATH if wanted == "/" else f"{LOGIN_PATH}?{urlencode({'next': wanted})}"


def safe_next(path: str) -> str:
    """A path of our own, or the first page: never another host, never another scheme."""
    parts = urlsplit(path[:_NEXT_CHARS_MAX])
    own = not parts.scheme and not parts.netloc and path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if own and len(path) <= _NEXT_CHARS_MAX and "\\" not in path and path.isprintable() else "/"
