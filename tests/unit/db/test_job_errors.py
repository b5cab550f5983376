"""What is written down of a job's error can always be written."""

from __future__ import annotations

import pytest

from hutong.db.jobs import ERROR_TEXT_CHARS_MAX, told_of


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no luck"), "ValueError: no luck"),
        (ValueError("\0x"), r"ValueError: \0x"),
        (ValueError("half \ud83d of a pair"), r"ValueError: half \ud83d of a pair"),
        (KeyError("库存"), "KeyError: '库存'"),
    ],
    ids=["plain", "nul", "half a pair", "chinese"],
)
def test_an_error_is_told_in_characters_that_the_database_holds(error, told):
    assert told_of(error) == told


def test_a_long_error_is_cut():
    assert len(told_of(ValueError("\0" * ERROR_TEXT_CHARS_MAX))) == ERROR_TEXT_CHARS_MAX
