"""Errors as answers: problem+json for programs (RFC 9457), a friendly page for people."""

from __future__ import annotations

import logging
import re
import secrets
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
import msgspec
from litestar import Request, Response
from litestar.enums import MediaType
from litestar.exceptions import HTTPException, ValidationException
from sqlalchemy.exc import DBAPIError

from hutong.core.errors import ErrorText, HutongError, InvalidInput
from hutong.web.console.headers import CONSOLE_HEADERS
from hutong.web.console.views import ErrorView
from hutong.web.i18n import Catalogues, Locale
from hutong.web.languages import locale_of
from hutong.web.render import Renderer
from hutong.web.scene import Scene
from hutong.web.things import for_people, named
from hutong.web.told import spoken
from hutong.web.unfit import MISSING, place_of, unfit

LOG: Final = logging.getLogger(__name__)
PROBLEM_TYPE: Final = "application/problem+json"
#: Paths whose callers are programs.
_PROGRAM_PATHS: Final = ("/api/", "/callbacks/", "/healthz")
_REFERENCE_BYTES: Final = 5
_INTERNAL_STATUS: Final = 500
#: One slash, then a name: never an address of somebody else.
_PAGE_PATH: Final = re.compile(r"/[a-z][a-z0-9/-]{0,120}", re.ASCII)
_DETAIL_CHARS_MAX: Final = 80
#: Litestar names a parameter that did not come in its sentence only.
_MISSING_PARAMETER: Final = re.compile(r"Missing required \w+ parameter '([^']{1,40})'")
#: What PostgreSQL says to text and to JSON that holds a null byte.
UNSTORABLE: Final = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError)


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457, with our stable ``code``, the cause and the fix."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    cause: str
    fix: str
    details: dict[str, str | int] = msgspec.field(default_factory=dict)
    reference: str = ""


class PageNotFound(HutongError):
    """No page at this address."""

    code = "page_not_found"
    status = 404
    zh = ErrorText("找不到这个页面。", "地址可能写错了，或页面已移走。", "请检查地址，或从总览重新进入。")
    en = ErrorText("No such page.", "The address is mistyped, or the page has moved.", "Check it, or start again.")


class RequestRefused(HutongError):
    """The request does not have the right form."""

    code = "bad_request"
    status = 400
    zh = ErrorText("请求的格式不对。", "地址、参数或内容不符合要求。", "请检查后重试；接口说明见 /api/openapi.json。")
    en = ErrorText(
        "The request does not have the right form.",
        "Address, parameters or body are not as expected.",
        "Check it and try again; the API is described in /api/openapi.json.",
    )


class FieldUnfit(RequestRefused):
    """A parameter or a field of the body is not of the type or within the bounds that it must be."""

    zh = ErrorText(
        "“{place}”不对：{told}。", "内容的类型或范围与接口说明不符。", "请改正后重试；接口说明见 /api/openapi.json。"
    )
    en = ErrorText(
        "“{place}” is not right: {told}.",
        "Its type or range is not what the API describes.",
        "Correct it and try again; the API is described in /api/openapi.json.",
    )


class BodyMalformed(RequestRefused):
    """A body is no JSON."""

    zh = ErrorText(
        "请求的内容不是正确的 JSON。",
        "少了引号、括号或逗号，多了逗号，数字超出范围，或内容被截断。",
        "请用 JSON 工具检查后重试；接口说明见 /api/openapi.json。",
    )
    en = ErrorText(
        "The content is not valid JSON.",
        "A quotation mark, bracket or comma is missing or too many, a number is out of range, or it was cut off.",
        "Check it with a JSON tool and try again; the API is described in /api/openapi.json.",
    )


class BodyUnreadable(HutongError):
    """The bytes of a request are no text, or no structure that anybody means."""

    code = "body_unreadable"
    status = 400
    zh = ErrorText(
        "请求的内容读不出来：不是 UTF-8 编码，或嵌套过深。",
        "内容用了 GBK 等其他编码，含有残缺的字节，或括号一层套一层太多。",
        "请用 UTF-8 编码、按接口说明的结构重新发送。",
    )
    en = ErrorText(
        "The content cannot be read: it is not UTF-8, or nested too deeply.",
        "It is in another encoding such as GBK, holds broken bytes, or has brackets within brackets without end.",
        "Send it as UTF-8 in the structure that the API's description shows.",
    )


class MethodRefused(HutongError):
    """The address exists but does not take this method."""

    code = "method_not_allowed"
    status = 405
    zh = ErrorText("这个地址不支持这种请求方法。", "方法不对。", "请查看接口说明。")
    en = ErrorText("This address does not take that method.", "Wrong method.", "Look at the description of the API.")


class BodyTooLarge(HutongError):
    """More was sent than is taken."""

    code = "body_too_large"
    status = 413
    zh = ErrorText("内容太大。", "请求超过了大小上限。", "请分成几次发送。")
    en = ErrorText("The content is too large.", "The request exceeds the limit.", "Send it in parts.")


_BY_STATUS: Final[dict[int, type[HutongError]]] = {404: PageNotFound, 405: MethodRefused, 413: BodyTooLarge}


