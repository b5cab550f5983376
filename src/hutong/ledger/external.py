"""What callers of the API may write: batches on accounts under ``external:``, and nothing else.

Such a batch balances by itself, so these accounts add up to zero among themselves and no figure of the hub moves: a
caller can forge neither a wallet's balance nor revenue, and reconciliation and doctor see what they saw. Its key, its
kind and what it is about are marked as well, so that it can neither take the key of a sale nor pass for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from hutong.ledger.accounts import EXTERNAL_ROOT, PATH_CHARS_MAX
from hutong.ledger.batches import Batch, Leg
from hutong.ledger.errors import AccountNotExternal, MalformedBatch

#: The kind of every batch of a caller's.
EXTERNAL: Final = "external"
#: Before a caller's own key, and before its own word for what a batch is about.
KEY_PREFIX: Final = "external:"
SUBJECT_PREFIX: Final = "external."
_SUBJECT: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


def refuse_unless_external(path: str) -> None:
    """Refuse an account that only the hub itself posts to.

    Raises:
        AccountNotExternal: it is not under ``external:``.
    """
    if path.partition(":")[0] != EXTERNAL_ROOT:
        raise AccountNotExternal(path=path[:PATH_CHARS_MAX])


def external_batch(*, key: str, subject_kind: str, subject_id: UUID, event_at: datetime, legs: Iterable[Leg]) -> Batch:
    """A caller's batch as it will stand in the books; verified by whoever posts it.

    Raises:
        AccountNotExternal: a leg is on an account of the hub's own.
        MalformedBatch: ``subject_kind`` is not a plain word.
    """
    legs = tuple(legs)
    for leg in legs:
        refuse_unless_external(leg.path)
    if not _SUBJECT.fullmatch(subject_kind):
        raise MalformedBatch(key=key, problem="subject_kind")
    return Batch(
        idempotency_key=f"{KEY_PREFIX}{key}",
        kind=EXTERNAL,
        subject_kind=f"{SUBJECT_PREFIX}{subject_kind}",
        subject_id=subject_id,
        event_at=event_at,
        legs=legs,
    )
