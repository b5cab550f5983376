"""Accounts of a simulated platform: one for each merchant, and a limit on them."""

from __future__ import annotations

import pytest

from hutong.core.errors import InvalidInput
from hutong_sandbox.roster import Roster


def test_an_account_is_made_once_and_found_again():
    roster = Roster(lambda merchant: [merchant], 2)
    mine = roster.of("tea")
    assert roster.of("tea") is mine
    assert roster.find(lambda one: one == ["tea"]) is mine
    assert roster.find(lambda one: one == ["cups"]) is None
    assert roster.all() == [["tea"]]


def test_more_merchants_than_the_limit_are_refused_and_known_ones_are_not():
    roster = Roster(str.upper, 2)
    known = [roster.of("tea"), roster.of("cups")]
    with pytest.raises(InvalidInput):
        roster.of("silk")
    assert [roster.of("tea"), roster.of("cups")] == known == roster.all()
