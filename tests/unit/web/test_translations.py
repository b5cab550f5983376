"""Every text that people can see is translated, and every check here is shown to catch a planted fault."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from jinja2 import Environment, nodes

from hutong.web.i18n import LOCALES, Catalogues
from hutong.web.i18n.catalogues import read_catalogue
from hutong.web.i18n.extraction import extract, faults, load_everything, unspoken
from hutong.web.render import TEMPLATES_DIR

TRANSLATED = [locale for locale in LOCALES if locale != "zh-Hans"]
CJK = re.compile(r"[\u3400-\u9fff\u3000-\u303f\uff00-\uffef]")
WORD = re.compile(r"[A-Za-z]{2,}")
TAG = re.compile(r"<script\b.*?</script>|<style\b.*?</style>|<[^>]*>|&[a-z]+;|[a-z-]+=[\"'][^\"']*[\"']", re.DOTALL)
#: Words that templates may hold as they are, in every language.
PLAIN = {"hutong", "import", "orders", "csv", "platform", "taobao", "dry", "run"}


@pytest.fixture(scope="module")
def template() -> Catalog:
    return extract()


@pytest.mark.parametrize("locale", TRANSLATED)
def test_every_text_is_translated(template, locale):
    assert faults(locale, template, read_catalogue(locale)) == []


def test_every_error_speaks_traditional():
    load_everything()
    catalogue = read_catalogue("zh-Hant")
    assert unspoken(catalogue) == []
    catalogue["编号被改动、不完整，或属于另一家店。"].string = ""
    assert unspoken(catalogue) == ["编号被改动、不完整，或属于另一家店。"], "the check can fail"


def test_planted_faults_in_a_catalogue_are_found(template):
    message = next(m for m in template if m.id and isinstance(m.id, str))
    with_fields = next(m for m in template if isinstance(m.id, str) and "%(" in m.id)
    catalogue = read_catalogue("en")
    catalogue[message.id].string = ""
    catalogue[with_fields.id].string = "a %(wrong_field)s"
    catalogue.add("没有人再说的话", "left over")
    catalogue[list(template)[-1].id].flags.add("fuzzy")
    found = " ".join(faults("en", template, catalogue))
    assert "untranslated" in found
    assert "left over" in found
    assert "fuzzy" in found
    assert "wrong_field" in found or "placeholder" in found or "incompatible" in found


def test_extraction_finds_texts_of_templates_and_of_code(tmp_path: Path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.html").write_text(
        '{{ _("甲") }}{{ ngettext("%(num)s 件", "%(num)s 件", 2) }}', "utf-8"
    )
    (tmp_path / "b.py").write_text('NAME = mark("乙")', "utf-8")
    found = {m.id if isinstance(m.id, str) else m.id[0] for m in extract(tmp_path) if m.id}
    assert found == {"甲", "乙", "%(num)s 件"}


def test_english_and_traditional_differ_from_the_source():
    catalogues = Catalogues()
    assert catalogues.text("zh-Hans", "订单") == "订单"
    assert catalogues.text("zh-Hant", "订单") == "訂單"
    assert catalogues.text("en", "订单") == "Orders"
    assert catalogues.text("en", "最多可退 %(amount)s", amount="¥1.00") == "At most ¥1.00"


def bare_texts(source: str) -> list[str]:
    """Words in a template outside of any translation call, tags and scripts left out."""
    tree = Environment(extensions=["jinja2.ext.i18n"]).parse(source)
    html = "\x00".join(data.data for data in tree.find_all(nodes.TemplateData))
    visible = TAG.sub(" ", html.replace("\x00", "X0X"))
    visible = re.sub(r"<[^>]*>|X0X", " ", visible)
    words = [word for word in WORD.findall(visible) if word.lower() not in PLAIN]
    return CJK.findall(visible) + words


@pytest.mark.parametrize("path", sorted(TEMPLATES_DIR.rglob("*.html")), ids=lambda p: p.name)
def test_templates_hold_no_text_of_their_own(path: Path):
    assert bare_texts(path.read_text("utf-8")) == []


def test_a_planted_bare_text_is_found():
    assert bare_texts("<p>{{ _('订单') }} 没翻译</p>")
    assert bare_texts('<p title="{{ x }}">Tickets</p>') == ["Tickets"]
    assert bare_texts("<p>{{ _('订单') }}</p>") == []


#: Letters that only Simplified Chinese has; one left over shows a text that was copied and not translated.
SIMPLIFIED_ONLY = set("订单链账对记录导设连货买卖额级计启务说话为这还现发转费")


def simplified_in(catalogue: Catalog) -> list[str]:
    texts = [[m.string] if isinstance(m.string, str) else list(m.string) for m in catalogue if m.id]
    return [text for strings in texts for text in strings if SIMPLIFIED_ONLY & set(text)]


def test_traditional_texts_hold_no_simplified_letters():
    assert simplified_in(read_catalogue("zh-Hant")) == []


def test_a_planted_simplified_letter_is_found():
    catalogue = read_catalogue("zh-Hant")
    catalogue["订单"].string = "订單"
    assert simplified_in(catalogue) == ["订單"]
