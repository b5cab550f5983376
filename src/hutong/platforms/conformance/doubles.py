"""Stand-ins for a conformance run: a clock that stands, a nonce that counts, an HTTP client that follows a script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from hutong.core.errors import PlatformUnknown
from hutong.platforms.account import Account
from hutong.transport.messages import Request, Response

#: Requests one scripted client answers: a connector that loops is caught here.
REQUESTS_MAX: Final = 20


def silence(request: Request) -> Response | None:
    """The answer of a line that broke."""
    del request
    return None


class StandingClock:
    """A clock that only moves when told to."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        """The moment it was set to."""
        return self.moment

    def advance(self, span: timedelta) -> None:
        """Move on (or back)."""
        self.moment += span


class CountingNonce:
    """32 characters that differ from call to call and are the same in every run."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self) -> str:
        """The next one."""
        self._count += 1
        return f"{self._count:032X}"


class ScriptedHttp:
    """Keeps what was sent and lets ``answer`` make the response; None stands for a line that broke."""

    def __init__(self, answer: Callable[[Request], Response | None]) -> None:
        self._answer = answer
        self.sent: list[Request] = []

    async def send(self, request: Request) -> Response:
        """The scripted response."""
        self.sent.append(request)
        if len(self.sent) > REQUESTS_MAX:
            raise AssertionError("the connector does not stop sending")
        response = self._answer(request)
        if response is None:
            raise PlatformUnknown(platform="double")
        return response


def account_of(
    platform: str,
    base_url: str,
    credentials: Mapping[str, str],
    clock: StandingClock,
    answer: Callable[[Request], Response | None],
) -> tuple[Account, ScriptedHttp]:
    """An account whose time, chance and network are in the test's hand."""
    http = ScriptedHttp(answer)
    account = Account(
        platform=platform,
        base_url=base_url,
        credentials=credentials,
        http=http,
        clock=clock,
        nonce=CountingNonce(),
    )
    return account, http