def as_hutong_error(error: Exception) -> HutongError:
    """Any exception as one of ours; what is not expected becomes the internal error, which tells nothing."""
    if isinstance(error, HutongError):
        return error
    if isinstance(error, ValidationException):
        return _first_of(error)
    if isinstance(error, HTTPException) and error.status_code < _INTERNAL_STATUS:
        return _BY_STATUS.get(error.status_code, RequestRefused)()
    if isinstance(error, (DBAPIError, asyncpg.PostgresError)):
        return _refused_by_database(error)
    return HutongError()


def _first_of(error: ValidationException) -> HutongError:
    """Which field or parameter was refused first, and what it must be; ``problem`` stays as it is, for programs."""
    found = error.extra[0] if isinstance(error.extra, list) and error.extra else {}
    key, message = (found.get("key"), found.get("message")) if isinstance(found, dict) else (None, None)
    if match := _MISSING_PARAMETER.match(error.detail):
        key, message = match[1], MISSING
    if not key or not message:
        return RequestRefused()
    field, told = unfit(str(key), str(message))
    return FieldUnfit(field=field, place=place_of(field), told=told, problem=str(message)[:_DETAIL_CHARS_MAX])


def _refused_by_database(error: Exception) -> HutongError:
    """A text with U+0000 is the caller's mistake (PostgreSQL holds none); whatever else the database says is ours."""
    causes = (error, error.__cause__, getattr(error.__cause__, "__cause__", None))
    if any(isinstance(cause, UNSTORABLE) for cause in causes):
        return InvalidInput(field="text", problem="U+0000")
    return HutongError()


def text_for(error: HutongError, locale: Locale, catalogues: Catalogues) -> ErrorText:
    """An error's texts in a reader's language. Errors speak Simplified Chinese and English; the catalogue of
    Traditional Chinese has the former's templates and the hints at a platform's refusal; what it does not have
    stays as it is.
    """
    translate = catalogues.of(locale).ugettext
    error = in_words_of(error.with_details(named(error.details, locale)), translate)
    plain = error.text(locale)
    if locale != "zh-Hant":
        return plain
    return ErrorText(
        *(
            _filled(translate(template), error) if _filled(template, error) == told else translate(told)
            for template, told in (
                (error.zh.sentence, plain.sentence),
                (error.zh.cause, plain.cause),
                (error.zh.fix, plain.fix),
            )
        )
    )


def in_words_of(error: HutongError, translate: Callable[[str], str]) -> HutongError:
    """The error with those of its details that are words of ours in the reader's language."""
    return error.with_details(spoken(error.details, translate))


def _filled(template: str, error: HutongError) -> str:
    return template.format_map(defaultdict(lambda: "?", error.details))


class ErrorPages:
    """The exception handler of the whole web application."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def answer(self, request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        """The answer to an exception, in the form the caller reads."""
        locale = locale_of(request)
        is_program = request.url.path.startswith(_PROGRAM_PATHS)
        known = as_hutong_error(error)
        if not is_program:
            known = known.with_details(for_people(known.details))
        known = in_words_of(known, self._renderer.catalogues.of(locale).ugettext)
        reference = ""
        if known.status >= _INTERNAL_STATUS and known.code == HutongError.code:
            reference = secrets.token_hex(_REFERENCE_BYTES)
            LOG.error("internal error %s at %s %s", reference, request.method, request.url.path, exc_info=error)
        text = text_for(known, locale, self._renderer.catalogues)
        if is_program or "json" in request.headers.get("accept", ""):
            return problem_response(known, text, reference)
        view = ErrorView(
            status=known.status,
            sentence=text.sentence,
            cause=text.cause,
            fix=text.fix,
            reference=reference,
            back_path=_page_of(request),
        )
        return self.page(view, Scene(path=request.url.path, locale=locale))

    def page(self, view: ErrorView, scene: Scene) -> Response[str]:
        """The page for a person at this address."""
        html = self._renderer.page("errors/page.html", view, scene)
        return Response(content=html, status_code=view.status, media_type=MediaType.HTML, headers=CONSOLE_HEADERS)


def _page_of(request: Request[Any, Any, Any]) -> str:
    """The page that a form of the console was sent from: the browser names it, and only a path of ours counts."""
    sent_from = urlsplit(request.headers.get("referer", ""))
    if request.method != "POST" or sent_from.netloc != request.url.netloc:
        return ""
    return sent_from.path if _PAGE_PATH.fullmatch(sent_from.path) else ""


def problem_response(error: HutongError, text: ErrorText, reference: str = "") -> Response[bytes]:
    """A problem+json answer."""
    problem = Problem(
        type=f"urn:hutong:error:{error.code}",
        title=error.code,
        status=error.status,
        detail=text.sentence,
        code=error.code,
        cause=text.cause,
        fix=text.fix,
        details=error.details,
        reference=reference,
    )
    headers = {"www-authenticate": "Bearer"} if error.status == 401 else {}
    return Response(
        content=msgspec.json.encode(problem), status_code=error.status, media_type=PROBLEM_TYPE, headers=headers
    )
