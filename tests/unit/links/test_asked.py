"""The parameters of a link as they go on with its visitor."""

from __future__ import annotations

import pytest

from hutong.links.asked import CARRIED_CHARS_MAX, READ_CHARS_MAX, asked_with, read_query, with_query


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
