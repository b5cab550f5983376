"""Addresses that are passed on by chat: who opens one gets a click of his own, and whose it was before is kept.

An address behind a click carries the click's token. The browser that made the click is marked, and a click is opened
within a moment of being made: an old one in a browser without its mark was passed on, or the mark was lost.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from litestar.datastructures import Cookie

from hutong.links.asked import with_query
from hutong.links.attribution.evidence import moment_of
from hutong.links.tokens import click_token, read_click_token
from hutong.payments.checkouts import CHECKOUT_LIFE
from hutong.web.buyer.desk import BuyerRequest
from hutong.workflows.runtime import Runtime

CLICK_COOKIE: Final = "hutong_click"
#: From the click to the page behind it is one redirect; slow networks take their time.
FRESH: Final = timedelta(seconds=60)


def is_passed_on(request: BuyerRequest, click_id: UUID, now: datetime) -> bool:
    """Whether somebody else opens what this click led to."""
    return request.cookies.get(CLICK_COOKIE) != click_id.hex and now - moment_of(click_id) > FRESH


def link_again(runtime: Runtime, code: str, click_id: UUID, asked: str = "") -> str:
    """The link once more, for somebody to whom the address of this click was passed on, with what it was asked with."""
    return with_query(f"/l/{code}?p={click_token(runtime.link_key, click_id, code)}", asked)


def parent_of(runtime: Runtime, code: str, token: str) -> UUID | None:
    """The click whose address was passed on, as the edge hands its token through; None where none was."""
    return read_click_token(runtime.link_key, token, code) if token else None


def click_cookie(click_id: UUID, path: str, *, secure: bool) -> Cookie:
    """Marks the browser that made a click; it is sent to the page behind this one link alone."""
    return Cookie(
        key=CLICK_COOKIE,
        value=click_id.hex,
        path=path,
        max_age=int(CHECKOUT_LIFE.total_seconds()),
        httponly=True,
        secure=secure,
        samesite="lax",
    )
