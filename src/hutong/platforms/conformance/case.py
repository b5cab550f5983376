"""What a connector's author brings to the suite: the connector, credentials made at run time, and forged answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final, TypeAlias

import msgspec

from hutong.platforms.account import Account
from hutong.platforms.conformance.doubles import ScriptedHttp, StandingClock, account_of
from hutong.platforms.contract import Connector
from hutong.platforms.jump_links import Promotion
from hutong.transport.messages import Request, Response

OUT_TRADE_NO: Final = "CF20260101000001"
OUT_REFUND_NO: Final = "CFR20260101000001"
#: Beyond 2^53: whoever reads ids as floating numbers shows it here.
ORDER_ID: Final = "4392454506056436785"
OUT_SHARE_NO: Final = "CFS20260101000001"
OUT_RETURN_NO: Final = "CFB20260101000001"
TRANSACTION_ID: Final = "4200001234202601010123456789"
COMBINED_NO: Final = "CFC20260101000001"
NOTIFY_URL: Final = "https://shop.example/callbacks/x/1"

Answer: TypeAlias = Callable[[Request], Response | None]


class Forgery(msgspec.Struct, frozen=True, kw_only=True):
    """Answers as the platform would give them, signed where it signs. One per capability that the connector has.

    ``throttled`` says "too many calls" to any request, ``answered`` is a 200 with this body. ``trade`` and ``refund``
    answer a query for OUT_TRADE_NO and OUT_REFUND_NO, ``order`` one for ORDER_ID, each with the raw status it is given;
    ``charge`` answers the charge of a code, ``rescue`` an abnormal refund that is sent another way, ``share`` and
    ``take_back`` a query for OUT_SHARE_NO and the return OUT_RETURN_NO (raw status of the request and of its line).
    ``bill`` answers each request for a day's bill as its word says: ``ready`` (one payment OUT_TRADE_NO of 12.34 with a
    fee of 0.07), ``not_ready`` (asked an hour too early), ``empty``, ``cut`` (the file ends too soon), ``elsewhere``
    (the file is at another host).
    ``notice`` is a callback of this moment (headers in lower case, body). ``promoted`` answers ``make`` and a query for
    changed lines, with one line of ORDER_ID in the raw status it is given.
    """

    throttled: Answer
    answered: Callable[[bytes], Response]
    trade: Callable[[str], Response] | None = None
    refund: Callable[[str], Response] | None = None
    order: Callable[[str], Response] | None = None
    charge: Callable[[str], Response] | None = None
    rescue: Callable[[str], Response] | None = None
    share: Callable[[str], Response] | None = None
    take_back: Callable[[str], Response] | None = None
    bill: Callable[[str], Answer] | None = None
    notice: Callable[[], tuple[Mapping[str, str], bytes]] | None = None
    promoted: Callable[[str], Answer] | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One connector on the bench. ``credentials`` are complete, unlike each other, and made at run time.

    ``stranger`` holds another account's credentials of the same platform; its callbacks must not verify.
    ``forgery`` may be left out by a connector that talks to nobody (files only).
    """

    connector: Connector
    clock: StandingClock
    credentials: Mapping[str, str] = {}
    stranger: Mapping[str, str] = {}
    base_url: str = "https://platform.example"
    forgery: Forgery | None = None
    #: Secret fields that the platform wants to be sent as they are (a session, an app secret in a token exchange).
    sent_secrets: tuple[str, ...] = ()
    #: How old or early a callback is refused: a day is older than most platforms' tolerance.
    stale: timedelta = timedelta(days=1)
    #: What of a callback's body is signed, where the same can be written in several ways (percent-encoding).
    signed_part: Callable[[bytes], object] = bytes
    #: Calls whose bodies hold a randomised encryption (RSA-OAEP): two runs agree on everything but the body.
    sealed_calls: tuple[str, ...] = ()
    #: Payment codes of this wallet, made up, and ones that are surely not.
    own_codes: tuple[str, ...] = ()
    other_codes: tuple[str, ...] = ()
    #: An item that the platform of ``forgery`` promotes.
    promotion: Promotion | None = None

    def __repr__(self) -> str:
        return f"Case({self.connector.name})"

    def account(self, answer: Answer, credentials: Mapping[str, str] | None = None) -> tuple[Account, ScriptedHttp]:
        """An account of this case whose network is ``answer``."""
        chosen = self.credentials if credentials is None else credentials
        return account_of(self.connector.name, self.base_url, chosen, self.clock, answer)

    def secrets(self) -> list[str]:
        """The values that nobody may see."""
        return [self.credentials[field] for field in self.connector.secret_fields if self.credentials.get(field)]
