"""The token bucket against a plain simulation of what it promises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.transport.pacing import ACCOUNTS_PACED_MAX, Bucket, Buckets, Pace


def test_a_full_bucket_lets_a_burst_through_and_then_spreads_calls():
    bucket = Bucket(Pace(calls=3, seconds=6))
    waits = [bucket.reserve(100.0, 60.0) for _ in range(5)]
    assert waits == [0.0, 0.0, 0.0, 2.0, 4.0]


def test_a_wait_beyond_the_bound_reserves_nothing():
    bucket = Bucket(Pace(calls=1, seconds=10))
    assert bucket.reserve(0.0, 5.0) == 0.0
    assert bucket.reserve(0.0, 5.0) is None
    assert bucket.reserve(5.0, 5.0) == 5.0


@given(
    calls=st.integers(1, 20),
    seconds=st.integers(1, 20),
    gaps_ms=st.lists(st.integers(0, 3000), min_size=1, max_size=80),
)
def test_no_window_ever_holds_more_than_twice_the_burst(calls, seconds, gaps_ms):
    bucket = Bucket(Pace(calls=calls, seconds=seconds))
    now_s, sent_s = 0.0, []
    for gap_ms in gaps_ms:
        now_s += gap_ms / 1000
        wait_s = bucket.reserve(now_s, 1e9)
        assert wait_s is not None
        sent_s.append(now_s + wait_s)
    assert sent_s == sorted(sent_s), "callers are served in order"
    for start_s in sent_s:
        held = sum(1 for moment_s in sent_s if start_s <= moment_s < start_s + seconds - 1e-6)
        assert held <= 2 * calls, "a full bucket and one refill, never more"


@given(
    calls=st.integers(1, 20),
    seconds=st.integers(1, 20),
    gaps_ms=st.lists(st.integers(0, 3000), min_size=1, max_size=80),
)
def test_the_wait_that_is_told_is_the_wait_of_the_next_call(calls, seconds, gaps_ms):
    bucket, now_s = Bucket(Pace(calls=calls, seconds=seconds)), 0.0
    for gap_ms in gaps_ms:
        now_s += gap_ms / 1000
        told = bucket.wait_s(now_s)
        assert bucket.wait_s(now_s) == told, "asking reserves nothing"
        assert bucket.reserve(now_s, 10_000) == told


def test_a_pace_that_would_never_end_is_refused():
    with pytest.raises(ValueError, match="pace"):
        Pace(calls=0, seconds=1)


def test_accounts_do_not_share_a_bucket_and_their_number_is_bounded():
    buckets, pace = Buckets(), Pace(calls=1, seconds=1)
    assert buckets.of("p", "a", pace) is buckets.of("p", "a", pace)
    assert buckets.of("p", "a", pace) is not buckets.of("p", "b", pace)
    assert buckets.of("p", "a", pace) is not buckets.of("q", "a", pace)
    for number in range(ACCOUNTS_PACED_MAX + 10):
        buckets.of("p", str(number), pace)
    assert len(buckets._by_account) == ACCOUNTS_PACED_MAX


def test_an_account_that_was_granted_another_pace_keeps_to_it():
    buckets = Buckets()
    careful, granted = Pace(calls=1, seconds=1), Pace(calls=50, seconds=1)
    bucket = buckets.of("wechatpay", "a", careful)
    assert bucket.reserve(0.0, 0.0) == 0.0
    assert bucket.reserve(0.0, 0.0) is None
    assert buckets.of("wechatpay", "a", careful) is bucket
    faster = buckets.of("wechatpay", "a", granted)
    served = [faster.reserve(0.0, 0.0) for _ in range(60)]
    assert 49 <= served.count(0.0) <= 50
