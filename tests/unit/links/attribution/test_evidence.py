"""Which of two ties holds, and the words and tokens that make them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.core.errors import InvalidInput
from hutong.core.ids import new_id
from hutong.links.attribution.evidence import EXACT, STRENGTH, Evidence, Tie, stronger
from hutong.links.attribution.words import check_word, words_in
from hutong.links.tokens import carried_token, read_carried_token

KEY, CODE, SHOP = b"k" * 32, "aB3dE6g", UUID(int=7)
IDS = st.integers(1, 4).map(lambda number: UUID(int=number))


@st.composite
def ties(draw):
    evidence = draw(st.sampled_from(Evidence))
    return Tie(
        evidence=evidence,
        channel_id=UUID(int=9),
        link_id=draw(IDS),
        click_id=draw(st.none() | IDS),
        confidence_bps=10_000 if evidence in EXACT else draw(st.integers(1, 9_999)),
    )


@given(st.lists(ties(), min_size=1, max_size=6).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_whatever_order_ties_are_told_in_the_same_one_holds(told):
    first, second = told
    kept, again = reduce(stronger, first), reduce(stronger, second)
    assert kept.weight == again.weight == max(tie.weight for tie in first)
    assert STRENGTH[kept.evidence] == max(STRENGTH[tie.evidence] for tie in first)


def test_only_a_window_is_less_than_certain():
    ids = {"channel_id": UUID(int=1), "link_id": UUID(int=2)}
    with pytest.raises(AssertionError):
        Tie(evidence=Evidence.WINDOW, confidence_bps=10_000, **ids)
    with pytest.raises(AssertionError):
        Tie(evidence=Evidence.CODE, confidence_bps=9_000, **ids)


@given(st.uuids(), st.uuids())
def test_a_carried_token_comes_back_to_its_merchant_and_link_alone(click_id, other):
    token = carried_token(KEY, SHOP, click_id, CODE)
    assert token.isascii()
    assert token.isalnum()
    assert len(token) == 37
    assert read_carried_token(KEY, SHOP, token) == (click_id, CODE)
    assert read_carried_token(KEY, other, token) is None or other == SHOP
    assert read_carried_token(KEY, SHOP, token[:30] + "aB3dE6h") is None
    assert read_carried_token(b"x" * 32, SHOP, token) is None


@given(st.integers(0, 36), st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))
def test_a_token_with_one_letter_changed_is_none_of_ours(place, letter):
    token = carried_token(KEY, SHOP, UUID(int=2**127 + 12345), CODE)
    changed = token[:place] + letter + token[place + 1 :]
    assert changed == token or read_carried_token(KEY, SHOP, changed) is None


@given(st.text(max_size=80))
def test_no_text_breaks_the_reading_of_a_token(text):
    assert read_carried_token(KEY, SHOP, text) is None


@given(st.datetimes(datetime(2024, 1, 1), datetime(2400, 1, 1), timezones=st.just(UTC)), st.integers(1, 10**9))  # noqa: DTZ001
def test_tokens_sort_as_their_clicks_do(at, later_ms):
    early, late = new_id(at), new_id(at + timedelta(milliseconds=later_ms))
    assert carried_token(KEY, SHOP, early, CODE) < carried_token(KEY, SHOP, late, CODE)


@pytest.mark.parametrize(
    ("remark", "words"),
    [
        ("暗号K7Q2，谢谢", ("K7Q2",)),
        ("暗号：k7q2 尽快发货", ("K7Q2",)),
        ("Ｋ７Ｑ２", ("K7Q2",)),
        ("快递单号 SF1234567890123456789012 K7Q2", ("K7Q2",)),
        ("XK7Q2 不是 K7Q2Z", ("XK7Q2", "K7Q2Z")),
        ("电话 13800138000，HELLO", ()),
        ("", ()),
    ],
)
def test_words_in_a_remark(remark, words):
    assert words_in([remark]) == words


@pytest.mark.parametrize("word", ["ABC", "ABCD", "1234", "K7Q2" * 6, "K7 Q2", "暗号K7"])
def test_words_that_could_stand_in_a_remark_by_chance_are_refused(word):
    with pytest.raises(InvalidInput):
        check_word(word)
