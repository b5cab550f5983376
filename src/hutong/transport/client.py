"""The one HTTP client of a process: pooled, paced per account, with bounded waits, retries and bodies."""

from __future__ import annotations

import asyncio
import re
import secrets
import ssl
import time
from collections.abc import Awaitable, Callable
from functools import cache
from types import TracebackType
from typing import Final, Self

import aiohttp
import certifi
import msgspec
from yarl import URL

from hutong.core.errors import InvalidInput, PlatformUnknown
from hutong.transport.client_certificates import ClientContexts
from hutong.transport.failures import LineRefused, PaceExceeded, PlatformUnreachable
from hutong.transport.messages import HttpClient, Request, Response
from hutong.transport.pacing import Buckets, Pace

#: Sends of one request, the first included.
ATTEMPTS_MAX: Final = 3
BACKOFF_FIRST_S: Final = 0.2
BACKOFF_MAX_S: Final = 2.0
#: Statuses that say "not now": worth another try where the same bytes may be sent again.
RETRY_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
#: Raised by aiohttp before a byte of the request has left: no connection was made, or none became free.
NOT_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
JITTER_STEPS: Final = 1000
#: Platforms close idle connections after a minute or so; one that is used just then is an unknown outcome.
KEEPALIVE_S: Final = 15.0
#: What may stand in a request line: visible ASCII. Anything else would have to be rewritten after it was signed.
_FINAL_URL: Final = re.compile(r"https?://[\x21-\x7e]+")


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the client. Times in seconds, sizes in bytes."""

    connect_timeout_s: float = 5.0
    read_timeout_s: float = 20.0
    total_timeout_s: float = 30.0  # one send, response body included
    repeat_within_s: float = 20.0  # counted from the first send; after it no further one starts
    pace_wait_max_s: float = 10.0
    body_bytes_max: int = 32 * 1024 * 1024
    connections_max: int = 100
    proxy_url: str | None = None
    user_agent: str = "hutong"


class HttpPool:
    """Owns the connections and the pace of every account. One per process; close it with the process.

    ``now_s`` and ``sleep`` are the monotonic clock; tests pass their own.
    """

    def __init__(
        self,
        settings: HttpSettings | None = None,
        *,
        now_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings or HttpSettings()
        self._now_s = now_s
        self._sleep = sleep
        self._buckets = Buckets()
        self._contexts = ClientContexts()
        self._session: aiohttp.ClientSession | None = None  # made in the loop that sends

    def account(self, platform: str, account_key: str, pace: Pace) -> HttpClient:
        """The client of one platform account; all clients of the same account share one pace."""
        return _AccountClient(self, platform, account_key, pace)

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def wait_s(self, platform: str, account_key: str, pace: Pace) -> float:
        """How long an account's next call would wait for its turn."""
        return self._buckets.of(platform, account_key, pace).wait_s(self._now_s())

    async def send(self, platform: str, account_key: str, pace: Pace, request: Request) -> Response:
        """Send with pacing and retries; the contract is that of ``HttpClient.send``."""
        _check_target(request)
        started_s = self._now_s()
        for attempt in range(1, ATTEMPTS_MAX + 1):
            await self._wait_turn(platform, account_key, pace)
            try:
                response = await self._once(platform, account_key, request)
            except NOT_SENT as error:
                if self._is_last(attempt, started_s):
                    raise PlatformUnreachable(platform=platform) from error
            except PlatformUnknown:
                if self._is_last(attempt, started_s) or not request.repeatable:
                    raise
            else:
                again = request.repeatable and response.status in RETRY_STATUSES
                if not again or self._is_last(attempt, started_s):
                    return response
            await self._sleep(_backoff_s(attempt))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _is_last(self, attempt: int, started_s: float) -> bool:
        return attempt == ATTEMPTS_MAX or self._now_s() - started_s >= self._settings.repeat_within_s

    async def _wait_turn(self, platform: str, account_key: str, pace: Pace) -> None:
        bucket = self._buckets.of(platform, account_key, pace)
        wait_s = bucket.reserve(self._now_s(), self._settings.pace_wait_max_s)
        if wait_s is None:
            raise PaceExceeded(platform=platform)
        if wait_s > 0:
            await self._sleep(wait_s)

    def _open(self) -> aiohttp.ClientSession:
        """The session, opened on first use."""
        if self._session is None:
            settings = self._settings
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=settings.connections_max, keepalive_timeout=KEEPALIVE_S),
                timeout=aiohttp.ClientTimeout(
                    total=None, connect=settings.connect_timeout_s, sock_read=settings.read_timeout_s
                ),
                # No compression: the size limit then counts what is read, and a small answer cannot unfold.
                headers={"user-agent": settings.user_agent, "accept": "*/*", "accept-encoding": "identity"},
                auto_decompress=False,
                skip_auto_headers=("content-type",),
                cookie_jar=aiohttp.DummyCookieJar(),
                proxy=settings.proxy_url,
            )
            # How often a request leaves is decided here. aiohttp would send GET again by itself and has no public
            # switch against it; a test counts what leaves.
            self._session._retry_connection = False  # noqa: SLF001
        return self._session

    def _line(self, platform: str, account_key: str, request: Request) -> ssl.SSLContext | bool:
        """Whom to believe on the line, and what to show there.

        Raises:
            LineRefused: what is to be shown cannot be.
        """
        if request.client_certificate is not None:
            try:
                return self._contexts.of(account_key, request.client_certificate, request.url)
            except (InvalidInput, ssl.SSLError) as error:
                raise LineRefused(platform=platform) from error
        return authorities() if request.url.startswith("https:") else True

    async def _once(self, platform: str, account_key: str, request: Request) -> Response:
        """One send. Raises aiohttp's own error where nothing left, PlatformUnknown where something may have."""
        try:
            async with (
                asyncio.timeout(self._settings.total_timeout_s),
                self._open().request(
                    request.method,
                    URL(request.url, encoded=True),
                    headers=request.headers,
                    data=request.body or None,
                    allow_redirects=False,
                    ssl=self._line(platform, account_key, request),
                ) as incoming,
            ):
                return await self._read(platform, incoming)
        except NOT_SENT:
            raise
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PlatformUnknown(platform=platform) from error

    async def _read(self, platform: str, incoming: aiohttp.ClientResponse) -> Response:
        if incoming.headers.get("content-encoding", "identity") != "identity":
            raise PlatformUnknown(platform=platform)
        body = bytearray()
        async for chunk in incoming.content.iter_any():
            body += chunk
            if len(body) > self._settings.body_bytes_max:
                incoming.close()  # what is left is not read to the end
                raise PlatformUnknown(platform=platform)
        headers = {name.lower(): value for name, value in incoming.headers.items()}
        return Response(status=incoming.status, headers=headers, body=bytes(body))


class _AccountClient:
    """``HttpClient`` of one account."""

    def __init__(self, pool: HttpPool, platform: str, account_key: str, pace: Pace) -> None:
        self._pool = pool
        self._platform = platform
        self._account_key = account_key
        self._pace = pace

    async def send(self, request: Request) -> Response:
        return await self._pool.send(self._platform, self._account_key, self._pace, request)


@cache
def authorities() -> ssl.SSLContext:
    """Whom we believe: a list that comes with the program, also on a machine without one of its own."""
    return ssl.create_default_context(cafile=certifi.where())


def _check_target(request: Request) -> None:
    """The path and query that were signed must be the ones that go out: refuse what could not go out as it is."""
    if not _FINAL_URL.fullmatch(request.url):
        raise ValueError("the URL is not in its final, percent-encoded form")
    if request.client_certificate is not None and not request.url.startswith("https:"):
        raise ValueError("a client certificate is shown on an encrypted line only")


def _backoff_s(attempt: int) -> float:
    """Doubling from BACKOFF_FIRST_S up to BACKOFF_MAX_S, the upper half of it random."""
    whole_s = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * (1 << (attempt - 1)))
    return whole_s / 2 * (1 + secrets.randbelow(JITTER_STEPS) / JITTER_STEPS)
