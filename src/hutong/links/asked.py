"""The parameters that a visitor opened a link with: rules may ask for them, so they go with him to our other pages."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, urlencode

from hutong.links.lock_tokens import PASS_NAME

#: Ours, not his: the click whose address was passed on, and the pass for a password, which nobody hands on.
OURS: Final = frozenset({"p", PASS_NAME})
#: What is read of a query, and what is carried on of it: an address has to stay one that every app can open.
READ_CHARS_MAX: Final = 2_000
CARRIED_CHARS_MAX: Final = 500


def read_query(query: str) -> list[tuple[str, str]]:
    """Names and values, in order."""
    return parse_qsl(query[:READ_CHARS_MAX], keep_blank_values=True)


def asked_with(query: str) -> str:
    """His own parameters, encoded anew: whole ones in their order, up to the first that does not fit any more."""
    carried = ""
    for name, value in read_query(query):
        if name in OURS:
            continue
        more = f"{carried}{'&' if carried else ''}{urlencode([(name, value)])}"
        if len(more) > CARRIED_CHARS_MAX:
            break
        carried = more
    return carried


def with_query(address: str, query: str) -> str:
    """An address of a link with his parameters behind it."""
    own = asked_with(query)
    return f"{address}{'&' if '?' in address else '?'}{own}" if own else address
