import re

import pytest

from hutong.core import errors
from hutong.core.errors import HutongError


def family(base=HutongError):
    """Every error class that is loaded."""
    for child in base.__subclasses__():
        yield child
        yield from family(child)


CLASSES = [HutongError, *family()]


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_every_error_has_a_code_and_three_texts_in_two_languages(error):
    assert re.fullmatch(r"[a-z][a-z0-9_]+", error.code)
    assert 400 <= error.status < 600
    for text in (error.zh, error.en):
        assert all((text.sentence.strip(), text.cause.strip(), text.fix.strip()))
    assert re.search(r"[\u4e00-\u9fff]", error.zh.sentence)
    assert not re.search(r"[\u4e00-\u9fff]", error.en.sentence)
    zh_fields = set(re.findall(r"{(\w+)}", error.zh.sentence + error.zh.cause + error.zh.fix))
    en_fields = set(re.findall(r"{(\w+)}", error.en.sentence + error.en.cause + error.en.fix))
    assert zh_fields == en_fields


def test_codes_are_not_shared():
    codes = {}
    for error in CLASSES:
        codes.setdefault(error.code, set()).add(error.__qualname__)
    inherited = {code: names for code, names in codes.items() if len(names) > 1}
    for names in inherited.values():
        found = [error for error in CLASSES if error.__qualname__ in names]
        assert all(issubclass(a, b) or issubclass(b, a) for a in found for b in found)


def test_details_fill_the_texts_and_a_missing_one_does_not_break_them():
    told = errors.NotFound(what="order", key="7").text("en").sentence
    assert "order" in told
    assert "7" in told
    assert "?" in errors.NotFound(what="order").text("zh-Hant").sentence
