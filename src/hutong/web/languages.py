"""The visitor's language for a request."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request
from litestar.datastructures import Cookie

from hutong.web.i18n.locales import LOCALE_COOKIE, LOCALE_QUERY, Locale, choose_locale, known_locale

_COOKIE_LIFE_S: Final = 365 * 24 * 3600


def locale_of(request: Request[Any, Any, Any]) -> Locale:
    """The language of the answer: ``?lang=``, then the cookie, then the browser's wish."""
    return choose_locale(
        asked=request.query_params.get(LOCALE_QUERY),
        remembered=request.cookies.get(LOCALE_COOKIE),
        accept_language=request.headers.get("accept-language"),
    )


def chosen_locale(request: Request[Any, Any, Any]) -> Locale | None:
    """The language the visitor chose with this very request."""
    return known_locale(request.query_params.get(LOCALE_QUERY))


def locale_cookie(locale: Locale, *, secure: bool) -> Cookie:
    """Remembers the language for a year."""
    return Cookie(
        key=LOCALE_COOKIE, value=locale, path="/", max_age=_COOKIE_LIFE_S, secure=secure, httponly=True, samesite="lax"
    )
