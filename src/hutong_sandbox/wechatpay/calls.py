"""One signed call as the addresses of the platform's port see it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec

from hutong_sandbox.faults import FaultRule
from hutong_sandbox.http import HttpRequest, Json, Unanswered
from hutong_sandbox.wechatpay import fields
from hutong_sandbox.wechatpay.accounts import Account
from hutong_sandbox.wechatpay.fields import BodyReader
from hutong_sandbox.world import World

NAME: Final = "wechatpay"

#: Status and body; bytes are a file, which goes out as it is and unsigned.
Answer = tuple[int, Json | bytes | None]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request whose signature was checked."""

    account: Account
    request: HttpRequest
    match: re.Match[str]

    @property
    def serial(self) -> str:
        """The platform's key that the request names: what comes of it is signed with it, too."""
        return self.request.headers.get("wechatpay-serial", "")

    @property
    def is_provider(self) -> bool:
        """Whether it came to a service provider's address."""
        return self.request.path.startswith("/v3/pay/partner/")

    def body(self) -> BodyReader:
        """The reader of its body."""
        return fields.body_of(self.request.body)


Route = tuple[str, str, Callable[[Call], Awaitable[Answer]]]


class Calls(Protocol):
    """A group of addresses: method, pattern of the whole path, and who answers."""

    def routes(self) -> list[Route]:
        """The group's addresses."""
        ...


def strike(world: World, kind: str, subject: str) -> FaultRule | None:
    """The rule, if a fault of this platform strikes now."""
    return world.faults.strike(NAME, kind, subject)


def lose_answer(world: World, kind: str, subject: str) -> None:
    """What was asked for is done; where the fault strikes, its answer is lost."""
    if strike(world, kind, subject):
        raise Unanswered
