"""Accounts that must not leave their side: a wallet is never below zero, a debt never turns into a claim."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

import msgspec


class Guard(StrEnum):
    """The side an account must not leave."""

    DEBIT = "debit"
    CREDIT = "credit"


class GuardedAccount(msgspec.Struct):
    """A guarded account as the transaction found it, and as it becomes batch by batch. Debit positive, minor units.

    What is reserved counts as if the worst part of it were posted.
    """

    path: str
    currency: str
    guard: Guard
    balance_minor: int
    pending_debit_minor: int
    pending_credit_minor: int

    def headroom_minor(self) -> int:
        """What may still be taken off the account's side: never below zero while the guard holds."""
        if self.guard is Guard.DEBIT:
            return self.balance_minor + self.pending_credit_minor
        return -self.balance_minor - self.pending_debit_minor


class Move(msgspec.Struct):
    """What one batch does to one account: postings, or reserves on both sides."""

    posted_minor: int = 0
    held_debit_minor: int = 0
    held_credit_minor: int = 0

    def add(self, amount_minor: int, *, held: bool) -> None:
        """Count one leg."""
        if not held:
            self.posted_minor += amount_minor
        elif amount_minor > 0:
            self.held_debit_minor += amount_minor
        else:
            self.held_credit_minor += amount_minor


def overdrawn(guarded: dict[UUID, GuardedAccount], moves: Iterable[tuple[UUID, Move]]) -> GuardedAccount | None:
    """The first guarded account that the moves would drive off its side; None after they were counted in.

    Either all moves of a batch count or none does.
    """
    before: list[tuple[GuardedAccount, Move]] = []
    for account_id, move in moves:
        account = guarded.get(account_id)
        if account is None:
            continue
        before.append((account, move))
        _count(account, move, 1)
    for account, _ in before:
        if account.headroom_minor() < 0:
            for other, move in before:
                _count(other, move, -1)
            return account
    return None


def _count(account: GuardedAccount, move: Move, sign: int) -> None:
    account.balance_minor += sign * move.posted_minor
    account.pending_debit_minor += sign * move.held_debit_minor
    account.pending_credit_minor += sign * move.held_credit_minor
