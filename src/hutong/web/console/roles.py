"""Which pages whom: a clerk looks after orders and payments, the shop's money is not his to see."""

from __future__ import annotations

from typing import Final

from hutong.merchants.actors import STAFF
from hutong.merchants.staff import REFUND_ROLES, STAFF_ROLES, Role

#: Pages about what the shop earns and owes.
MONEY_PATHS: Final = ("/bills", "/books", "/costs", "/splits", "/statements")
#: Where orders and payments are told to, and the secrets of that; the merchant's hosts, and the switch of all links.
OUTSIDE_PATHS: Final = ("/webhooks", "/hosts")
#: Who works here, and as what.
STAFF_PATHS: Final = ("/settings/staff",)


def closed_paths(role: Role) -> tuple[str, ...]:
    """The pages that are not shown to a role, and not opened to it either."""
    money = () if role in REFUND_ROLES else (*MONEY_PATHS, *OUTSIDE_PATHS)
    return money if role in STAFF_ROLES else (*money, *STAFF_PATHS)


def may_visit(role: Role, path: str) -> bool:
    """Whether a role may open a page or send a form to it."""
    return not any(_is_in(path, closed) for closed in closed_paths(role))


def scope_of(path: str) -> str:
    """What is needed to open a page that is closed to some."""
    return STAFF if any(_is_in(path, one) for one in STAFF_PATHS) else "ledger:read"


def _is_in(path: str, closed: str) -> bool:
    return path == closed or path.startswith((f"{closed}/", f"{closed}."))
