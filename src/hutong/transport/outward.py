"""Sends to addresses that merchants chose: each name is resolved once, every address looked at, and one of those used.

No redirect is followed, no proxy asked, no connection kept; what is answered is cut. TLS and Host carry the name.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from functools import partial
from typing import Any, Final

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from hutong.transport.addresses import TargetRefused, may_go_to, read_target
from hutong.transport.client import authorities

CONNECT_TIMEOUT_S: Final = 5.0
#: One send from the look-up of the name to the end of what is read.
TOTAL_TIMEOUT_S: Final = 15.0
#: What is read of an answer; nobody needs more of it than a person can look at.
ANSWER_BYTES_MAX: Final = 2_048
LOCATION_CHARS_MAX: Final = 2_000
#: Threads that look names up, made as they are needed. A name whose servers are silent holds one, however many messages
#: go there, for as long as the system's resolver waits; it must not be one of those that the rest of the process uses.
LOOKUPS_AT_ONCE_MAX: Final = 64
#: Addresses of one name that are looked at; a name with more is refused.
ADDRESSES_MAX: Final = 32
MS_PER_S: Final = 1000


class Trouble(StrEnum):
    """Why there is no answer."""

    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"  # no connection, or the line broke
    NOT_RESOLVED = "not_resolved"  # no such name
    TLS = "tls"  # no certificate that we believe
    REFUSED = "refused"  # the address is not a public one


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one send. ``status`` 0: no answer, and ``trouble`` says why. ``answer`` is cut."""

    status: int = 0
    trouble: Trouble | None = None
    answer: str = ""
    location: str = ""  # where a redirect, which is not followed, would have led
    duration_ms: int = 0


class OutwardSender:
    """Posts to public addresses and reads there; one per process. ``trial``: this machine is allowed too, by http."""

    def __init__(self, *, trial: bool, total_timeout_s: float = TOTAL_TIMEOUT_S) -> None:
        self.trial = trial
        self._total_timeout_s = total_timeout_s
        self._resolver = _PublicResolver(trial=trial)
        self._session: aiohttp.ClientSession | None = None  # made in the loop that sends

    async def close(self) -> None:
        """Close all connections."""
        await self._resolver.close()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Told:
        """Post once. Never raises for what the other side, the network or the address does."""
        return await self._told("POST", url, headers, body)

    async def fetch(self, url: str, headers: Mapping[str, str]) -> Told:
        """Read the beginning of what stands there, once. Never raises, as :meth:`post`."""
        return await self._told("GET", url, headers, None)

    async def _told(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Told:
        began_s = time.monotonic()
        try:
            target = read_target(url, trial=self.trial)
            async with asyncio.timeout(self._total_timeout_s):
                told = await self._send(method, target.url, headers, body, tls=target.tls)
        except (TargetRefused, _NotPublic):
            told = Told(trouble=Trouble.REFUSED)
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError):
            told = Told(trouble=Trouble.TLS)
        except aiohttp.ClientConnectorDNSError:
            told = Told(trouble=Trouble.NOT_RESOLVED)
        except TimeoutError:
            told = Told(trouble=Trouble.TIMEOUT)
        except (aiohttp.ClientError, OSError, ValueError):
            told = Told(trouble=Trouble.UNREACHABLE)
        return msgspec.structs.replace(told, duration_ms=int((time.monotonic() - began_s) * MS_PER_S))

    async def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, tls: bool) -> Told:
        async with self._open().request(
            method,
            URL(url, encoded=True),
            headers=headers,
            data=body,
            allow_redirects=False,
            ssl=authorities() if tls else True,
        ) as incoming:
            location = incoming.headers.get("location", "")[:LOCATION_CHARS_MAX]
            return Told(status=incoming.status, answer=await _first_words(incoming), location=location)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=self._resolver,
                    use_dns_cache=False,  # what is looked at is what is used, each time
                    force_close=True,
                    # Whoever sends bounds how many are under way. To wait here for one of them to end would count as
                    # the time in which this receiver is to be reached.
                    limit=0,
                ),
                timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S),
                headers={"user-agent": "hutong-webhooks", "accept": "*/*", "accept-encoding": "identity"},
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
            # How often something leaves is decided by the schedule of whoever sends, see `transport/client.py`.
            self._session._retry_connection = False  # noqa: SLF001
        return self._session


class _NotPublic(Exception):
    """A name leads to an address that nothing is sent to. No error of aiohttp: it must not be taken for one."""


class _PublicResolver(AbstractResolver):
    """Resolves a name once; the lot is refused where one of its addresses is not public.

    Nothing is kept, but sends to one name that come at the same time share one look-up.
    """

    def __init__(self, *, trial: bool) -> None:
        self._trial = trial
        self._threads = ThreadPoolExecutor(LOOKUPS_AT_ONCE_MAX, thread_name_prefix="outward-names")
        self._asked: dict[tuple[str, int, int], asyncio.Future[Any]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name.

        Raises:
            _NotPublic: one of them must not be reached. OSError: there are none.
        """
        key = (host, port, family)
        asked = self._asked.get(key)
        if asked is None:
            look_up = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
            asked = self._asked[key] = asyncio.get_running_loop().run_in_executor(self._threads, look_up)
            asked.add_done_callback(partial(_answered, self._asked, key))
        found = await asyncio.shield(asked)  # whoever waits no longer leaves it to the others
        addresses = {str(entry[4][0]): entry[0] for entry in found}
        if not addresses or len(addresses) > ADDRESSES_MAX:
            raise OSError(f"{len(addresses)} addresses")
        if not all(_allowed(text, trial=self._trial) for text in addresses):
            raise _NotPublic
        return [
            ResolveResult(hostname=host, host=text, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for text, kind in addresses.items()
        ]

    async def close(self) -> None:
        """End the threads; one that waits for a silent server ends when that is over."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _answered(
    asked: dict[tuple[str, int, int], asyncio.Future[Any]], key: tuple[str, int, int], done: asyncio.Future[Any]
) -> None:
    del asked[key]
    if not done.cancelled():
        done.exception()  # seen, also where nobody waits for it any more


def _allowed(text: str, *, trial: bool) -> bool:
    try:
        return may_go_to(ipaddress.ip_address(text), trial=trial)
    except ValueError:  # with a zone: a link of this machine
        return False


async def _first_words(incoming: aiohttp.ClientResponse) -> str:
    """The beginning of an answer as text; the rest is not read."""
    words = bytearray()
    async for chunk in incoming.content.iter_any():
        words += chunk
        if len(words) >= ANSWER_BYTES_MAX:
            incoming.close()
            break
    # NUL is no text to PostgreSQL.
    return bytes(words[:ANSWER_BYTES_MAX]).decode(errors="replace").replace("\x00", "�")
