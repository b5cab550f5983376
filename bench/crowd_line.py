"""The line that many buyers share. httpx looks through all its connections for each request, aiohttp does not."""

from __future__ import annotations

import json as jsonlib
from typing import Any

import aiohttp
from yarl import URL

#: Each buyer has a connection of his own, as phones have.
CONNECTIONS_MAX = 0  # aiohttp's word for "no limit": the proof limits its buyers


class LostAnswer(Exception):
    """Nothing was heard: the hub is dead, or its answer went with it."""


class Answer:
    """What came back, read to its end."""

    def __init__(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.status_code = status
        self.headers = headers
        self.content = content

    @property
    def is_success(self) -> bool:
        return 200 <= self.status_code < 300

    @property
    def has_redirect_location(self) -> bool:
        return 300 <= self.status_code < 400 and "location" in self.headers

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:  # noqa: ANN401
        return jsonlib.loads(self.content)

    def raise_for_status(self) -> Answer:
        if not self.is_success:
            raise AssertionError(f"{self.status_code} {self.text[:500]}")
        return self


class Line:
    """Requests to one address; no cookies, no redirects followed, no proxy."""

    def __init__(self, base_url: str, timeout_s: float, headers: dict[str, str] | None = None) -> None:
        self._base_url = base_url
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
        )

    async def get(self, url: str, **more: Any) -> Answer:  # noqa: ANN401
        return await self._request("GET", url, **more)

    async def post(self, url: str, **more: Any) -> Answer:  # noqa: ANN401
        return await self._request("POST", url, **more)

    async def put(self, url: str, **more: Any) -> Answer:  # noqa: ANN401
        return await self._request("PUT", url, **more)

    async def _request(self, method: str, url: str, *, timeout: float | None = None, **more: Any) -> Answer:  # noqa: ANN401, ASYNC109
        """Raises LostAnswer."""
        whole = url if url.startswith("http") else f"{self._base_url}{url}"
        if timeout is not None:
            more["timeout"] = aiohttp.ClientTimeout(total=timeout)
        try:
            async with self._session.request(method, URL(whole, encoded=True), allow_redirects=False, **more) as answer:
                content = await answer.read()
                return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, content)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise LostAnswer(type(error).__name__) from error

    async def aclose(self) -> None:
        await self._session.close()
