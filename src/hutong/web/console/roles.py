"""Which pages whom: a clerk looks after orders and payments, the shop's money is not his to see."""

from __future__ import annotations

from typing import Final

from hutong.merchants.staff import REFUND_ROLES, Role

#: Pages about what the shop earns and owes.
MONEY_PATHS: Final = ("/bills", "/books", "/costs", "/splits", "/statements")
#: Where orders and payments are told to, and the secrets of that.
OUTSIDE_PATHS: Final = ("/webhooks",)


def closed_paths(role: Role) -> tuple[str, ...]:
    """The pages that are not shown to a role, and not opened to it either."""
    return () if role in REFUND_ROLES else (*MONEY_PATHS, *OUTSIDE_PATHS)


def may_visit(role: Role, path: str) -> bool:
    """Whether a role may open a page or send a form to it."""
    return not any(path == closed or path.startswith((f"{closed}/", f"{closed}.")) for closed in closed_paths(role))
