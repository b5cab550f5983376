"""One address for every method: build the signed request, send it, and trust only what Alipay signed.

Source: the documents' 自行实现签名 and 自行实现验签 pages; the envelope as in alipay-sdk-python 3.7.1411. The object is
taken from the body as it stands, byte for byte, for writing it anew would change what was signed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from hutong.connectors.alipay.downloads import MEMORY, read_downloaded
from hutong.connectors.alipay.downloads import METHOD as DOWNLOAD
from hutong.connectors.alipay.errors import DONE, GATEWAY_REFUSALS, Head, refusal
from hutong.connectors.alipay.merchant import NO_SERIAL, Merchant
from hutong.connectors.alipay.signing import CHARSET, SIGN_TYPE, signed, verify_answer
from hutong.connectors.alipay.values import wire_time
from hutong.core.errors import HutongError, InvalidSignature, PlatformUnknown
from hutong.platforms.account import Account
from hutong.transport.messages import Request, Response

PATH: Final = "/gateway.do"
HTTP_OK: Final = 200
_SERIAL: Final = re.compile(r"[0-9a-f]{32}")

RecordT = TypeVar("RecordT", bound=msgspec.Struct)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One method with its content. ``common`` are parameters beside the content; empty ones do not go out."""

    method: str
    content: Mapping[str, Any] = {}
    common: Mapping[str, str] = {}
    #: May the same request be sent again after no answer? Alipay knows it again by our number.
    repeatable: bool = True

    def parameters(self, merchant: Merchant, now: datetime) -> dict[str, str]:
        """All parameters, signed."""
        content = msgspec.json.encode(self.content).decode() if self.content else ""
        return signed(
            merchant,
            {
                "app_id": merchant.app_id,
                "method": self.method,
                "format": "JSON",
                "charset": CHARSET,
                "sign_type": SIGN_TYPE,
                "timestamp": wire_time(now),
                "version": "1.0",
                "app_cert_sn": merchant.app_cert_sn,
                "alipay_root_cert_sn": merchant.root_cert_sn,
                **self.common,
                "biz_content": content,
            },
        )


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A verified answer: its head, and the object as it stood in the body."""

    head: Head
    content: bytes

    @property
    def done(self) -> bool:
        """Whether it says 10000."""
        return self.head.code == DONE


def build(merchant: Merchant, call: Call, now: datetime) -> Request:
    """A complete request: the content in the body, everything else in the query."""
    parameters = call.parameters(merchant, now)
    body = {"biz_content": parameters.pop("biz_content")} if "biz_content" in parameters else {}
    return Request(
        method="POST",
        url=f"{merchant.base_url}{PATH}?{encoded(parameters)}",
        headers={"Accept": "application/json", "Content-Type": f"application/x-www-form-urlencoded;charset={CHARSET}"},
        body=encoded(body).encode(),
        repeatable=call.repeatable,
    )


def link(merchant: Merchant, call: Call, now: datetime) -> str:
    """The same as an address for the buyer's browser."""
    return f"{merchant.base_url}{PATH}?{order_text(merchant, call, now)}"


def order_text(merchant: Merchant, call: Call, now: datetime) -> str:
    """The same as the text that an app hands to the wallet's SDK."""
    return encoded(call.parameters(merchant, now))


def encoded(parameters: Mapping[str, str]) -> str:
    """Percent-encoded, a space as %20."""
    return urlencode(parameters, quote_via=quote, safe="")


async def send(account: Account, merchant: Merchant, call: Call) -> Answer:
    """The verified answer, whatever it says.

    Raises:
        PlatformUnknown: no answer, or one that Alipay did not surely give: it may have taken effect.
        PlatformRefused: the gateway refused to look at the request.
    """
    response = await account.http.send(build(merchant, call, account.clock.now()))
    serial = _named(response)
    if merchant.root_cert and serial and serial not in merchant.platform_keys:
        merchant = await _learn(account, merchant, serial)
    return read(merchant, call.method, response)


async def _learn(account: Account, merchant: Merchant, serial: str) -> Merchant:
    """The merchant with a certificate that an answer names, fetched where that is due; else as he was."""
    now, app = account.clock.now(), (merchant.base_url, merchant.app_id, merchant.root_cert_sn)
    if not MEMORY.may_ask(app, now):
        return merchant
    call = Call(method=DOWNLOAD, content={"alipay_cert_sn": serial})
    try:
        response = await account.http.send(build(merchant, call, now))
        envelope = msgspec.json.decode(response.body, type=dict[str, msgspec.Raw])
        content = bytes(envelope[DOWNLOAD.replace(".", "_") + "_response"])
        found = read_downloaded(content, serial, merchant.root_cert)
        learned = msgspec.structs.replace(merchant, platform_keys={**merchant.platform_keys, **found.keys(now)})
        read(learned, DOWNLOAD, response)
    except (msgspec.MsgspecError, RecursionError, KeyError, HutongError):
        return merchant  # the answer at hand stays unverified, which is UNKNOWN
    MEMORY.remember(app, found)
    return learned


def _named(response: Response) -> str:
    """The serial of the certificate that an answer says it is signed with; empty where it says nothing readable."""
    try:
        serial = _text(msgspec.json.decode(response.body, type=dict[str, msgspec.Raw]), "alipay_cert_sn")
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return ""
    return serial if _SERIAL.fullmatch(serial) else ""


def read(merchant: Merchant, method: str, response: Response) -> Answer:
    """Open an answer's envelope. Raises as :func:`send`."""
    if response.status != HTTP_OK:
        raise PlatformUnknown(platform=merchant.platform)
    try:
        envelope = msgspec.json.decode(response.body, type=dict[str, msgspec.Raw])
        content = bytes(envelope.get(method.replace(".", "_") + "_response") or envelope["error_response"])
        head = msgspec.json.decode(content, type=Head)
        if "error_response" in envelope and head.code == DONE:
            raise PlatformUnknown(platform=merchant.platform)
        signature, serial = (_text(envelope, name) for name in ("sign", "alipay_cert_sn"))
        if not signature and head.code in GATEWAY_REFUSALS:
            raise refusal(merchant.platform, head)
        verify_answer(merchant, content, signature, serial or NO_SERIAL)
    except (msgspec.MsgspecError, RecursionError, KeyError, ValueError, InvalidSignature) as error:
        raise PlatformUnknown(platform=merchant.platform) from error
    return Answer(head=head, content=content)


def decode(merchant: Merchant, answer: Answer, kind: type[RecordT]) -> RecordT:
    """The content of an answer that says done.

    Raises:
        PlatformRefused: it says no.
        PlatformUnknown: it says neither, or cannot be read.
    """
    if not answer.done:
        raise refusal(merchant.platform, answer.head)
    return record(merchant, answer, kind)


def record(merchant: Merchant, answer: Answer, kind: type[RecordT]) -> RecordT:
    """The content of an answer, whatever it says. Raises PlatformUnknown where it cannot be read."""
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise PlatformUnknown(platform=merchant.platform) from error


def _text(envelope: Mapping[str, msgspec.Raw], name: str) -> str:
    raw = envelope.get(name)
    return "" if raw is None else msgspec.json.decode(bytes(raw), type=str)
