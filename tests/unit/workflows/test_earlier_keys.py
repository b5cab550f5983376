"""What the keys before a change have signed is believed for a while, also by a hub that has just started."""

from __future__ import annotations

import asyncio

import pytest

from hutong.core.errors import InvalidSignature
from hutong.workflows.commands.take_notice import _verified
from hutong.workflows.runtime import OpenedAccount


class DownloadingCallbacks:
    """Knows the keys of an account only after it has fetched them."""

    def __init__(self):
        self.fetched = []

    async def prepare(self, account, _headers):
        self.fetched.append(account)

    def verify(self, account, _headers, body):
        if account not in self.fetched or body != f"signed for {account}":
            raise InvalidSignature
        return f"notice of {account}"


def verified(body, earlier="earlier"):
    callbacks = DownloadingCallbacks()
    opened = OpenedAccount(connection=None, connector=None, account="present", earlier=earlier)
    return asyncio.run(_verified(opened, callbacks, {}, body)), callbacks.fetched


def test_the_earlier_keys_are_fetched_where_the_present_ones_do_not_fit():
    assert verified("signed for earlier") == ("notice of earlier", ["present", "earlier"])
    assert verified("signed for present") == ("notice of present", ["present"])


def test_what_neither_has_signed_is_refused():
    for earlier in ("earlier", None):
        with pytest.raises(InvalidSignature):
            verified("signed for somebody", earlier)
