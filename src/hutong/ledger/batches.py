"""Batches as pure values: their shape, what makes two of them the same, and their link in the hash chain."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.money import Money
from hutong.crypto.digests import sha256
from hutong.ledger.accounts import kind_of
from hutong.ledger.errors import MalformedBatch, UnbalancedBatch
from hutong.ledger.states import Phase

LEGS_MIN: Final = 2
#: WeChat shares one order with at most 50 receivers; each takes two legs, and there is room for fees and coupons.
LEGS_MAX: Final = 200
KEY_CHARS_MAX: Final = 200
_JSON: Final = msgspec.json.Encoder()

#: The link before the first batch.
CHAIN_START: Final = bytes(32)


class Leg(msgspec.Struct, frozen=True):
    """One posting: debit positive, credit negative."""

    path: str
    amount: Money


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Legs that are posted together or not at all.

    ``idempotency_key`` makes the batch once for a merchant, e.g. ``sale:{order_id}``. ``subject_kind`` and
    ``subject_id`` say what it is about. ``event_at`` is when it happened outside.
    """

    idempotency_key: str
    kind: str
    subject_kind: str
    subject_id: UUID
    event_at: datetime
    legs: tuple[Leg, ...]

    def verify(self) -> None:
        """Refuse a batch that must not stand in the books.

        Raises:
            MalformedBatch: key, times, paths or number of legs are not right, or a leg is zero.
            UnbalancedBatch: the legs of a currency do not add up to zero.
        """
        problem = self._problem()
        if problem:
            raise MalformedBatch(key=self.idempotency_key[:KEY_CHARS_MAX], problem=problem)
        sums: dict[str, int] = {}
        for leg in self.legs:
            sums[leg.amount.currency] = sums.get(leg.amount.currency, 0) + leg.amount.amount_minor
        for currency, difference in sorted(sums.items()):
            if difference:
                raise UnbalancedBatch(key=self.idempotency_key, currency=currency, difference_minor=difference)

    def _problem(self) -> str | None:
        if not 0 < len(self.idempotency_key) <= KEY_CHARS_MAX or "\0" in self.idempotency_key:
            return "idempotency_key"
        if not self.kind or not self.subject_kind or "\0" in self.kind or "\0" in self.subject_kind:
            return "kind"
        if self.event_at.tzinfo is None:
            return "event_at"
        if not LEGS_MIN <= len(self.legs) <= LEGS_MAX:
            return f"{len(self.legs)} legs"
        for leg in self.legs:
            if kind_of(leg.path) is None:
                return leg.path[:KEY_CHARS_MAX]
            if leg.amount.amount_minor == 0:
                return f"{leg.path} = 0"
        return None

    def payload_hash(self, *form: str) -> bytes:
        """Digest of what is posted: kind, subject and legs; ``form`` as of :func:`payload_hash`.

        The time is left out: two reports of one fact (a callback and a query) may differ in it, and the first stays.
        The chain covers it.
        """
        legs = [(leg.path, leg.amount.amount_minor, leg.amount.currency) for leg in self.legs]
        return payload_hash(self.kind, self.subject_kind, self.subject_id, legs, *form)


def payload_hash(
    kind: str, subject_kind: str, subject_id: UUID, legs: Sequence[tuple[str, int, str]], *form: str
) -> bytes:
    """SHA-256 of a batch's content as canonical JSON; ``legs`` are (path, minor units, currency) in leg order.

    ``form`` is nothing for a plain batch, else its phase and the id of the reserve that it ends (see :func:`form_of`).
    """
    return sha256(_JSON.encode([kind, subject_kind, subject_id, legs, *form]))


def form_of(phase: str, resolves_id: UUID | None) -> tuple[str, ...]:
    """What a digest says of a batch's part in a reserve; nothing for a plain one."""
    if phase == Phase.POSTED:
        return ()
    return (phase,) if resolves_id is None else (phase, str(resolves_id))


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """What the hash of a batch covers besides the hash before it."""

    sequence: int
    batch_id: UUID
    idempotency_key: str
    payload_hash: bytes
    event_at: datetime
    recorded_at: datetime
    #: When a reserve ends by itself; None for everything else.
    expires_at: datetime | None = None

    def after(self, prev_hash: bytes) -> bytes:
        """The hash of this batch in the chain."""
        covered: list[str | int | UUID] = [
            prev_hash.hex(),
            self.sequence,
            self.batch_id,
            self.idempotency_key,
            self.payload_hash.hex(),
            moment_text(self.event_at),
            moment_text(self.recorded_at),
        ]
        if self.expires_at is not None:
            covered.append(moment_text(self.expires_at))
        return sha256(_JSON.encode(covered))


def moment_text(moment: datetime) -> str:
    """A time as it is hashed: UTC, to the microsecond."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")


class PostResult(msgspec.Struct, frozen=True):
    """``posted`` is False when the same batch was in the books before (or there was nothing to post)."""

    posted: bool
    batch_id: UUID | None = None
