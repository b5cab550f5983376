"""Recorded exchanges, with everything secret or personal blanked, so that they are safe to log and to commit.

Three nets, each enough for most of it: names (headers, query and form fields, JSON keys at any depth, JSON inside a
field), values (every secret of the account, however it was written), and shapes (PEM blocks, bearer schemes).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

import msgspec

from hutong.core.errors import PlatformUnknown
from hutong.transport.messages import HttpClient, Request, Response

BLANK: Final = "[scrubbed]"
#: Exchanges one transcript keeps; the oldest go first.
EXCHANGES_MAX: Final = 1_000
#: Text of one body that is kept.
BODY_CHARS_MAX: Final = 64 * 1024
#: A secret shorter than this is only found by name: as a value it would blank half of every text.
SECRET_CHARS_MIN: Final = 6
JSON_DEPTH_MAX: Final = 32

_SECRET_NAMES: Final = frozenset(
    (
        "authorization", "cookie", "set-cookie", "proxy-authorization", "sign", "signature", "paysign", "session",
        "secret", "token", "password", "apikey", "api_key", "private_key", "api_v3_key", "encrypt_key",
    )
)  # fmt: skip
#: Secret in a query or form (a one-time login code), but an error's number in a JSON answer.
_SECRET_FIELDS: Final = frozenset({"code"})
_SECRET_ENDINGS: Final = ("_token", "_secret", "-token", "_password", "_sign", "-signature", "private_key", "_session")
_PERSONAL_NAMES: Final = frozenset(
    (
        "name", "phone", "mobile", "tel", "telephone", "address", "nick", "openid", "unionid", "email", "id_card",
        "payer_client_ip", "user_received_account", "bank_account", "buyer_open_uid", "oaid",
    )
)  # fmt: skip
_PERSONAL_ENDINGS: Final = (
    "receiver_name", "receiver_address", "_phone", "_mobile", "_tel", "_nick", "_openid", "_email", "real_name",
    "receiver_town", "buyer_name", "user_name", "receiver_district",
)  # fmt: skip
_ENDINGS: Final = _SECRET_ENDINGS + _PERSONAL_ENDINGS
_PEM: Final = re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL)
_SCHEME: Final = re.compile(r"\b(?:Bearer|WECHATPAY2-[A-Z0-9-]+|DouyinPay-[A-Z0-9]+)\s+[^\r\n]+")

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request with its answer, scrubbed. ``status`` is None where no answer came."""

    method: str
    url: str
    request_headers: dict[str, str]
    request_body: str
    status: int | None = None
    response_headers: dict[str, str] = msgspec.field(default_factory=dict)
    response_body: str = ""


