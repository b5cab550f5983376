"""Whatever an error says it is about has a word for people."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import hutong
from hutong.core.errors import NotFound, PlatformUnknown
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused
from hutong.web.errors import in_words_of, text_for
from hutong.web.i18n import Catalogues
from hutong.web.things import THINGS, for_people


def named_things() -> set[str]:
    found = set()
    for file in Path(hutong.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "what" and isinstance(node.value, ast.Constant):
                found.add(node.value.value)
    return found


def test_every_thing_that_errors_name_has_a_word():
    named = named_things()
    assert "order" in named
    assert named - set(THINGS) == set()


def test_the_word_is_in_the_readers_language():
    error = NotFound(**for_people({"what": "order", "key": "7"}, "zh-Hans"))
    catalogues = Catalogues()
    assert text_for(error, "zh-Hans", catalogues).sentence == "找不到订单“7”。"
    assert text_for(error, "zh-Hant", catalogues).sentence == "找不到訂單“7”。"


def test_what_nobody_named_stays_as_it_is():
    assert for_people({"what": "comet", "key": "7"}, "zh-Hans") == {"what": "comet", "key": "7"}
    assert for_people({"field": "title"}, "zh-Hans") == {"field": "title"}


@pytest.mark.parametrize(
    ("locale", "told"), [("zh-Hans", "平台 微信支付 "), ("zh-Hant", "平台 微信支付 "), ("en", "Platform WeChat Pay ")]
)
def test_a_platform_has_its_own_name_where_people_read(locale, told):
    error = PlatformUnknown(**for_people({"platform": "wechatpay"}, locale))
    assert text_for(error, locale, Catalogues()).sentence.startswith(told)


@pytest.mark.parametrize("locale", ["zh-Hans", "zh-Hant", "en"])
@pytest.mark.parametrize("word", ErrorWord)
def test_what_a_platform_refuses_keeps_its_hint_when_it_is_put_into_words(word, locale):
    refused = PlatformRefused(platform="wechatpay", platform_code="NOTENOUGH", message="余额不足", word=word)
    told = in_words_of(refused, str.upper)
    assert (told.word, told.details, told.args) == (word, refused.details, refused.args)
    assert told.text(locale).fix == refused.text(locale).fix


@pytest.mark.parametrize("word", ErrorWord)
def test_a_hint_at_what_a_platform_refuses_is_in_traditional_chinese(word):
    refused = PlatformRefused(platform="wechatpay", platform_code="NOTENOUGH", message="余额不足", word=word)
    told = text_for(refused, "zh-Hant", Catalogues()).fix
    assert told not in {"", refused.text("en").fix}
    assert set(told) & set("请开号过后项数务联系码询编权钥") == set(), "a character of Simplified Chinese"


def test_what_a_platform_says_is_shown_without_what_no_database_holds():
    refused = PlatformRefused(
        platform="wechatpay", platform_code="A\0", message="余额\0不足\ud83d", word=ErrorWord.UNKNOWN
    )
    assert (refused.details["platform_code"], refused.details["message"]) == ("A ", "余额 不足 ")
