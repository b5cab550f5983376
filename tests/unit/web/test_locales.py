"""Which language a visitor reads."""

from __future__ import annotations

import pytest

from hutong.web.i18n.locales import choose_locale, known_locale, locale_of_tag


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "chosen"),
    [
        (None, None, None, "zh-Hans"),
        (None, None, "en-GB,en;q=0.9,zh;q=0.8", "en"),
        (None, None, "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        (None, None, "zh-TW,zh;q=0.9", "zh-Hant"),
        (None, None, "zh-Hant-HK", "zh-Hant"),
        (None, None, "fr,de;q=0.9", "zh-Hans"),
        (None, None, "fr, en;q=0.2, zh-TW;q=0.7", "zh-Hant"),
        (None, None, "en;q=0", "en"),
        (None, None, "en;q=abc,zh-HK;q=0.1", "zh-Hant"),
        (None, "zh-Hant", "en", "zh-Hant"),
        ("en", "zh-Hant", "zh", "en"),
        ("xx", "zh-Hant", "en", "zh-Hant"),
        ("<script>", None, "," * 500, "zh-Hans"),
    ],
)
def test_choice(asked, remembered, accepted, chosen):
    assert choose_locale(asked=asked, remembered=remembered, accept_language=accepted) == chosen


def test_only_exact_names_are_known():
    assert known_locale("en") == "en"
    assert known_locale("EN") is None
    assert locale_of_tag("english") is None
