from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from hutong.core.ids import new_id
from hutong.links.tokens import click_token, read_click_token

KEY = b"k" * 32
CLICK = new_id(datetime(2026, 1, 5, tzinfo=UTC))


def test_a_token_tells_its_click_to_its_link_and_key_only():
    token = click_token(KEY, CLICK, "abc")
    assert read_click_token(KEY, token, "abc") == CLICK
    assert read_click_token(KEY, token, "abd") is None
    assert read_click_token(b"x" * 32, token, "abc") is None


@given(st.text(max_size=80))
def test_other_texts_are_no_tokens_and_break_nothing(text):
    assert read_click_token(KEY, text, "abc") is None
