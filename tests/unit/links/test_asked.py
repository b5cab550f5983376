"""The parameters of a link as they go on with its visitor."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.links.asked import CARRIED_CHARS_MAX, OURS, READ_CHARS_MAX, asked_with, read_query, with_query


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("", ""),
        ("city=sh&p=" + "0" * 48, "city=sh"),
        ("u=" + "0" * 40 + "&city=sh", "city=sh"),
        ("a=%26b%3D1&c", "a=%26b%3D1&c="),
        ("to=https://evil.example/", "to=https%3A%2F%2Fevil.example%2F"),
        ("x=" + "y" * CARRIED_CHARS_MAX, ""),
        ("\u00ff=\u00fe", "%C3%BF=%C3%BE"),
    ],
)
def test_what_is_carried(query, kept):
    assert asked_with(query) == kept
    assert asked_with(kept) == kept
    assert with_query("/l/a", query) == (f"/l/a?{kept}" if kept else "/l/a")


def test_of_very_many_parameters_all_are_read_that_stand_in_what_is_read():
    pairs = read_query("&".join(f"n{number}=1" for number in range(80)))
    assert pairs == [(f"n{number}", "1") for number in range(80)]
    assert len(read_query("&".join(f"n{number}=1" for number in range(10_000)))) <= READ_CHARS_MAX


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
pairs = st.lists(st.tuples(names, st.text(st.characters(exclude_categories=["Cs"]), max_size=60)), max_size=12)


def test_what_does_not_fit_leaves_what_stood_before_it():
    assert asked_with(f"from=poster&x={'y' * 600}&z=1") == "from=poster"
    assert asked_with(f"a={'b' * 498}") == f"a={'b' * 498}"
    assert asked_with(f"a={'b' * 499}") == ""
    assert asked_with(f"p={'a' * 48}&from=poster&u=x") == "from=poster", "ours are not his"
    assert with_query("/l/abc", "from=poster") == "/l/abc?from=poster"


@given(pairs)
def test_whole_ones_in_their_order(given_pairs):
    carried = asked_with(urlencode(given_pairs)[:1_900])
    assert len(carried) <= CARRIED_CHARS_MAX
    kept = parse_qsl(carried, keep_blank_values=True)
    own = [pair for pair in parse_qsl(urlencode(given_pairs)[:1_900], keep_blank_values=True) if pair[0] not in OURS]
    assert kept == own[: len(kept)]
    if len(kept) < len(own):
        assert len(urlencode(own[: len(kept) + 1])) > CARRIED_CHARS_MAX, "the next one would have fitted"
