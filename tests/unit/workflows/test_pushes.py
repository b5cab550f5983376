"""A rush of sales becomes one push a second for each SKU; none of its figures is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from hutong.workflows.pushes import PUSH_GAP, Pushes

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
CUP, POT = UUID(int=1), UUID(int=2)


def test_the_first_goes_at_once_and_others_are_not_kept_waiting_by_it():
    pushes = Pushes()
    assert pushes.wait(CUP, NOON) == timedelta(0)
    assert pushes.wait(POT, NOON) == timedelta(0)
    assert pushes.wait(CUP, NOON + PUSH_GAP) == timedelta(0)


def test_a_clock_that_goes_back_does_not_silence_a_sku():
    pushes = Pushes()
    pushes.wait(CUP, NOON)
    assert pushes.wait(CUP, NOON - timedelta(days=1)) == timedelta(0)


@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=60))
def test_pushes_keep_their_distance_and_each_change_is_told_in_time(gaps_ms):
    pushes, now, due = Pushes(), NOON, set()
    for gap_ms in gaps_ms:
        now += timedelta(milliseconds=gap_ms)
        at = now + pushes.wait(CUP, now)
        assert now <= at <= now + PUSH_GAP
        due.add(at)
    ordered = sorted(due)
    assert all(later - earlier >= PUSH_GAP for earlier, later in pairwise(ordered))