class Scrubber:
    """Blanks the secrets of one account, and whatever is secret or personal by its name.

    ``secret_values`` are the account's secrets themselves; ``extra_names`` are field names that are secret on this
    platform beyond the common ones.
    """

    def __init__(self, secret_values: Iterable[str] = (), extra_names: Iterable[str] = ()) -> None:
        self._names = _SECRET_NAMES | _PERSONAL_NAMES | {name.lower() for name in extra_names}
        written = {form for value in secret_values for form in written_forms(value)}
        ordered = sorted(written, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, ordered)), re.IGNORECASE) if ordered else None

    def exchange(self, request: Request, response: Response | None) -> Exchange:
        """The scrubbed record of one exchange."""
        return Exchange(
            method=request.method,
            url=self.url(request.url),
            request_headers=self.headers(request.headers),
            request_body=self.body(request.body),
            status=None if response is None else response.status,
            response_headers={} if response is None else self.headers(response.headers),
            response_body="" if response is None else self.body(response.body),
        )

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Header names stay, secret values go."""
        return {name: BLANK if self._secret_name(name) else self.text(value) for name, value in headers.items()}

    def url(self, url: str) -> str:
        """Query values go by name, and any secret value wherever it stands."""
        parts = urlsplit(url)
        query = urlencode(self._fields(parse_qsl(parts.query, keep_blank_values=True)), safe="[]")
        return self.text(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, parts.fragment)))

    def body(self, body: bytes) -> str:
        """JSON and forms keep their shape; other text is searched; bytes that are no text are only counted."""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return f"[{len(body)} bytes]"
        if len(text) > BODY_CHARS_MAX:
            return f"[{len(text)} characters]"
        parsed = _parse_json(text)
        if isinstance(parsed, dict | list):
            return self.text(msgspec.json.encode(self._json(parsed, 0)).decode())
        fields = parse_qsl(text, keep_blank_values=True) if _looks_like_form(text) else []
        return self.text(urlencode(self._fields(fields), safe="[]") if fields else text)

    def text(self, text: str) -> str:
        """Secret values, PEM blocks and authorisation schemes inside any text."""
        shaped = _SCHEME.sub(BLANK, _PEM.sub(BLANK, text))
        return self._values.sub(BLANK, shaped) if self._values else shaped

    def _fields(self, fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [
            (name, BLANK if name.lower() in _SECRET_FIELDS or self._secret_name(name) else self._value(value, 0))
            for name, value in fields
        ]

    def _value(self, value: str, depth: int) -> str:
        parsed = _parse_json(value)
        if isinstance(parsed, dict | list):
            return msgspec.json.encode(self._json(parsed, depth + 1)).decode()
        return self.text(value)

    def _json(self, value: Json, depth: int) -> Json:
        if depth > JSON_DEPTH_MAX:
            return BLANK
        if isinstance(value, dict):
            return {
                self.text(key): _blanked(item, depth) if self._secret_name(key) else self._json(item, depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self._json(item, depth + 1) for item in value]
        return self._value(value, depth) if isinstance(value, str) else value

    def _secret_name(self, name: str) -> bool:
        lowered = name.lower()
        return lowered in self._names or lowered.endswith(_ENDINGS)


class Transcript:
    """The last exchanges of one account, scrubbed as they come in: nothing unscrubbed is ever kept."""

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber
        self._exchanges: list[Exchange] = []

    def record(self, request: Request, response: Response | None) -> None:
        """Keep one exchange."""
        self._exchanges.append(self._scrubber.exchange(request, response))
        del self._exchanges[:-EXCHANGES_MAX]

    def exchanges(self) -> list[Exchange]:
        """What was recorded, oldest first."""
        return list(self._exchanges)

    def json_lines(self) -> bytes:
        """One JSON object a line, for a fixture file."""
        return b"".join(msgspec.json.encode(exchange) + b"\n" for exchange in self._exchanges)


class RecordingClient:
    """An ``HttpClient`` that writes every exchange into a transcript."""

    def __init__(self, inner: HttpClient, transcript: Transcript) -> None:
        self._inner = inner
        self._transcript = transcript

    async def send(self, request: Request) -> Response:
        """Send and record; a send without an answer is recorded too."""
        try:
            response = await self._inner.send(request)
        except PlatformUnknown:
            self._transcript.record(request, None)
            raise
        self._transcript.record(request, response)
        return response


def written_forms(value: str) -> set[str]:
    """The ways a secret may stand in a text: as it is, percent-encoded, JSON-escaped, Base64."""
    if len(value) < SECRET_CHARS_MIN:
        return set()
    escaped = {json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    return escaped | {value, quote(value, safe=""), quote_plus(value), base64.b64encode(value.encode()).decode()}


def _parse_json(text: str) -> Json:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        parsed: Json = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return parsed


def _looks_like_form(text: str) -> bool:
    return "=" in text and not text.lstrip().startswith("<") and "\n" not in text.strip()


def _blanked(value: Json, depth: int) -> Json:
    """The shape stays, every leaf goes."""
    if depth < JSON_DEPTH_MAX and isinstance(value, dict):
        return {key: _blanked(item, depth + 1) for key, item in value.items()}
    if depth < JSON_DEPTH_MAX and isinstance(value, list):
        return [_blanked(item, depth + 1) for item in value]
    return BLANK
