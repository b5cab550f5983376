"""The words of a link's editor: every reason and every field that rules can name."""

from __future__ import annotations

from hutong.links.rules.broken import FIELDS, REASONS
from hutong.web.console.link_editor import REASON_WORDS
from hutong.web.labels import LABELS


def test_every_reason_and_field_has_words_for_a_shop_owner():
    assert REASON_WORDS.keys() == REASONS.keys()
    assert FIELDS.keys() - {"version", "zone", "key"} == LABELS["rule_field"].keys()
    for name, (zh, _) in REASONS.items():
        assert REASON_WORDS[name].replace("%(what)s", "{what}") == zh
