"""A pass holds for one link, one password and a while; tokens behind a click hold for the password that led to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from hutong.links.lock_tokens import COOKIE_LIFE, PASS_CHARS, is_pass, pass_token, sealed
from hutong.links.tokens import click_token, read_click_token

KEY, CODE, LOCK = b"k" * 32, "abcdefg", UUID(int=7)
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
TOKEN = pass_token(KEY, CODE, LOCK, NOW + COOKIE_LIFE)


def test_a_pass_holds_until_its_last_second():
    assert len(TOKEN) == PASS_CHARS
    assert is_pass(KEY, CODE, LOCK, TOKEN, NOW)
    assert is_pass(KEY, CODE, LOCK, TOKEN, NOW + COOKIE_LIFE)
    assert not is_pass(KEY, CODE, LOCK, TOKEN, NOW + COOKIE_LIFE + timedelta(seconds=1))


def test_a_pass_is_for_one_link_one_password_and_one_hub():
    assert not is_pass(KEY, "abcdefh", LOCK, TOKEN, NOW)
    assert not is_pass(KEY, CODE, UUID(int=8), TOKEN, NOW)
    assert not is_pass(b"j" * 32, CODE, LOCK, TOKEN, NOW)


@given(place=st.integers(0, PASS_CHARS - 1), sign=st.sampled_from("0123456789abcdefF é"))
def test_no_changed_sign_goes_unnoticed(place, sign):
    changed = TOKEN[:place] + sign + TOKEN[place + 1 :]
    assert is_pass(KEY, CODE, LOCK, changed, NOW) == (changed == TOKEN)


@given(st.text(max_size=60))
def test_whatever_else_comes_is_no_pass(text):
    assert not is_pass(KEY, CODE, LOCK, text, NOW)


def test_a_clicks_token_opens_under_the_password_that_led_to_it_alone():
    click, locks = UUID(int=1), (None, UUID(int=7), UUID(int=8))
    for given_under in locks:
        token = click_token(KEY, click, sealed(CODE, given_under))
        for asked_under in locks:
            found = read_click_token(KEY, token, sealed(CODE, asked_under))
            assert (found == click) == (given_under == asked_under)
    assert sealed(CODE, None) == CODE, "a link without a password is as it always was"
