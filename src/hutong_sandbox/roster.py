"""Who is known to a platform: one account for each merchant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from hutong.core.errors import InvalidInput

AccountT = TypeVar("AccountT")


class Roster(Generic[AccountT]):
    """Accounts by merchant, each made at first sight; ``most`` of them."""

    def __init__(self, make: Callable[[str], AccountT], most: int) -> None:
        self._make = make
        self._most = most
        self._by_merchant: dict[str, AccountT] = {}

    def all(self) -> list[AccountT]:
        """In order of creation."""
        return list(self._by_merchant.values())

    def of(self, merchant: str) -> AccountT:
        """The merchant's account."""
        if merchant not in self._by_merchant:
            if len(self._by_merchant) >= self._most:
                raise InvalidInput(field="merchant", problem=f"> {self._most}")
            self._by_merchant[merchant] = self._make(merchant)
        return self._by_merchant[merchant]

    def find(self, is_wanted: Callable[[AccountT], bool]) -> AccountT | None:
        """The first account of which this holds."""
        return next(filter(is_wanted, self._by_merchant.values()), None)
