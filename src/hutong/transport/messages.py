"""Requests and responses as plain values, so that connectors stay pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from hutong.transport.client_certificates import ClientCertificate


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request, complete: the bytes that were signed are the bytes that go out."""

    method: str
    url: str
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    body: bytes = b""
    #: May the same bytes be sent again after an unclear outcome? (queries, writes with a platform-side key)
    repeatable: bool = False
    #: What the account shows on the line, where the platform asks for it (https only).
    client_certificate: ClientCertificate | None = None


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP response; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient(Protocol):
    """Sends requests for one platform account."""

    async def send(self, request: Request) -> Response:
        """The response, whatever its status.

        Raises:
            PlatformUnknown: timeout or broken line after the request may have left; the outcome is unknown.
            PlatformFailure: the request surely did not leave (no connection).
        """
        ...
