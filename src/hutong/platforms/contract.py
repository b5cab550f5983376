"""What a connector is: a fact sheet plus only the capabilities it has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from hutong.platforms.account import Account
from hutong.platforms.bills import Bills
from hutong.platforms.codes import CodePayments
from hutong.platforms.combined import CombinedPayments
from hutong.platforms.credentials import Examined
from hutong.platforms.files import OrderFiles
from hutong.platforms.jump_links import JumpLinks
from hutong.platforms.pages import PageKit
from hutong.platforms.payments import Callbacks, Identity, Payments, PayMethod, RefundRescue
from hutong.platforms.sharing import ProfitSharing, ShareReceivers
from hutong.platforms.shops import Orders, Stock


class AmountFormat(StrEnum):
    """How the platform writes money on the wire."""

    FEN_INTEGER = "fen_integer"
    YUAN_TEXT = "yuan_text"
    NONE = "none"


class ErrorWord(StrEnum):
    """The words every platform's error codes are mapped to; each has one way to react."""

    BAD_SIGNATURE = "bad_signature"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 (a word, no secret)
    NOT_PERMITTED = "not_permitted"
    THROTTLED = "throttled"
    NOT_FOUND = "not_found"
    ALREADY_DONE = "already_done"
    INVALID_REQUEST = "invalid_request"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"


class Proof(StrEnum):
    """How far a capability has been proved; shown in console, docs and fact sheet."""

    SIMULATED = "simulated"
    JUDGED = "judged"
    FILE_TESTED = "file-tested"
    LIVE_TESTED = "live-tested"
    UNVERIFIED = "unverified"


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """At most ``calls`` in ``seconds`` for one account."""

    calls: int
    seconds: int


#: Every capability a connector may have, in the order in which they are shown.
CAPABILITIES: Final = (
    "payments",
    "codes",
    "combined",
    "refund_rescue",
    "share_receivers",
    "sharing",
    "callbacks",
    "bills",
    "identity",
    "page_kit",
    "jump_links",
    "orders",
    "stock",
    "order_files",
)


#: What each capability says to the platform. It is judged once an outside client agreed on all of it.
OPERATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "payments": ("create", "query", "close", "refund", "query_refund"),
    "codes": ("charge", "reverse"),
    "combined": ("create", "query", "close"),
    "refund_rescue": ("rescue",),
    "share_receivers": ("add", "remove"),
    "sharing": ("share", "query", "finish", "take_back"),
    "callbacks": ("verify",),
    "bills": ("fetch",),
    "identity": ("visitor_id", "mini_visitor_id"),
    "page_kit": ("token", "ticket"),
    "jump_links": ("make", "changed"),
    "orders": ("changed", "one", "ship"),
    "stock": ("find", "read", "write"),
    "order_files": ("read",),
}


class Connector(msgspec.Struct, frozen=True, kw_only=True):
    """The fact sheet of a platform. A capability it lacks is None and costs no line."""

    name: str
    title_zh: str
    title_en: str
    amount_format: AmountFormat
    base_url: str  # of the live platform
    rate_limit: RateLimit
    credential_fields: tuple[str, ...]
    #: The part of them that an account may do without: a product it has not opened, a mode it is not in.
    optional_fields: tuple[str, ...] = ()
    secret_fields: tuple[str, ...]  # the part of them that is masked everywhere, transcripts included
    #: The part of them that says whose account it is: another value is another account.
    account_fields: tuple[str, ...] = ()
    #: The part of them that may be entered later, and never changes from then on: open payments are told by it.
    settled_fields: tuple[str, ...] = ()
    #: Different forms of one credential: another form that is entered takes the place of the one before.
    either_fields: tuple[str, ...] = ()
    #: The part of them that only a sandbox has.
    sandbox_fields: tuple[str, ...] = ()
    #: Whether credentials can work, before they are kept. Pure.
    examine: Callable[[Mapping[str, str], datetime], Examined] | None = None
    #: The part of them that holds certificates without which the account stops: a person has to renew them in time.
    certificate_fields: tuple[str, ...] = ()
    #: Asks the platform harmlessly about an order that nobody has and checks the answer; else ``payments`` is asked.
    trial: Callable[[Account, str], Awaitable[None]] | None = None
    #: What the platform's answers are checked with: the first of them that is there.
    answer_fields: tuple[str, ...] = ()
    #: Further addresses of the live platform, beside ``base_url``.
    other_base_urls: tuple[str, ...] = ()
    error_words: Mapping[str, ErrorWord]
    proofs: Mapping[str, Proof]  # capability name -> proof
    #: ``capability.operation`` -> checks in which an outside client agreed, as ``client/check``: the judges' own names.
    judged_by: Mapping[str, tuple[str, ...]] = {}
    pay_methods: tuple[PayMethod, ...] = ()  # ways to open an order that `payments` knows
    #: The part of them that only signs something: the order begins when the buyer brings it to the wallet.
    signed_methods: tuple[PayMethod, ...] = ()
    identity_kind: str = ""  # what kind of id `identity` learns, e.g. wechat_openid
    #: Credentials whose equality means that two accounts know a visitor by the same id.
    identity_fields: tuple[str, ...] = ()
    #: The same in a mini-program, where that is an app of its own; an account without them takes no MINI payment.
    mini_identity_fields: tuple[str, ...] = ()
    home_containers: tuple[str, ...] = ()  # containers (see links) that are this wallet's own app
    #: Containers whose wall keeps this wallet from opening: it is not offered there.
    shut_containers: tuple[str, ...] = ()
    payments: Payments | None = None
    codes: CodePayments | None = None
    combined: CombinedPayments | None = None
    refund_rescue: RefundRescue | None = None
    share_receivers: ShareReceivers | None = None
    sharing: ProfitSharing | None = None
    callbacks: Callbacks | None = None
    bills: Bills | None = None
    identity: Identity | None = None
    page_kit: PageKit | None = None
    jump_links: JumpLinks | None = None
    orders: Orders | None = None
    stock: Stock | None = None
    order_files: OrderFiles | None = None

    def capabilities(self) -> tuple[str, ...]:
        """Names of the capabilities that are present."""
        return tuple(name for name in CAPABILITIES if getattr(self, name) is not None)

    def certificate_end(self, credentials: Mapping[str, str], now: datetime) -> tuple[str, datetime] | None:
        """Which of an account's certificates ends first, and when; what cannot be read is not told of here."""
        if self.examine is None or not any(credentials.get(name, "").strip() for name in self.certificate_fields):
            return None
        until = self.examine(credentials, now).valid_until
        ends = [(name, until[name]) for name in self.certificate_fields if name in until]
        return min(ends, key=lambda one: one[1], default=None)

    def judged_operations(self, capability: str) -> tuple[str, ...]:
        """The part of a capability's operations that an outside client agreed on."""
        return tuple(name for name in OPERATIONS[capability] if self.judged_by.get(f"{capability}.{name}"))

    def judges(self, capability: str) -> tuple[str, ...]:
        """The outside clients that agreed on something of a capability."""
        return tuple(
            sorted(
                {
                    check.partition("/")[0]
                    for name in self.judged_operations(capability)
                    for check in self.judged_by[f"{capability}.{name}"]
                }
            )
        )
