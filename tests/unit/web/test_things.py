"""Whatever an error says it is about has a word for people."""

from __future__ import annotations

import ast
from pathlib import Path

import hutong
from hutong.core.errors import NotFound
from hutong.web.errors import text_for
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
    error = NotFound(**for_people({"what": "order", "key": "7"}))
    catalogues = Catalogues()
    assert text_for(error, "zh-Hans", catalogues).sentence == "找不到订单“7”。"
    assert text_for(error, "zh-Hant", catalogues).sentence == "找不到訂單“7”。"


def test_what_nobody_named_stays_as_it_is():
    assert for_people({"what": "comet", "key": "7"}) == {"what": "comet", "key": "7"}
    assert for_people({"field": "title"}) == {"field": "title"}
