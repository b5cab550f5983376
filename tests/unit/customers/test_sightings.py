"""Sightings of one value merge into one person: widest times, last known name, masked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hutong.customers.events import EVENTS, CustomerSeen
from hutong.customers.identities import Sighting, _merge, purpose_of

AT = datetime(2026, 2, 1, 8, tzinfo=UTC)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(-500, 500), st.sampled_from(["", "张三", "Ann"])), min_size=1
    )
)
def test_merging_keeps_the_widest_times_and_never_a_name(seen):
    sightings = [Sighting(value=v, seen_at=AT + timedelta(hours=h), name=n) for v, h, n in seen]
    merged = _merge(sightings)
    assert set(merged) == {v for v, _, _ in seen}
    for value, person in merged.items():
        hours = [h for v, h, _ in seen if v == value]
        names = [n for v, _, n in seen if v == value and n]
        assert person.first_at == AT + timedelta(hours=min(hours))
        assert person.last_at == AT + timedelta(hours=max(hours))
        assert person.name_masked == (f"{names[-1][0]}**" if names else "")


def test_kinds_do_not_share_an_index():
    assert purpose_of("wechat_openid") != purpose_of("taobao_buyer")


def test_events_carry_no_personal_field():
    fields = {name for record in EVENTS for name in record.__struct_fields__}
    assert fields == {"customer_id", "identity_kind", "seen_at", "customers_count"}
    assert CustomerSeen.name == "customers.customer_seen"
