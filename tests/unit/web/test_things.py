"""Whatever an error says it is about has a word for people."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import hutong
from hutong.core.errors import Conflict, NotFound, PlatformUnknown
from hutong.core.things import THINGS
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused
from hutong.web.errors import in_words_of, text_for
from hutong.web.i18n import Catalogues
from hutong.web.things import for_people


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


def test_every_word_is_one_of_its_language():
    for zh, en in THINGS.values():
        assert not zh.isascii()
        assert en.isascii()
        assert "_" not in en


@pytest.mark.parametrize(
    ("locale", "missing", "changed"),
    [
        ("zh-Hans", "找不到订单“7”。", "收款码已存在或刚被修改。"),
        ("zh-Hant", "找不到訂單“7”。", "收款碼已存在或剛被修改。"),
        ("en", "No order “7”.", "This shop code exists already or was changed just now."),
    ],
)
def test_the_word_is_in_the_readers_language_wherever_it_is_told(locale, missing, changed):
    catalogues = Catalogues()
    for error, sentence in (
        (NotFound(what="customer_order", key="7"), missing),
        (Conflict(what="shop_code"), changed),
    ):
        assert text_for(error, locale, catalogues).sentence == sentence
        if locale != "zh-Hant":
            assert error.text(locale).sentence == sentence
        assert error.details["what"] in ("customer_order", "shop_code"), "programs read the code's word"


def test_what_nobody_named_stays_as_it_is():
    assert NotFound(what="comet", key="7").text("zh-Hans").sentence == "找不到comet“7”。"
    assert for_people({"field": "title"}) == {"field": "title"}


@pytest.mark.parametrize(
    ("locale", "told"), [("zh-Hans", "平台 微信支付 "), ("zh-Hant", "平台 微信支付 "), ("en", "Platform WeChat Pay ")]
)
def test_a_platform_has_its_own_name_where_people_read(locale, told):
    error = PlatformUnknown(**for_people({"platform": "wechatpay"}))
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
